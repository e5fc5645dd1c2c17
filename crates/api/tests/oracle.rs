//! botocore as the oracle: what its serializers write we read, and what we write its parsers read. The golden files
//! are made and checked by `tests/wire/oracle.py`, which says how to renew them.

mod common;

use common::{SERVICES, golden, parts, sorted, value_of};
use serde_json::{Value as Json, json};
use wire::{OperationShape, Protocol, ServiceShape};

fn lines(service: &ServiceShape, kind: &str) -> Vec<Json> {
    let text = std::fs::read_to_string(golden(&format!("{}.{kind}.jsonl", service.name))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json[key].as_str().unwrap()
}

fn operation(service: &ServiceShape, line: &Json) -> &'static OperationShape {
    service.resolve(text(line, "operation")).unwrap()
}

#[test]
fn requests_as_botocore_writes_them_decode_to_what_it_was_given() {
    let mut count = 0;
    for service in SERVICES {
        let protocol = service.protocols[0];
        for line in lines(service, "requests") {
            let operation = operation(service, &line);
            let headers: Vec<_> = line["headers"].as_object().unwrap().iter().collect();
            let headers: Vec<_> = headers.iter().map(|(name, text)| (name.as_str(), text.as_str().unwrap())).collect();
            let mut parts = parts(text(&line, "method"), text(&line, "query"), &headers, text(&line, "body"));
            if protocol == Protocol::RestXml {
                let path = text(&line, "path");
                let found = wire::route(service, &parts.method, path, &parts.query, &parts.headers).unwrap();
                assert_eq!(found.operation.name, operation.name);
                parts.labels = found.labels;
            }
            let decoded = wire::decode_request(protocol, operation, &parts);
            let decoded = decoded.unwrap_or_else(|error| panic!("{}: {error}\n{line}", operation.name));
            let expected = value_of(operation.input.unwrap(), &line["params"]);
            assert_eq!(sorted(decoded), sorted(expected), "{}\n{line}", operation.name);
            count += 1;
        }
    }
    let implemented = SERVICES.iter().flat_map(|service| service.operations).filter(|entry| entry.is_implemented());
    assert_eq!(count, 3 * implemented.count(), "tests/wire/oracle.py make");
}

#[test]
fn answers_are_those_that_botocore_has_read_as_what_we_meant() {
    for service in SERVICES {
        let mut answers = String::new();
        for line in lines(service, "outputs") {
            let operation = operation(service, &line);
            let output = operation.output.map_or(wire::Value::EMPTY, |shape| value_of(shape, &line["output"]));
            let answer = wire::encode_response(service.protocols[0], service, operation, &output, "req-1");
            let headers: Vec<_> =
                answer.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
            let answer = json!({
                "operation": operation.name,
                "status": answer.status.as_u16(),
                "headers": headers,
                "body": std::str::from_utf8(&answer.body).unwrap(),
            });
            answers.push_str(&format!("{answer}\n"));
        }
        let path = golden(&format!("{}.responses.jsonl", service.name));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(path, answers).unwrap();
        } else {
            assert_eq!(std::fs::read_to_string(path).unwrap(), answers);
        }
    }
}
