//! The `rest-xml` protocol: S3 and Route 53. HTTP carries some members, an XML body (or raw bytes) the others.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::{ErrorContext, RequestParts, ResponseParts, add_header, status_code};
use crate::error::{DecodeError, DecodeReason, ServiceError};
use crate::scalar::{self, TimestampStyle};
use crate::service::{OperationShape, ServiceShape};
use crate::shape::{Kind, Location, Member, Shape};
use crate::value::Value;
use crate::xml::{XmlWriter, decode_element, encode_members, encode_text, parse};

const XML: HeaderValue = HeaderValue::from_static("application/xml");

pub(super) fn decode(operation: &OperationShape, parts: &RequestParts) -> Result<Value, DecodeError> {
    let Some(shape) = operation.input else { return Ok(Value::EMPTY) };
    let has_payload = shape.members().iter().any(|member| member.is_payload);
    let has_body = shape.members().iter().any(|member| member.location == Location::Body);
    // Without a payload member the body is one element that holds all body members.
    let mut body = match has_body && !has_payload && !parts.body.is_empty() {
        true => decode_element(shape, &parse(&parts.body)?)?,
        false => Value::EMPTY,
    };
    let mut fields = Vec::new();
    for (index, member) in (0_u16..).zip(shape.members()) {
        if member.is_streaming {
            continue;
        }
        let value = match member.location {
            Location::Body if member.is_payload => decode_payload(member, &parts.body)?,
            Location::Body => take_member(&mut body, index),
            _ => decode_bound(member, parts).map_err(|error| error.within(member.wire_name))?,
        };
        match value {
            Some(value) => fields.push((index, value)),
            None if member.is_required => {
                let error = DecodeError::new(member.wire_name, DecodeReason::Missing);
                return Err(if member.location == Location::Body { error.in_body() } else { error });
            }
            None => {}
        }
    }
    Ok(Value::Structure(fields))
}

fn take_member(body: &mut Value, index: u16) -> Option<Value> {
    let Value::Structure(fields) = body else { return None };
    let position = fields.iter().position(|(position, _)| *position == index)?;
    Some(fields.swap_remove(position).1)
}

fn decode_payload(member: &Member, body: &Bytes) -> Result<Option<Value>, DecodeError> {
    if body.is_empty() {
        return Ok(None);
    }
    match member.shape.kind {
        Kind::Blob => Ok(Some(Value::Blob(body.clone()))),
        Kind::String => {
            let text = std::str::from_utf8(body).map_err(|_| DecodeError::new("", DecodeReason::Encoding).in_body())?;
            Ok(Some(Value::String(text.to_owned())))
        }
        _ => {
            let root = parse(body)?;
            if root.name != member.wire_name && root.name != member.shape.name {
                return Err(DecodeError::new(root.name, DecodeReason::Unknown).in_body());
            }
            decode_element(&member.shape, &root).map(Some).map_err(|error| error.within(member.wire_name).in_body())
        }
    }
}

/// A member that travels in the path, the query or the headers.
fn decode_bound(member: &Member, parts: &RequestParts) -> Result<Option<Value>, DecodeError> {
    let shape: &Shape = &member.shape;
    match member.location {
        Location::Uri => {
            let label = parts.labels.iter().find(|(name, _)| *name == member.wire_name);
            label.map(|(_, text)| scalar::parse(shape, text)).transpose()
        }
        Location::Query => {
            if let Kind::Map { value, .. } = &shape.kind {
                return decode_query_map(value, parts).map(Some);
            }
            let mut texts = parts.query.iter().filter(|(name, _)| name == member.wire_name);
            if let Kind::List { member: item, .. } = &shape.kind {
                let items: Vec<_> = texts
                    .map(|(_, text)| scalar::parse(item, text.as_deref().unwrap_or("")))
                    .collect::<Result<_, _>>()?;
                return Ok((!items.is_empty()).then_some(Value::List(items)));
            }
            let first = texts.next();
            if texts.next().is_some() {
                return Err(DecodeError::new("", DecodeReason::Duplicate));
            }
            match first {
                // Empty numbers and dates are sent by careless clients and mean "not given" to S3.
                Some((_, text)) if text.as_deref().unwrap_or("").is_empty() && !matches!(shape.kind, Kind::String) => {
                    Ok(None)
                }
                Some((_, text)) => scalar::parse(shape, text.as_deref().unwrap_or("")).map(Some),
                None => Ok(None),
            }
        }
        Location::Header => decode_header(member, &parts.headers),
        Location::Headers => decode_prefix(member, &parts.headers),
        Location::Body | Location::StatusCode => Ok(None),
    }
}

fn decode_query_map(shape: &Shape, parts: &RequestParts) -> Result<Value, DecodeError> {
    let mut pairs: Vec<(String, Value)> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (name, text) in &parts.query {
        if !seen.insert(name) {
            return Err(DecodeError::new(name.as_str(), DecodeReason::Duplicate));
        }
        pairs.push((name.clone(), scalar::parse(shape, text.as_deref().unwrap_or(""))?));
    }
    Ok(Value::Map(pairs))
}

fn header_text(value: &HeaderValue) -> Result<&str, DecodeError> {
    std::str::from_utf8(value.as_bytes()).map_err(|_| DecodeError::new("", DecodeReason::Encoding))
}

fn decode_header(member: &Member, headers: &HeaderMap) -> Result<Option<Value>, DecodeError> {
    let values = headers.get_all(member.wire_name).iter();
    if let Kind::List { member: item, .. } = &member.shape.kind {
        let mut items = Vec::new();
        for value in values {
            for text in header_text(value)?.split(',').map(str::trim).filter(|text| !text.is_empty()) {
                items.push(scalar::parse(item, text)?);
            }
        }
        return Ok((!items.is_empty()).then_some(Value::List(items)));
    }
    let texts = values.map(header_text).collect::<Result<Vec<_>, _>>()?;
    let text = match texts.as_slice() {
        [] => return Ok(None),
        [one] => (*one).to_owned(),
        // RFC 9110, 5.2: lines of one name are one list.
        several if matches!(member.shape.kind, Kind::String) => several.join(", "),
        _ => return Err(DecodeError::new("", DecodeReason::Duplicate)),
    };
    match scalar::parse(&member.shape, text.trim()) {
        // RFC 9110, 13.1.3: a date of HTTP's own headers that is no date counts as not given.
        Err(_) if matches!(member.shape.kind, Kind::Timestamp(_)) && !is_amazons(member.wire_name) => Ok(None),
        parsed => parsed.map(Some),
    }
}

fn is_amazons(header: &str) -> bool {
    header.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-amz-"))
}

/// `x-amz-meta-*`: the names come in lower case, as HTTP libraries give them and S3 stores them. Repeated ones are
/// joined with a comma, as S3 does.
fn decode_prefix(member: &Member, headers: &HeaderMap) -> Result<Option<Value>, DecodeError> {
    let Kind::Map { value: shape, .. } = &member.shape.kind else { return Ok(None) };
    let prefix = member.wire_name.to_ascii_lowercase();
    let mut pairs = Vec::new();
    for name in headers.keys() {
        let Some(key) = name.as_str().strip_prefix(&prefix).filter(|key| !key.is_empty()) else { continue };
        let texts = headers.get_all(name).iter().map(header_text).collect::<Result<Vec<_>, _>>()?;
        let value = scalar::parse(shape, texts.join(",").trim()).map_err(|error| error.within(key))?;
        pairs.push((key.to_owned(), value));
    }
    Ok((!pairs.is_empty()).then_some(Value::Map(pairs)))
}

pub(super) fn encode(
    service: &ServiceShape,
    operation: &OperationShape,
    output: &Value,
    request_id: &str,
) -> ResponseParts {
    let mut parts =
        ResponseParts { status: status_code(operation.status), headers: HeaderMap::new(), body: Bytes::new() };
    add_header(&mut parts.headers, "x-amz-request-id", request_id);
    let (Some(shape), Value::Structure(fields)) = (operation.output, output) else { return parts };
    for (index, value) in fields {
        if let Some(member) = shape.members().get(usize::from(*index)) {
            encode_bound(&mut parts, member, value);
        }
    }
    if parts.status == StatusCode::OK && parts.headers.contains_key(http::header::CONTENT_RANGE) {
        parts.status = StatusCode::PARTIAL_CONTENT;
    }
    encode_body(&mut parts, service, operation, shape, output);
    parts
}

/// Writes a member that travels as a header or as the status.
fn encode_bound(parts: &mut ResponseParts, member: &Member, value: &Value) {
    match (member.location, value) {
        (Location::Header, Value::List(items)) => {
            let Kind::List { member: item, .. } = &member.shape.kind else { return };
            let texts: Vec<_> =
                items.iter().map(|value| encode_text(item, None, value, TimestampStyle::HttpDate)).collect();
            add_header(&mut parts.headers, member.wire_name, &texts.join(","));
        }
        (Location::Header, _) => {
            let text = encode_text(&member.shape, Some(member), value, TimestampStyle::HttpDate);
            add_header(&mut parts.headers, member.wire_name, &text);
        }
        (Location::Headers, Value::Map(pairs)) => {
            for (key, value) in pairs {
                let text = encoded_word(scalar::format(value, None, TimestampStyle::HttpDate).unwrap_or_default());
                add_header(&mut parts.headers, &format!("{}{key}", member.wire_name), &text);
            }
        }
        (Location::StatusCode, Value::Integer(status)) => {
            parts.status = status_code(u16::try_from(*status).unwrap_or(0));
        }
        _ => {}
    }
}

/// S3 gives metadata beyond ASCII back as RFC 2047 has it in mail: `=?UTF-8?B?…?=`.
fn encoded_word(text: String) -> String {
    if text.is_ascii() { text } else { format!("=?UTF-8?B?{}?=", STANDARD.encode(text)) }
}

fn encode_body(
    parts: &mut ResponseParts,
    service: &ServiceShape,
    operation: &OperationShape,
    shape: &Shape,
    output: &Value,
) {
    let payload = (0_u16..).zip(shape.members()).find(|(_, member)| member.is_payload);
    let mut out = XmlWriter::new();
    if let Some((index, member)) = payload {
        match (output.member(index), &member.shape.kind) {
            (Some(Value::Blob(bytes)), _) => parts.body = bytes.clone(),
            (Some(Value::String(text)), _) => parts.body = text.clone().into(),
            (Some(value), Kind::Structure { .. }) => {
                let namespace = member.namespace.map_or(service.xml_namespace, |namespace| namespace.uri);
                out.open_with(member.wire_name, [("xmlns", namespace)]);
                encode_members(&mut out, &member.shape, value, TimestampStyle::Milliseconds);
                out.close(member.wire_name);
                set_xml(parts, out);
            }
            _ => {}
        }
        return;
    }
    let mut in_body = (0_u16..).zip(shape.members()).filter(|(_, member)| member.location == Location::Body).peekable();
    let Some((index, first)) = in_body.peek() else { return };
    out.open_with(operation.output_root, [("xmlns", service.xml_namespace)]);
    if operation.is_output_unwrapped {
        if let Some(value) = output.member(*index) {
            out.text(&encode_text(&first.shape, Some(first), value, TimestampStyle::Milliseconds));
        }
    } else {
        encode_members(&mut out, shape, output, TimestampStyle::Milliseconds);
    }
    out.close(operation.output_root);
    set_xml(parts, out);
}

fn set_xml(parts: &mut ResponseParts, out: XmlWriter) {
    parts.headers.insert(CONTENT_TYPE, XML);
    parts.body = out.finish().into();
}

pub(super) fn encode_error(service: &ServiceShape, error: &ServiceError, context: ErrorContext<'_>) -> ResponseParts {
    let mut parts = ResponseParts { status: status_code(error.status), headers: HeaderMap::new(), body: Bytes::new() };
    add_header(&mut parts.headers, "x-amz-request-id", context.request_id);
    if !context.host_id.is_empty() {
        add_header(&mut parts.headers, "x-amz-id-2", context.host_id);
    }
    if context.is_head || parts.status == StatusCode::NOT_MODIFIED {
        return parts;
    }
    let mut out = XmlWriter::new();
    if !service.has_bare_errors {
        out.open_with("ErrorResponse", [("xmlns", service.xml_namespace)]);
    }
    out.open("Error");
    if !service.has_bare_errors {
        out.leaf("Type", if error.is_sender_fault { "Sender" } else { "Receiver" });
    }
    out.leaf("Code", &error.code);
    out.leaf("Message", &error.message);
    for (name, text) in &error.fields {
        out.leaf(name, text);
    }
    if service.has_bare_errors {
        out.leaf("Resource", context.resource);
        out.leaf("RequestId", context.request_id);
        out.leaf("HostId", context.host_id);
        out.close("Error");
    } else {
        out.close("Error");
        out.leaf("RequestId", context.request_id);
        out.close("ErrorResponse");
    }
    set_xml(&mut parts, out);
    parts
}

/// S3's answers to malformed requests.
pub(super) fn refusal(error: &DecodeError) -> ServiceError {
    match &error.reason {
        DecodeReason::Missing if error.is_body && !error.path.contains('.') => {
            ServiceError::bad_request("MissingRequestBodyError", "Request Body is empty")
        }
        DecodeReason::Encoding if !error.is_body => {
            ServiceError::bad_request("InvalidURI", "Couldn't parse the specified URI.")
        }
        _ if error.is_body => ServiceError::bad_request(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        ),
        reason => {
            let text = match reason {
                DecodeReason::Malformed { text, .. } => text.clone(),
                _ => String::new(),
            };
            ServiceError::bad_request("InvalidArgument", error.to_string())
                .with_field("ArgumentName", error.path.clone())
                .with_field("ArgumentValue", text)
        }
    }
}
