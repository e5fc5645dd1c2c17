//! The `rpcv2Cbor` protocol: the path names the operation, a CBOR map is its input. CloudWatch speaks it first.
//! Source: Smithy's "RPC v2 CBOR protocol".

use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};

use super::json::{add_query_error, qualified_name, status_of, write_error};
use super::{ErrorContext, RequestParts, ResponseParts, add_header, status_code};
use crate::error::{DecodeError, ServiceError};
use crate::service::{OperationShape, ServiceShape};
use crate::tree::{CborWriter, Format, decode_members, encode_members, parse_cbor};
use crate::value::Value;

pub(super) fn decode(operation: &OperationShape, parts: &RequestParts) -> Result<Value, DecodeError> {
    let Some(shape) = operation.input else { return Ok(Value::EMPTY) };
    let document = match parts.body.is_empty() {
        true => crate::Document::Map(Vec::new()),
        false => parse_cbor(&parts.body)?,
    };
    decode_members(shape, document, Format::Cbor)
}

pub(super) fn encode(operation: &OperationShape, output: &Value, request_id: &str) -> ResponseParts {
    let mut body = CborWriter::default();
    if let Some(shape) = operation.output {
        encode_members(&mut body, shape, output);
    }
    answer(operation.status, request_id, body.finish())
}

fn answer(status: u16, request_id: &str, body: Vec<u8>) -> ResponseParts {
    let mut headers = HeaderMap::new();
    headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    if !body.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/cbor"));
    }
    add_header(&mut headers, "x-amzn-requestid", request_id);
    ResponseParts { status: status_code(status), headers, body: body.into() }
}

pub(super) fn encode_error(service: &ServiceShape, error: &ServiceError, context: ErrorContext<'_>) -> ResponseParts {
    let modelled = service.error(&error.code);
    let mut body = CborWriter::default();
    write_error(&mut body, Some(&qualified_name(service, modelled, error)), modelled, error);
    let mut parts = answer(status_of(modelled, error), context.request_id, body.finish());
    add_query_error(&mut parts, service, modelled, error, context);
    parts
}
