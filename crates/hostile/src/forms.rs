//! The form protocols. An input of EC2's is an operation in a line, then a body.

use bytes::Bytes;
use wire::{DecodeError, Kind, OperationShape, Protocol, RequestParts, Shape, Value};

use crate::input::Input;
use crate::schema;
use crate::value::{assert_fits, comparable, count};

/// EC2's forms, for all operations that we have.
pub(crate) fn ec2(bytes: &[u8]) {
    let mut input = Input(bytes);
    let operations: Vec<&OperationShape> =
        api::ec2::SERVICE.operations.iter().filter_map(|entry| entry.shape).collect();
    // A name that is none is one by chance, so that a search finds them all.
    let name = input.line();
    let chance = name.iter().map(|byte| usize::from(*byte)).sum::<usize>() % operations.len();
    let operation = operations.iter().find(|operation| operation.name.as_bytes() == name);
    let operation = operation.unwrap_or(&operations[chance]);
    check(Protocol::Ec2, operation, input.0);
}

/// Forms of the query protocol.
pub(crate) fn query(bytes: &[u8]) {
    check(Protocol::Query, schema::everything(), bytes);
}

fn decode(protocol: Protocol, operation: &OperationShape, body: &[u8]) -> Result<Value, DecodeError> {
    let parts = RequestParts { body: Bytes::copy_from_slice(body), ..RequestParts::default() };
    wire::decode_request(protocol, operation, &parts)
}

fn check(protocol: Protocol, operation: &OperationShape, body: &[u8]) {
    let decoded = decode(protocol, operation, body);
    let turned: Vec<&[u8]> = body.split(|byte| *byte == b'&').rev().collect();
    let again = decode(protocol, operation, &turned.join(&b'&'));
    assert_eq!(decoded.is_ok(), again.is_ok(), "the order of the parameters decides");
    let value = match decoded {
        Ok(value) => value,
        Err(error) => {
            assert!(error.to_string().len() <= body.len() + 512, "the refusal is longer than the request");
            let refusal = protocol.refusal(error);
            assert!(refusal.is_sender_fault && refusal.status == 400, "{refusal}");
            return;
        }
    };
    let Some(shape) = operation.input else { return };
    assert_fits(shape, &value);
    // Each parameter has at least a byte and an ampersand, and sets at most one value at each level of its name.
    assert!(count(&value) <= 1 + 64 * body.len(), "more values than the body can pay for");
    if let Ok(again) = again {
        assert_eq!(comparable(&value), comparable(&again), "the order of the parameters changes what they mean");
    }
    let mut pairs = Vec::new();
    encode(protocol, shape, true, String::new(), &value, &mut pairs);
    let encoded = pairs.join("&");
    let back = decode(protocol, operation, encoded.as_bytes());
    let back = back.unwrap_or_else(|error| panic!("{error} in {encoded}"));
    assert_eq!(comparable(&value), comparable(&back), "through {encoded}");
}

/// A client's side of both protocols.
fn encode(protocol: Protocol, shape: &Shape, is_flat: bool, name: String, value: &Value, out: &mut Vec<String>) {
    let below = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    let is_flat = is_flat || protocol == Protocol::Ec2;
    match (&shape.kind, value) {
        (_, Value::List(items)) if items.is_empty() => out.push(format!("{name}=")),
        (_, Value::Map(pairs)) if pairs.is_empty() => out.push(format!("{name}=")),
        (_, Value::Structure(fields)) if fields.is_empty() && !name.is_empty() => out.push(format!("{name}=")),
        (Kind::Structure { members, .. }, Value::Structure(fields)) => {
            for (index, field) in fields {
                let member = &members[usize::from(*index)];
                encode(protocol, &member.shape, member.is_flattened, below(member.query_name), field, out);
            }
        }
        (Kind::List { member, member_name }, Value::List(items)) => {
            let level = if is_flat { name.clone() } else { below(member_name.unwrap_or("member")) };
            for (index, item) in (1..).zip(items) {
                encode(protocol, member, false, format!("{level}.{index}"), item, out);
            }
        }
        (Kind::Map { value: shape, key_name, value_name }, Value::Map(pairs)) => {
            let level = if is_flat { name.clone() } else { below("entry") };
            for (index, (key, item)) in (1..).zip(pairs) {
                let key_name = key_name.unwrap_or("key");
                out.push(format!("{level}.{index}.{key_name}={}", percent_encoded(key)));
                let name = format!("{level}.{index}.{}", value_name.unwrap_or("value"));
                encode(protocol, shape, false, name, item, out);
            }
        }
        (_, scalar) => out.push(format!("{name}={}", percent_encoded(&text(scalar)))),
    }
}

fn text(scalar: &Value) -> String {
    match scalar {
        Value::Bool(inner) => inner.to_string(),
        Value::Integer(inner) => inner.to_string(),
        Value::Float(inner) if inner.is_infinite() => if *inner > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        Value::Float(inner) => format!("{inner:?}"),
        Value::String(inner) => inner.clone(),
        Value::Timestamp(inner) => inner.to_string(),
        Value::Blob(inner) => base64(inner),
        other => panic!("{other:?} is no scalar"),
    }
}

/// Base64 (RFC 4648) by hand, so that what is checked does not check itself.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let at = |index: usize| u32::from(three.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) & 63;
            text.push(if place <= three.len() { char::from(DIGITS[digit as usize]) } else { '=' });
        }
    }
    text
}

/// Every byte escaped.
pub(crate) fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}
