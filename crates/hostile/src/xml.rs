//! XML documents, by the schema of everything.

use bytes::Bytes;
use wire::{DecodeError, Protocol, RequestParts, Value};

use crate::schema::{self, SERVICE};
use crate::value::{assert_fits, comparable, count};

fn decode(document: &[u8]) -> Result<Value, DecodeError> {
    let parts = RequestParts { body: Bytes::copy_from_slice(document), ..RequestParts::default() };
    wire::decode_request(Protocol::RestXml, schema::everything(), &parts)
}

/// See [`crate::TARGETS`].
pub(crate) fn documents(bytes: &[u8]) {
    let operation = schema::everything();
    let value = match decode(bytes) {
        Ok(value) => value,
        Err(error) => {
            assert!(error.to_string().len() <= 4 * bytes.len() + 512, "the refusal is longer than the request");
            return;
        }
    };
    if let Some(shape) = operation.input {
        assert_fits(shape, &value);
    }
    assert!(count(&value) <= 1 + bytes.len(), "more values than the document can pay for");
    let encoded = wire::encode_response(Protocol::RestXml, &SERVICE, operation, &value, "id");
    let back = decode(&encoded.body).unwrap_or_else(|error| panic!("{error} in {:?}", encoded.body));
    assert_eq!(comparable(&value), comparable(&back), "through {:?}", encoded.body);
}
