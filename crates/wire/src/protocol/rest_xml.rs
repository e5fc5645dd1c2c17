//! The `rest-xml` protocol: S3 and Route 53. HTTP carries some members, an XML body (or raw bytes) the others.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::http_binding::{decode_bound, encode_bound};
use super::{ErrorContext, RequestParts, ResponseParts, add_header, status_code};
use crate::error::{DecodeError, DecodeReason, ServiceError};
use crate::scalar::TimestampStyle;
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
    // A text of no letters is one: S3 says what is wrong with it as a policy.
    if body.is_empty() && !matches!(member.shape.kind, Kind::String) {
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

pub(super) fn encode(
    service: &ServiceShape,
    operation: &OperationShape,
    output: &Value,
    request_id: &str,
) -> ResponseParts {
    let mut parts =
        ResponseParts { status: status_code(operation.status), headers: HeaderMap::new(), body: Bytes::new() };
    add_header(&mut parts.headers, request_id_header(service), request_id);
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

fn request_id_header(service: &ServiceShape) -> &'static str {
    if service.signing_name == "s3" { "x-amz-request-id" } else { "x-amzn-requestid" }
}

fn set_xml(parts: &mut ResponseParts, out: XmlWriter) {
    parts.headers.insert(CONTENT_TYPE, XML);
    parts.body = out.finish().into();
}

pub(super) fn encode_error(service: &ServiceShape, error: &ServiceError, context: ErrorContext<'_>) -> ResponseParts {
    let mut parts = ResponseParts { status: status_code(error.status), headers: HeaderMap::new(), body: Bytes::new() };
    add_header(&mut parts.headers, request_id_header(service), context.request_id);
    if !context.host_id.is_empty() {
        add_header(&mut parts.headers, "x-amz-id-2", context.host_id);
    }
    if context.is_head && service.has_bare_errors && parts.status != StatusCode::NOT_MODIFIED {
        parts.headers.insert(CONTENT_TYPE, XML);
    }
    if context.is_head || parts.status == StatusCode::NOT_MODIFIED {
        return parts;
    }
    let mut out = if service.has_bare_errors { XmlWriter::with_plain_quotes() } else { XmlWriter::new() };
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
        out.leaf("RequestId", context.request_id);
        out.leaf("HostId", context.host_id);
        out.close("Error");
    } else {
        out.close("Error");
        out.leaf("RequestId", context.request_id);
        if !context.host_id.is_empty() {
            out.leaf("HostId", context.host_id);
        }
        out.close("ErrorResponse");
    }
    set_xml(&mut parts, out);
    parts
}

/// Route 53's and CloudFront's answers to malformed requests. Source: Route 53's "Common errors" and its `InvalidInput`.
pub(crate) fn refusal(error: &DecodeError) -> ServiceError {
    match &error.reason {
        DecodeReason::Xml(why) => ServiceError::bad_request("InvalidInput", format!("Invalid XML ; {why}")),
        DecodeReason::Missing => {
            let text = format!(
                "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
                super::lower_first(&error.path)
            );
            ServiceError::bad_request("InvalidInput", text)
        }
        _ => ServiceError::bad_request("InvalidInput", error.to_string()),
    }
}

/// S3's answers to malformed requests.
pub(super) fn s3_refusal(error: &DecodeError) -> ServiceError {
    match &error.reason {
        // The one body that is no XML.
        DecodeReason::Missing if error.is_body && error.path == "Policy" => {
            let text = "Policies must be valid JSON and the first byte must be '{'";
            ServiceError::bad_request("MalformedPolicy", text)
        }
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
            ServiceError::bad_request("InvalidArgument", unreadable(error))
                .with_field("ArgumentName", error.path.clone())
                .with_field("ArgumentValue", text)
        }
    }
}

/// S3's words for what cannot be read; of most numbers it has the same ones.
fn unreadable(error: &DecodeError) -> String {
    match (&error.reason, error.path.as_str()) {
        (DecodeReason::Malformed { expected: "a 32-bit integer", .. }, "partNumber") => {
            "Part number must be an integer between 1 and 10000, inclusive".to_owned()
        }
        (DecodeReason::Malformed { expected: "a 32-bit integer", .. }, path) => {
            format!("Provided {path} not an integer or within integer range")
        }
        _ => error.to_string(),
    }
}
