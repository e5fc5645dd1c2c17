//! The `ec2` protocol: a form in, XML out. Only EC2 speaks it.

use super::form::{self, Dialect, Form};
use super::{ErrorContext, RequestParts, ResponseParts, form_parameters, response};
use crate::error::{DecodeError, DecodeReason, ServiceError};
use crate::scalar::TimestampStyle;
use crate::service::{OperationShape, ServiceShape};
use crate::value::Value;
use crate::xml::{XmlWriter, encode_members};

const CONTENT_TYPE: &str = "text/xml;charset=UTF-8";

pub(super) fn decode(operation: &OperationShape, parts: &RequestParts) -> Result<Value, DecodeError> {
    let Some(shape) = operation.input else { return Ok(Value::EMPTY) };
    form::decode_structure(shape, Form::new(form_parameters(parts)?)?.root(), Dialect::Ec2)
}

pub(super) fn encode(
    service: &ServiceShape,
    operation: &OperationShape,
    output: &Value,
    request_id: &str,
) -> ResponseParts {
    let mut out = XmlWriter::new();
    let root = format!("{}Response", operation.name);
    out.open_with(&root, [("xmlns", service.xml_namespace)]);
    out.leaf("requestId", request_id);
    match operation.output {
        Some(shape) => encode_members(&mut out, shape, output, TimestampStyle::Milliseconds),
        None => out.leaf("return", "true"),
    }
    out.close(&root);
    response(operation.status, CONTENT_TYPE, out.finish())
}

pub(super) fn encode_error(error: &ServiceError, context: ErrorContext<'_>) -> ResponseParts {
    let mut out = XmlWriter::new();
    out.open("Response");
    out.open("Errors");
    out.open("Error");
    out.leaf("Code", &error.code);
    out.leaf("Message", &error.message);
    for (name, text) in &error.fields {
        out.leaf(name, text);
    }
    out.close("Error");
    out.close("Errors");
    out.leaf("RequestID", context.request_id);
    out.close("Response");
    response(error.status, CONTENT_TYPE, out.finish())
}

/// EC2's answers to malformed requests, as its error-codes page lists them.
pub(super) fn refusal(error: &DecodeError) -> ServiceError {
    let path = &error.path;
    match &error.reason {
        DecodeReason::Missing => {
            ServiceError::bad_request("MissingParameter", format!("The request must contain the parameter {path}"))
        }
        DecodeReason::Unknown => {
            ServiceError::bad_request("UnknownParameter", format!("The parameter {path} is not recognized"))
        }
        DecodeReason::Malformed { expected, text } => ServiceError::bad_request(
            "InvalidParameterValue",
            format!("Value ({text}) for parameter {path} is invalid. It must be {expected}"),
        ),
        DecodeReason::Duplicate | DecodeReason::BadIndex | DecodeReason::TooDeep | DecodeReason::TooMany => {
            ServiceError::bad_request("InvalidQueryParameter", format!("The parameter {path} {}", error.reason))
        }
        DecodeReason::Encoding
        | DecodeReason::Xml(_)
        | DecodeReason::Syntax(_)
        | DecodeReason::Unconvertible { .. } => {
            ServiceError::bad_request("MalformedQueryString", "The query string contains a syntax error")
        }
    }
}
