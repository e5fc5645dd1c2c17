//! JSON and CBOR: bytes to a [`Document`](crate::Document), a document to values by schema, values to bytes.
//!
//! A document is bounded by its body: no length that a body announces is believed before the bytes are there, and what
//! nests too deep or has too many parts is refused.

mod cbor_read;
mod cbor_write;
mod decode;
mod encode;
mod json_read;
mod json_write;

pub(crate) use cbor_read::parse as parse_cbor;
pub(crate) use cbor_write::CborWriter;
pub(crate) use decode::{Format, decode, decode_members};
pub(crate) use encode::{Sink, encode_member, encode_members, encode_value};
pub(crate) use json_read::parse as parse_json;
pub(crate) use json_write::JsonWriter;

/// More parts than this are refused: `PutMetricData` may bring a thousand metrics of 150 values and as many counts.
const MAX_PARTS: usize = 500_000;

/// Two keys of one map. Small maps are searched, large ones sorted, so that no body costs the square of its size.
fn duplicate(pairs: &[(String, crate::Document)]) -> Option<&str> {
    const SMALL: usize = 16;
    if pairs.len() <= SMALL {
        let repeated = pairs.iter().enumerate().find(|(at, (key, _))| pairs.iter().take(*at).any(|(k, _)| k == key));
        return repeated.map(|(_, (key, _))| key.as_str());
    }
    let mut keys: Vec<&str> = pairs.iter().map(|(key, _)| key.as_str()).collect();
    keys.sort_unstable();
    keys.array_windows().find(|[left, right]| left == right).map(|[key, _]| *key)
}
