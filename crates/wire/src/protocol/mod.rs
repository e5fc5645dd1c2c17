//! The protocols, one module each, behind one enum. A new one adds a variant and an arm in each function here.

mod ec2;
mod form;
mod query;
mod rest_xml;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::error::{DecodeError, DecodeReason, ServiceError};
use crate::service::{OperationShape, ServiceShape};
use crate::value::Value;

/// A protocol that this build speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// EC2's form bodies and XML answers.
    Ec2,
    /// Form bodies and XML answers of IAM, STS and others.
    Query,
    /// S3 and Route 53: HTTP bindings and XML bodies.
    RestXml,
}

/// A request as far as HTTP and routing have taken it apart.
#[derive(Debug, Default)]
pub struct RequestParts {
    /// The method.
    pub method: Method,
    /// The labels that routing found in the path, by wire name, decoded.
    pub labels: Vec<(&'static str, String)>,
    /// The query string, decoded, in order.
    pub query: Vec<(String, Option<String>)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body; empty if the operation takes a stream.
    pub body: Bytes,
}

/// An answer that HTTP can send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseParts {
    /// The status.
    pub status: StatusCode,
    /// The headers. A length is among them only where the output itself has such a member.
    pub headers: HeaderMap,
    /// The body; empty if the operation gives a stream.
    pub body: Bytes,
}

/// What an error's answer says beside the error.
#[derive(Debug, Clone, Copy, Default)]
pub struct ErrorContext<'a> {
    /// The request's id.
    pub request_id: &'a str,
    /// S3's second id.
    pub host_id: &'a str,
    /// What S3 calls the resource: the path of the request.
    pub resource: &'a str,
    /// The request was a HEAD, so the answer can have no body.
    pub is_head: bool,
}

/// Reads the input of `operation`. A member that streams is left out; its bytes are the caller's to hand on.
///
/// # Errors
/// If the request does not fit the schema; [`Protocol::refusal`] makes AWS's error of it.
pub fn decode_request(
    protocol: Protocol,
    operation: &OperationShape,
    parts: &RequestParts,
) -> Result<Value, DecodeError> {
    match protocol {
        Protocol::Ec2 => ec2::decode(operation, parts),
        Protocol::Query => query::decode(operation, parts),
        Protocol::RestXml => rest_xml::decode(operation, parts),
    }
}

/// Writes the output of `operation`.
pub fn encode_response(
    protocol: Protocol,
    service: &ServiceShape,
    operation: &OperationShape,
    output: &Value,
    request_id: &str,
) -> ResponseParts {
    match protocol {
        Protocol::Ec2 => ec2::encode(service, operation, output, request_id),
        Protocol::Query => query::encode(service, operation, output, request_id),
        Protocol::RestXml => rest_xml::encode(service, operation, output, request_id),
    }
}

/// Writes an error.
pub fn encode_error(
    protocol: Protocol,
    service: &ServiceShape,
    error: &ServiceError,
    context: ErrorContext<'_>,
) -> ResponseParts {
    let mut parts = match protocol {
        Protocol::Ec2 => ec2::encode_error(error, context),
        Protocol::Query => query::encode_error(service, error, context),
        Protocol::RestXml => rest_xml::encode_error(service, error, context),
    };
    for (name, text) in &error.headers {
        add_header(&mut parts.headers, name, text);
    }
    parts
}

impl Protocol {
    /// What AWS answers, in this protocol, to a request that does not fit its schema.
    pub fn refusal(self, error: DecodeError) -> ServiceError {
        match self {
            Self::Ec2 => ec2::refusal(&error),
            Self::Query => query::refusal(&error),
            Self::RestXml => rest_xml::refusal(&error),
        }
        .because(error)
    }
}

/// The parameters of a form: those of the body, or of the query string when the body is empty, as a GET sends them.
fn form_parameters(parts: &RequestParts) -> Result<Vec<(String, Option<String>)>, DecodeError> {
    if parts.body.is_empty() {
        return Ok(parts.query.clone());
    }
    let text = std::str::from_utf8(&parts.body).map_err(|_| DecodeError::new("", DecodeReason::Encoding))?;
    crate::percent::parse_query(text)
}

fn response(status: u16, content_type: &'static str, body: String) -> ResponseParts {
    let mut headers = HeaderMap::new();
    if !body.is_empty() {
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    ResponseParts { status: status_code(status), headers, body: body.into() }
}

/// A status no HTTP knows is a fault of ours.
fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Adds a header, unless its text can't be one: then the answer is better without than split in two.
fn add_header(headers: &mut HeaderMap, name: &str, text: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(text.as_bytes())) {
        headers.append(name, value);
    }
}
