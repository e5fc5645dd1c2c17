//! The `json` protocol, versions 1.0 and 1.1: `X-Amz-Target` names the operation, a JSON object is its input.
//! Source: Smithy's "AWS JSON 1.0 protocol" and "AWS JSON 1.1 protocol".

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};

use super::{ErrorContext, JsonVersion, RequestParts, ResponseParts, add_header, status_code};
use crate::error::{DecodeError, DecodeReason, ServiceError};
use crate::scalar;
use crate::service::{ErrorShape, OperationShape, ServiceShape};
use crate::shape::{Location, Member, Shape};
use crate::tree::{Format, JsonWriter, Sink, decode_members, encode_member, encode_members, parse_json};
use crate::value::Value;

pub(super) fn decode(operation: &OperationShape, parts: &RequestParts) -> Result<Value, DecodeError> {
    let Some(shape) = operation.input else { return Ok(Value::EMPTY) };
    // Some clients send no body where there is no input.
    let body: &[u8] = if parts.body.is_empty() { b"{}" } else { &parts.body };
    decode_members(shape, parse_json(body)?, Format::Json)
}

pub(super) fn encode(
    version: JsonVersion,
    operation: &OperationShape,
    output: &Value,
    request_id: &str,
) -> ResponseParts {
    let body = match operation.output {
        Some(shape) => object(shape, output),
        None if version == JsonVersion::V1_0 => b"{}".to_vec(),
        None => Vec::new(),
    };
    answer(version, operation.status, request_id, body)
}

fn answer(version: JsonVersion, status: u16, request_id: &str, body: Vec<u8>) -> ResponseParts {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(version.content_type()));
    add_header(&mut headers, "x-amzn-requestid", request_id);
    ResponseParts { status: status_code(status), headers, body: body.into() }
}

/// The body members of `value` as a JSON object.
pub(super) fn object(shape: &Shape, value: &Value) -> Vec<u8> {
    let mut out = JsonWriter::default();
    encode_members(&mut out, shape, value);
    out.finish()
}

impl JsonVersion {
    /// The type of its bodies.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::V1_0 => "application/x-amz-json-1.0",
            Self::V1_1 => "application/x-amz-json-1.1",
        }
    }
}

pub(super) fn encode_error(
    version: JsonVersion,
    service: &ServiceShape,
    error: &ServiceError,
    context: ErrorContext<'_>,
) -> ResponseParts {
    let modelled = service.error(&error.code);
    let mut out = JsonWriter::default();
    let name = match version {
        JsonVersion::V1_0 => qualified_name(service, modelled, error),
        JsonVersion::V1_1 => modelled.map_or(&*error.code, |modelled| modelled.name).to_owned(),
    };
    write_error(&mut out, Some(&name), modelled, error);
    let mut parts = answer(version, status_of(modelled, error), context.request_id, out.finish());
    add_query_error(&mut parts, service, modelled, error, context);
    parts
}

/// An error's name with the namespace of whoever defines it: the service, or the framework all services stand on.
pub(super) fn qualified_name(service: &ServiceShape, modelled: Option<&ErrorShape>, error: &ServiceError) -> String {
    match modelled {
        Some(modelled) => format!("com.amazonaws.{}#{}", service.name, modelled.name),
        None => format!("com.amazon.coral.service#{}", error.code),
    }
}

/// The model's status, where it lists the error.
pub(super) fn status_of(modelled: Option<&ErrorShape>, error: &ServiceError) -> u16 {
    modelled.map_or(error.status, |modelled| modelled.status)
}

/// What clients that know a service from its query days want beside the error.
/// Source: Smithy's "AWS query compatible errors".
pub(super) fn add_query_error(
    parts: &mut ResponseParts,
    service: &ServiceShape,
    modelled: Option<&ErrorShape>,
    error: &ServiceError,
    context: ErrorContext<'_>,
) {
    if service.is_query_compatible && context.is_query_mode {
        let code = modelled.map_or(&*error.code, |modelled| modelled.code);
        let is_sender_fault = modelled.map_or(error.is_sender_fault, |modelled| modelled.is_sender_fault);
        let fault = if is_sender_fault { "Sender" } else { "Receiver" };
        add_header(&mut parts.headers, "x-amzn-query-error", &format!("{code};{fault}"));
    }
}

/// Writes an error as a map: its name if the protocol puts it there, its message, and its further members.
pub(super) fn write_error(
    out: &mut impl Sink,
    name: Option<&str>,
    modelled: Option<&ErrorShape>,
    error: &ServiceError,
) {
    let member = |wanted: &str| member_of(modelled, wanted);
    let in_body: Vec<_> = error
        .fields
        .iter()
        .map(|(name, text)| (*name, text, member(name)))
        .filter(|(_, _, member)| member.is_none_or(|member| member.location == Location::Body))
        .collect();
    out.open_map(usize::from(name.is_some()) + 1 + in_body.len());
    if let Some(name) = name {
        out.key("__type");
        out.text(name);
    }
    out.key(member("message").map_or("message", |member| member.json_name));
    out.text(&error.message);
    for (name, text, member) in in_body {
        match member.map(|member| (member, scalar::parse(&member.shape, text))) {
            Some((member, Ok(value))) => encode_member(out, member, &value),
            _ => {
                out.key(name);
                out.text(text);
            }
        }
    }
    out.close_map();
}

/// The member of an error called `name`; the message is called so in either case.
pub(super) fn member_of(modelled: Option<&ErrorShape>, name: &str) -> Option<&'static Member> {
    let members = modelled?.shape?.members();
    members.iter().find(|member| member.name == name || name == "message" && member.name == "Message")
}

/// The framework's answers to malformed requests, the same in JSON, rest-json and CBOR.
pub(super) fn refusal(error: &DecodeError) -> ServiceError {
    let path = super::lower_first(&error.path);
    match &error.reason {
        DecodeReason::Missing => ServiceError::bad_request(
            "ValidationException",
            format!(
                "1 validation error detected: Value null at '{path}' failed to satisfy constraint: Member must not be null"
            ),
        ),
        DecodeReason::Unconvertible { found: "START_OBJECT", .. } => {
            serialization("Start of structure or map found where not expected.")
        }
        DecodeReason::Unconvertible { found: "START_ARRAY", .. } => {
            serialization("Start of list found where not expected")
        }
        reason @ DecodeReason::Unconvertible { .. } => serialization(reason.to_string()),
        DecodeReason::Syntax(_) | DecodeReason::Encoding => serialization("Unable to parse the request body"),
        _ => serialization(error.to_string()),
    }
}

fn serialization(message: impl Into<String>) -> ServiceError {
    ServiceError::bad_request("SerializationException", message)
}

/// The whole body, as a payload member has it.
pub(super) fn raw(value: &Value) -> Option<Bytes> {
    match value {
        Value::Blob(bytes) => Some(bytes.clone()),
        Value::String(text) => Some(text.clone().into()),
        _ => None,
    }
}
