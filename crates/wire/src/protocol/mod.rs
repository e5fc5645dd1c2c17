//! The protocols, one module each, behind one enum. A new one adds a variant and an arm in each function here.

mod cbor;
mod ec2;
mod form;
mod http_binding;
mod json;
mod query;
mod rest_json;
mod rest_xml;
mod select;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::error::{DecodeError, DecodeReason, ServiceError};
use crate::service::{OperationShape, ServiceShape};
use crate::shape::Kind;
use crate::value::Value;

pub(crate) use rest_xml::refusal as rest_xml_refusal;
pub use select::{operation_name, select};

/// A protocol that this build speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// EC2's form bodies and XML answers.
    Ec2,
    /// Form bodies and XML answers of IAM, STS and others.
    Query,
    /// S3 and Route 53: HTTP bindings and XML bodies.
    RestXml,
    /// JSON in and out, the operation in a header: DynamoDB and SQS (1.0), KMS, Logs and many others (1.1).
    Json {
        /// Which of the two, as the content type says.
        version: JsonVersion,
    },
    /// HTTP bindings and JSON bodies: Lambda, EFS, API Gateway.
    RestJson,
    /// Smithy's RPC v2 in CBOR: CloudWatch.
    Cbor,
}

/// The versions of AWS's JSON protocol. They differ in their content type and in how errors are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JsonVersion {
    /// `application/x-amz-json-1.0`
    V1_0,
    /// `application/x-amz-json-1.1`
    V1_1,
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
    /// The body; empty if the operation gives a stream, but for the first message of an event stream in JSON and CBOR,
    /// which goes before the others.
    pub body: Bytes,
}

/// What an error's answer says beside the error.
#[derive(Debug, Clone, Copy, Default)]
pub struct ErrorContext<'a> {
    /// The request's id.
    pub request_id: &'a str,
    /// S3's second id.
    pub host_id: &'a str,
    /// The request was a HEAD, so the answer can have no body.
    pub is_head: bool,
    /// The client wants a query code beside the JSON error: it sent `x-amzn-query-mode: true`.
    pub is_query_mode: bool,
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
        Protocol::Json { .. } => json::decode(operation, parts),
        Protocol::RestJson => rest_json::decode(operation, parts),
        Protocol::Cbor => cbor::decode(operation, parts),
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
    let mut parts = match protocol {
        Protocol::Ec2 => ec2::encode(service, operation, output, request_id),
        Protocol::Query => query::encode(service, operation, output, request_id),
        Protocol::RestXml => rest_xml::encode(service, operation, output, request_id),
        Protocol::Json { version } => json::encode(version, operation, output, request_id),
        Protocol::RestJson => rest_json::encode(operation, output, request_id),
        Protocol::Cbor => cbor::encode(operation, output, request_id),
    };
    if has_events(operation) {
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(crate::eventstream::CONTENT_TYPE));
        parts.body = match (protocol, operation.output) {
            (Protocol::Json { .. } | Protocol::Cbor, Some(shape)) => {
                crate::eventstream::encode_initial_response(protocol, shape, output).unwrap_or_default()
            }
            _ => Bytes::new(),
        };
    }
    parts
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
        Protocol::Json { version } => json::encode_error(version, service, error, context),
        Protocol::RestJson => rest_json::encode_error(service, error, context),
        Protocol::Cbor => cbor::encode_error(service, error, context),
    };
    for (name, text) in &error.headers {
        add_header(&mut parts.headers, name, text);
    }
    parts
}

impl Protocol {
    /// What AWS answers, in this protocol, to a request that does not fit its schema; in REST-XML, what S3 answers. For
    /// the other services of that protocol ask [`ServiceShape::refusal`].
    pub fn refusal(self, error: DecodeError) -> ServiceError {
        match self {
            Self::Ec2 => ec2::refusal(&error),
            Self::Query => query::refusal(&error),
            Self::RestXml => rest_xml::s3_refusal(&error),
            Self::Json { .. } | Self::RestJson | Self::Cbor => json::refusal(&error),
        }
        .because(error)
    }

    /// Whether method and path name the operation, which [`crate::route`] then finds.
    pub fn is_rest(self) -> bool {
        match self {
            Self::RestXml | Self::RestJson => true,
            Self::Ec2 | Self::Query | Self::Json { .. } | Self::Cbor => false,
        }
    }

    /// Whether the operation and its input are in a form.
    pub fn is_form(self) -> bool {
        match self {
            Self::Ec2 | Self::Query => true,
            Self::RestXml | Self::RestJson | Self::Json { .. } | Self::Cbor => false,
        }
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

/// Whether the output is a stream of events. Then its members are events too, which whoever answers writes.
fn has_events(operation: &OperationShape) -> bool {
    let members = operation.output.map_or(&[][..], |shape| shape.members());
    members.iter().any(|member| member.is_streaming && matches!(member.shape.kind, Kind::Structure { .. }))
}

fn response(status: u16, content_type: &'static str, body: String) -> ResponseParts {
    let mut headers = HeaderMap::new();
    if !body.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    ResponseParts { status: status_code(status), headers, body: body.into() }
}

/// The services' validators name members as Java fields.
fn lower_first(path: &str) -> String {
    let mut characters = path.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
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
