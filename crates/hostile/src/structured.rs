//! Documents of the protocols that have trees for bodies: XML, JSON and CBOR, by the schema of everything.

use bytes::Bytes;
use wire::{DecodeError, JsonVersion, Protocol, RequestParts, Value, select};

use crate::input::Request;
use crate::schema::{self, SERVICE};
use crate::value::{assert_fits, comparable, count};

/// XML, as S3 takes it.
pub(crate) fn xml(bytes: &[u8]) {
    check(Protocol::RestXml, bytes);
}

/// JSON, with the operation in a header.
pub(crate) fn json(bytes: &[u8]) {
    check(Protocol::Json { version: JsonVersion::V1_1 }, bytes);
}

/// JSON, with members in the head of the request as well.
pub(crate) fn rest_json(bytes: &[u8]) {
    check(Protocol::RestJson, bytes);
}

/// CBOR.
pub(crate) fn cbor(bytes: &[u8]) {
    check(Protocol::Cbor, bytes);
}

fn decode(protocol: Protocol, document: &[u8]) -> Result<Value, DecodeError> {
    let parts = RequestParts { body: Bytes::copy_from_slice(document), ..RequestParts::default() };
    wire::decode_request(protocol, schema::everything(), &parts)
}

fn check(protocol: Protocol, bytes: &[u8]) {
    let operation = schema::everything();
    let value = match decode(protocol, bytes) {
        Ok(value) => value,
        Err(error) => {
            assert!(error.to_string().len() <= 4 * bytes.len() + 512, "the refusal is longer than the request");
            assert!((400..500).contains(&SERVICE.refusal(protocol, error).status));
            return;
        }
    };
    if let Some(shape) = operation.input {
        assert_fits(shape, &value);
    }
    assert!(count(&value) <= 2 + bytes.len(), "more values than the document can pay for");
    let encoded = wire::encode_response(protocol, &SERVICE, operation, &value, "id");
    let back = decode(protocol, &encoded.body).unwrap_or_else(|error| panic!("{error} in {:?}", encoded.body));
    let (value, back) = if protocol == Protocol::Cbor { (in_single(value), in_single(back)) } else { (value, back) };
    assert_eq!(comparable(&value), comparable(&back), "through {:?}", encoded.body);
}

/// The tree with its numbers in single precision: CBOR writes those so that are so by the model, whatever a client sent.
fn in_single(value: Value) -> Value {
    match value {
        Value::Float(number) => Value::Float(f64::from(number as f32)),
        Value::Structure(fields) => {
            Value::Structure(fields.into_iter().map(|(index, value)| (index, in_single(value))).collect())
        }
        other => other,
    }
}

/// How a client speaks: an input is a request.
pub(crate) fn protocol(bytes: &[u8]) {
    let Some(request) = Request::read(bytes) else { return };
    let choose = |headers| select(&SERVICE, &request.method, request.path, request.query, &headers);
    let chosen = choose(request.header_map(false));
    assert_eq!(chosen, choose(request.header_map(true)), "the order of the headers decides");
    // Of the two versions of JSON, the client's is spoken.
    let is_json = matches!(chosen, Protocol::Json { .. });
    assert!(is_json || SERVICE.protocols.contains(&chosen), "{chosen:?} is not spoken");
    let form = wire::parse_query(request.query).unwrap_or_default();
    let headers = request.header_map(false);
    if let Ok(name) = wire::operation_name(chosen, &SERVICE, &headers, request.path, &form) {
        assert!(name.len() <= bytes.len() && SERVICE.resolve_in(chosen, name).is_err(), "there is no operation");
    }
}
