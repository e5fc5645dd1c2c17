//! The `rest-json` protocol: HTTP carries some members, a JSON object (or raw bytes) the others.
//! Source: Smithy's "AWS REST JSON 1.0 protocol".

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};

use super::http_binding::{decode_bound, encode_bound};
use super::json::{member_of, object, raw, status_of, write_error};
use super::{ErrorContext, RequestParts, ResponseParts, add_header, status_code};
use crate::error::{DecodeError, DecodeReason, ServiceError};
use crate::service::{OperationShape, ServiceShape};
use crate::shape::{Kind, Location, Member};
use crate::tree::{Format, JsonWriter, decode as decode_document, decode_members, encode_value, parse_json};
use crate::value::Value;

const ERROR_TYPE: &str = "x-amzn-errortype";
const JSON: HeaderValue = HeaderValue::from_static("application/json");

pub(super) fn decode(operation: &OperationShape, parts: &RequestParts) -> Result<Value, DecodeError> {
    let Some(shape) = operation.input else { return Ok(Value::EMPTY) };
    let members = shape.members();
    let has_payload = members.iter().any(|member| member.is_payload);
    let has_body = members.iter().any(|member| member.location == Location::Body);
    let body = if parts.body.is_empty() { &b"{}"[..] } else { &parts.body };
    // Without a payload member the body is one object that holds all body members.
    let mut fields = match has_body && !has_payload {
        true => match decode_members(shape, parse_json(body)?, Format::Json)? {
            Value::Structure(fields) => fields,
            _ => Vec::new(),
        },
        false => Vec::new(),
    };
    for (index, member) in (0_u16..).zip(members).filter(|(_, member)| !member.is_streaming) {
        let value = match member.location {
            Location::Body if member.is_payload => decode_payload(member, &parts.body)?,
            Location::Body => continue,
            _ => decode_bound(member, parts).map_err(|error| error.within(member.wire_name))?,
        };
        match value {
            Some(value) => fields.push((index, value)),
            None if member.is_required => return Err(DecodeError::new(member.name, DecodeReason::Missing)),
            None => {}
        }
    }
    fields.sort_unstable_by_key(|(index, _)| *index);
    Ok(Value::Structure(fields))
}

fn decode_payload(member: &Member, body: &Bytes) -> Result<Option<Value>, DecodeError> {
    match member.shape.kind {
        _ if body.is_empty() => Ok(None),
        Kind::Blob => Ok(Some(Value::Blob(body.clone()))),
        Kind::String => {
            let text = std::str::from_utf8(body).map_err(|_| DecodeError::new("", DecodeReason::Encoding).in_body())?;
            Ok(Some(Value::String(text.to_owned())))
        }
        _ => decode_document(&member.shape, parse_json(body)?, Format::Json).map(Some),
    }
}

pub(super) fn encode(operation: &OperationShape, output: &Value, request_id: &str) -> ResponseParts {
    let mut parts = answer(operation.status, request_id);
    let (Some(shape), Value::Structure(fields)) = (operation.output, output) else { return parts };
    for (index, value) in fields {
        if let Some(member) = shape.members().get(usize::from(*index)) {
            encode_bound(&mut parts, member, value);
        }
    }
    let payload = (0_u16..).zip(shape.members()).find(|(_, member)| member.is_payload);
    match payload {
        Some((index, member)) => {
            if let Some(value) = output.member(index) {
                encode_payload(&mut parts, member, value);
            }
        }
        None if !operation.has_streaming_output => {
            // A member may be bound to this very header.
            parts.headers.entry(CONTENT_TYPE).or_insert(JSON);
            parts.body = object(shape, output).into();
        }
        None => {}
    }
    parts
}

fn encode_payload(parts: &mut ResponseParts, member: &Member, value: &Value) {
    match raw(value) {
        Some(bytes) => parts.body = bytes,
        None => {
            let mut out = JsonWriter::default();
            encode_value(&mut out, &member.shape, member.timestamp_format, value);
            parts.headers.entry(CONTENT_TYPE).or_insert(JSON);
            parts.body = out.finish().into();
        }
    }
}

fn answer(status: u16, request_id: &str) -> ResponseParts {
    let mut headers = HeaderMap::new();
    add_header(&mut headers, "x-amzn-requestid", request_id);
    ResponseParts { status: status_code(status), headers, body: Bytes::new() }
}

pub(super) fn encode_error(service: &ServiceShape, error: &ServiceError, context: ErrorContext<'_>) -> ResponseParts {
    let modelled = service.error(&error.code);
    let mut parts = answer(status_of(modelled, error), context.request_id);
    let name = modelled.map_or(&*error.code, |modelled| modelled.name);
    add_header(&mut parts.headers, ERROR_TYPE, name);
    for (name, text) in &error.fields {
        let member = member_of(modelled, name).filter(|member| member.location == Location::Header);
        // Some errors have their own name for a member; it stands there already.
        if let Some(member) = member.filter(|member| !member.wire_name.eq_ignore_ascii_case(ERROR_TYPE)) {
            add_header(&mut parts.headers, member.wire_name, text);
        }
    }
    if context.is_head {
        return parts;
    }
    let mut out = JsonWriter::default();
    write_error(&mut out, None, modelled, error);
    parts.headers.insert(CONTENT_TYPE, JSON);
    parts.body = out.finish().into();
    parts
}
