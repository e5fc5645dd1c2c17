//! Every operation of whole models, most of which no service of ours speaks yet, with botocore on the other side: the
//! requests that it writes we decode to what it was given, and the answers and errors that we write it reads as what we
//! meant. `tests/wire/foreign.py` is botocore's half; it runs with the project's Python environment.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "foreign/codegen.rs"]
mod codegen;
mod common;
#[path = "foreign/schema.rs"]
mod schema;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use codegen::model::Model;
use common::{parts, sorted, value_of};
use serde_json::{Value as Json, json};
use wire::{
    ErrorContext, Location, OperationEntry, OperationShape, Protocol, RequestParts, ServiceError, ServiceShape, Value,
    eventstream,
};

const JSON: &str = "json";
const CBOR: &str = "smithy-rpc-v2-cbor";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// botocore's half, as a process.
fn oracle(service: &str, protocol: &str) -> Child {
    let own = root().join(".venv/bin/python");
    let python = if own.exists() { own } else { PathBuf::from("python3") };
    let mut command = Command::new(python);
    command.arg(root().join("tests/wire/foreign.py")).args([service, protocol]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("Python with botocore: `make test-needs`, then `make generate`")
}

fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json[key].as_str().unwrap()
}

fn check(name: &'static str, protocol: &str) {
    let mut oracle = oracle(name, protocol);
    let mut lines = BufReader::new(oracle.stdout.take().unwrap()).lines();
    let Some(Ok(model)) = lines.next() else {
        let output = oracle.wait_with_output().unwrap();
        panic!("{}", String::from_utf8_lossy(&output.stderr));
    };
    let model: &'static Model = Box::leak(Box::new(Model::parse(model.as_bytes()).unwrap()));
    let service = schema::service(model, name);
    let lines: Vec<Json> = lines
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .take_while(|line: &Json| !line.is_null())
        .collect();
    let mut wrong = Vec::new();
    let mut answers = oracle.stdin.take().unwrap();
    for line in &lines {
        match (line.get("error"), line.get("stream")) {
            (Some(_), _) => error(&service, protocol, line, &mut answers),
            (None, Some(_)) => event(&service, line, &mut answers),
            (None, None) => {
                if let Err(difference) = request(&service, line) {
                    wrong.push(difference);
                }
                answer(&service, line, &mut answers);
            }
        }
    }
    drop(answers);
    let output = oracle.wait_with_output().unwrap();
    assert!(lines.len() > 2 * model.operations.0.len() - 1, "two cases an operation");
    wrong.truncate(10);
    assert!(wrong.is_empty(), "botocore's requests, read by us:\n{}", wrong.join("\n"));
    assert!(output.status.success(), "our answers, read by botocore:\n{}", String::from_utf8_lossy(&output.stderr));
}

/// The request of a line as the edge would take it apart, and its protocol.
fn received(service: &ServiceShape, line: &Json) -> Result<(Protocol, RequestParts), String> {
    let sent = &line["request"];
    let headers: Vec<_> = sent["headers"].as_object().unwrap().iter().collect();
    let mut headers: Vec<_> = headers.iter().map(|(name, text)| (name.as_str(), text.as_str().unwrap())).collect();
    let host = format!("{}service.test", text(sent, "host"));
    headers.push(("host", &host));
    let mut parts = parts(text(sent, "method"), text(sent, "query"), &headers, "");
    parts.body = STANDARD.decode(text(sent, "body")).unwrap().into();
    let path = text(sent, "path");
    let protocol = wire::select(service, &parts.method, path, text(sent, "query"), &parts.headers);
    if protocol.is_rest() {
        let found = wire::route(service, &parts.method, path, &parts.query, &parts.headers);
        let found = found.map_err(|error| format!("{error}"))?;
        parts.labels = found.labels;
        let expected = service.find(text(line, "operation")).unwrap();
        if !has_same_route(found.operation, expected) {
            same(found.operation.name, expected.name)?;
        }
    } else {
        let form = wire::parse_query(std::str::from_utf8(&parts.body).unwrap_or_default()).unwrap_or_default();
        let named = wire::operation_name(protocol, service, &parts.headers, path, &form);
        same(named.map_err(|error| error.to_string())?, text(line, "operation"))?;
    }
    Ok((protocol, parts))
}

/// Without those parameters in a map of all query parameters that other members or the route have names for: Smithy puts
/// them in the map too.
fn without_bound(operation: &OperationShape, decoded: Value) -> Value {
    let Value::Structure(mut fields) = decoded else { return decoded };
    let members = operation.input.map_or(&[][..], |shape| shape.members());
    for (index, field) in &mut fields {
        if let (Location::Query, Value::Map(pairs)) = (members[usize::from(*index)].location, field) {
            pairs.retain(|(name, _)| name != "mode" && members.iter().all(|member| member.wire_name != name));
        }
    }
    Value::Structure(fields)
}

/// Nothing in a request tells these two apart: an operation and what it was called before.
fn has_same_route(left: &OperationEntry, right: &OperationEntry) -> bool {
    let route = |entry: &OperationEntry| entry.route.as_ref().map(|route| (route.method, route.path, route.query));
    route(left) == route(right)
}

fn same(found: &str, expected: &str) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{found} instead of {expected}")) }
}

fn request(service: &ServiceShape, line: &Json) -> Result<(), String> {
    let operation = service.resolve(text(line, "operation")).unwrap();
    // AWS replaced it because it has two members, `Event` and `Events`, whose elements have one name.
    if operation.name == "PutBucketNotification" {
        return Ok(());
    }
    let outcome = received(service, line).and_then(|(protocol, parts)| {
        let decoded = wire::decode_request(protocol, operation, &parts).map_err(|error| error.to_string())?;
        let expected = operation.input.map_or(Value::EMPTY, |shape| value_of(shape, &line["params"]));
        let (decoded, expected) = (sorted(without_bound(operation, decoded)), sorted(expected));
        if decoded == expected { Ok(()) } else { Err(format!("\n {decoded:?}\n {expected:?}")) }
    });
    outcome.map_err(|error| format!("{}: {error}\n{}", operation.name, &line.to_string()))
}

fn answer(service: &ServiceShape, line: &Json, answers: &mut ChildStdin) {
    let operation = service.resolve(text(line, "operation")).unwrap();
    let output = operation.output.map_or(Value::EMPTY, |shape| value_of(shape, &line["output"]));
    let protocol = received(service, line).map_or(service.protocols[0], |(protocol, _)| protocol);
    let answer = wire::encode_response(protocol, service, operation, &output, "req-1");
    let line = json!({ "operation": operation.name, "case": line["case"] });
    say(line, &answer, answers);
}

fn error(service: &ServiceShape, protocol: &str, line: &Json, answers: &mut ChildStdin) {
    let spoken = match protocol {
        JSON => *service.protocols.iter().find(|spoken| matches!(spoken, Protocol::Json { .. })).unwrap(),
        "query" => Protocol::Query,
        _ => service.protocols[0],
    };
    let known = service.error(text(line, "error")).unwrap();
    let mut error = ServiceError::sender(known.name, known.status, text(line, "message"));
    error.is_sender_fault = known.is_sender_fault;
    if spoken == Protocol::RestXml {
        error.code = known.code.into();
    }
    for member in known.shape.unwrap().members() {
        if let Some(value) = line["members"].get(member.name) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            error = error.with_field(member.name, text);
        }
    }
    let context = ErrorContext { request_id: "req-1", is_query_mode: true, ..ErrorContext::default() };
    say(
        json!({ "error": known.name, "code": known.code }),
        &wire::encode_error(spoken, service, &error, context),
        answers,
    );
}

/// One event of a stream, which must also come back to us as it was.
fn event(service: &ServiceShape, line: &Json, answers: &mut ChildStdin) {
    let output = service.resolve(text(line, "stream")).unwrap().output.unwrap();
    let events = output.members().iter().find(|member| member.is_streaming).unwrap();
    let position = events.shape.members().iter().position(|member| member.name == text(line, "event")).unwrap();
    let value = value_of(&events.shape.members()[position].shape, &line["members"]);
    let value = Value::Structure(vec![(u16::try_from(position).unwrap(), value)]);
    let bytes = eventstream::encode_event(service.protocols[0], &events.shape, &value).unwrap();
    let message = eventstream::Message::decode(&mut bytes.clone()).unwrap().unwrap();
    assert_eq!(eventstream::decode_event(service.protocols[0], &events.shape, &message).unwrap(), value);
    let answer = wire::ResponseParts { status: Default::default(), headers: Default::default(), body: bytes };
    say(json!({ "stream": line["stream"], "event": line["event"] }), &answer, answers);
}

fn say(mut line: Json, answer: &wire::ResponseParts, answers: &mut ChildStdin) {
    let headers = answer.headers.iter().map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())));
    line["status"] = answer.status.as_u16().into();
    line["headers"] = headers.collect::<Vec<_>>().into_iter().map(|(name, text)| json!([name, text])).collect();
    line["body"] = STANDARD.encode(&answer.body).into();
    writeln!(answers, "{line}").expect("botocore's half reads until we are done");
}

#[test]
fn sqs_in_json_and_as_it_was_in_query() {
    check("sqs", JSON);
    check("sqs", "query");
}

#[test]
fn cloudwatch_in_cbor_json_and_query() {
    for protocol in [CBOR, JSON, "query"] {
        check("cloudwatch", protocol);
    }
}

#[test]
fn services_in_json() {
    for service in ["dynamodb", "kms", "secretsmanager", "ssm", "cloudtrail"] {
        check(service, JSON);
    }
}

#[test]
fn more_services_in_json_two_with_streams_of_events() {
    for service in ["logs", "kinesis", "acm", "ecr", "application-autoscaling", "organizations"] {
        check(service, JSON);
    }
}

/// `amp` has a map of lists in its query, `bedrock-runtime` documents and streams of events.
#[test]
fn services_in_rest_json() {
    for service in ["lambda", "ebs", "efs", "apigateway", "amp", "bedrock-runtime"] {
        check(service, "rest-json");
    }
}

#[test]
fn services_in_rest_xml() {
    for service in ["route53", "s3control", "cloudfront"] {
        check(service, "rest-xml");
    }
}

#[test]
fn services_in_query() {
    for service in ["iam", "sns", "autoscaling", "sts", "elb"] {
        check(service, "query");
    }
}

#[test]
fn more_services_in_query() {
    for service in ["elbv2", "cloudformation", "elasticache"] {
        check(service, "query");
    }
}

#[test]
fn rds_in_query() {
    check("rds", "query");
}

#[test]
fn the_whole_of_ec2() {
    check("ec2", "ec2");
}

#[test]
fn the_whole_of_s3() {
    check("s3", "rest-xml");
}
