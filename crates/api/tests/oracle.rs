//! botocore as the oracle: what its serializers write we read, and what we write its parsers read. The golden files
//! are made and checked by `tests/wire/oracle.py`, which says how to renew them.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::collections::BTreeSet;

use common::{SERVICES, golden, parts, sorted, value_of};
use serde_json::{Value as Json, json};
use wire::{OperationShape, Protocol, ServiceShape, Value};

fn lines(service: &ServiceShape, kind: &str) -> Vec<Json> {
    let text = std::fs::read_to_string(golden(&format!("{}.{kind}.jsonl", service.name))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json[key].as_str().unwrap()
}

/// The first of the service's protocols whose bodies are text, as the files are. `foreign.rs` has CBOR.
fn readable(service: &ServiceShape) -> Protocol {
    *service.protocols.iter().find(|protocol| **protocol != Protocol::Cbor).unwrap()
}

/// The operation of a golden line, unless it has been taken off the list.
fn operation(service: &ServiceShape, line: &Json) -> Option<&'static OperationShape> {
    service.find(text(line, "operation")).unwrap().shape
}

#[test]
fn requests_as_botocore_writes_them_decode_to_what_it_was_given() {
    let mut seen = BTreeSet::new();
    for service in SERVICES {
        let protocol = readable(service);
        for line in lines(service, "requests") {
            let Some(operation) = operation(service, &line) else { continue };
            let headers: Vec<_> = line["headers"].as_object().unwrap().iter().collect();
            let headers: Vec<_> = headers.iter().map(|(name, text)| (name.as_str(), text.as_str().unwrap())).collect();
            let mut parts = parts(text(&line, "method"), text(&line, "query"), &headers, text(&line, "body"));
            if protocol.is_rest() {
                let path = text(&line, "path");
                let found = wire::route(service, &parts.method, path, &parts.query, &parts.headers).unwrap();
                assert_eq!(found.operation.name, operation.name);
                parts.labels = found.labels;
            }
            let decoded = wire::decode_request(protocol, operation, &parts);
            let decoded = decoded.unwrap_or_else(|error| panic!("{}: {error}\n{line}", operation.name));
            let expected = operation.input.map_or(Value::EMPTY, |shape| value_of(shape, &line["params"]));
            assert_eq!(sorted(decoded), sorted(expected), "{}\n{line}", operation.name);
            seen.insert((service.name, operation.name));
        }
    }
    let recorded = seen.len();
    let implemented = SERVICES.iter().flat_map(|service| service.operations).filter(|entry| entry.is_implemented());
    assert!(recorded * 2 > implemented.count(), "record the newer operations: see tests/wire/oracle.py");
}

#[test]
fn answers_are_those_that_botocore_has_read_as_what_we_meant() {
    for service in SERVICES {
        let mut answers = Vec::new();
        for line in lines(service, "outputs") {
            let Some(operation) = operation(service, &line) else { continue };
            let output = operation.output.map_or(Value::EMPTY, |shape| value_of(shape, &line["output"]));
            let answer = wire::encode_response(readable(service), service, operation, &output, "req-1");
            let headers: Vec<_> =
                answer.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
            answers.push(json!({
                "operation": operation.name,
                "case": line["case"],
                "status": answer.status.as_u16(),
                "headers": headers,
                "body": std::str::from_utf8(&answer.body).unwrap(),
            }));
        }
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            let text: String = answers.iter().map(|answer| format!("{answer}\n")).collect();
            std::fs::write(golden(&format!("{}.responses.jsonl", service.name)), text).unwrap();
        }
        for checked in lines(service, "responses") {
            let is_same =
                |answer: &&Json| answer["operation"] == checked["operation"] && answer["case"] == checked["case"];
            if operation(service, &checked).is_some() {
                assert_eq!(answers.iter().find(is_same), Some(&checked));
            }
        }
    }
}
