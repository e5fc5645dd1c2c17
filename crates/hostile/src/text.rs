//! Percent-encoding and scalars.

use http::{HeaderName, HeaderValue};
use wire::{Protocol, RequestParts, decode_path, decode_query, decode_request, parse_query};

use crate::forms::percent_encoded;
use crate::input::Input;
use crate::schema::{self, SERVICE};
use crate::value::{assert_fits, comparable};

/// See [`crate::TARGETS`].
pub(crate) fn percent(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for decode in [decode_path, decode_query] {
        if let Ok(decoded) = decode(text) {
            assert!(decoded.len() <= text.len());
            assert_eq!(decode(&percent_encoded(&decoded)).ok().as_ref(), Some(&decoded));
        }
    }
    let Ok(pairs) = parse_query(text) else { return };
    let encoded: Vec<String> = pairs
        .iter()
        .map(|(name, value)| match value {
            Some(value) => format!("{}={}", percent_encoded(name), percent_encoded(value)),
            None => percent_encoded(name),
        })
        .collect();
    assert_eq!(parse_query(&encoded.join("&")).ok(), Some(without_nameless(pairs)));
}

/// A parameter whose name and value both are nothing cannot be written, and is not asked for.
fn without_nameless(pairs: Vec<(String, Option<String>)>) -> Vec<(String, Option<String>)> {
    pairs.into_iter().filter(|(name, value)| !(name.is_empty() && value.is_none())).collect()
}

/// An input is the number of a kind in one byte, then a text.
pub(crate) fn scalar(bytes: &[u8]) {
    let operation = schema::scalars();
    let Some(shape) = operation.input else { return };
    let mut input = Input(bytes);
    let member = &shape.members()[usize::from(input.byte()) % shape.members().len()];
    let Ok(value) = HeaderValue::from_bytes(input.0.trim_ascii()) else { return };
    let Ok(name) = HeaderName::from_bytes(member.wire_name.as_bytes()) else { return };
    let mut parts = RequestParts::default();
    parts.headers.insert(name, value);
    let Ok(decoded) = decode_request(Protocol::RestXml, operation, &parts) else { return };
    assert_fits(shape, &decoded);
    let written = wire::encode_response(Protocol::RestXml, &SERVICE, operation, &decoded, "id");
    let parts = RequestParts { headers: written.headers.clone(), ..RequestParts::default() };
    let back = decode_request(Protocol::RestXml, operation, &parts);
    let back = back.unwrap_or_else(|error| panic!("{error} in {:?}", written.headers));
    // HTTP's dates have no fraction.
    let is_whole = member.name != "g" && member.name != "f";
    if is_whole {
        assert_eq!(comparable(&decoded), comparable(&back), "through {:?}", written.headers);
    }
    let twice = wire::encode_response(Protocol::RestXml, &SERVICE, operation, &back, "id");
    assert_eq!(written.headers, twice.headers);
}
