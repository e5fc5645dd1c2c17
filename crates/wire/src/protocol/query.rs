//! The `query` protocol: a form in, XML out. IAM, STS, ELB, Auto Scaling, CloudFormation, RDS and others speak it.

use super::form::{self, Dialect, Form};
use super::{ErrorContext, RequestParts, ResponseParts, form_parameters, response};
use crate::error::{DecodeError, DecodeReason, ServiceError};
use crate::scalar::TimestampStyle;
use crate::service::{OperationShape, ServiceShape};
use crate::value::Value;
use crate::xml::{XmlWriter, encode_members};

const CONTENT_TYPE: &str = "text/xml";

pub(super) fn decode(operation: &OperationShape, parts: &RequestParts) -> Result<Value, DecodeError> {
    let Some(shape) = operation.input else { return Ok(Value::EMPTY) };
    form::decode_structure(shape, Form::new(form_parameters(parts)?)?.root(), Dialect::Query)
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
    if let Some(shape) = operation.output {
        // The model's resultWrapper is always this name.
        let wrapper = format!("{}Result", operation.name);
        out.open(&wrapper);
        let style = if service.has_whole_seconds { TimestampStyle::WholeSeconds } else { TimestampStyle::Seconds };
        encode_members(&mut out, shape, output, style);
        out.close(&wrapper);
    }
    out.open("ResponseMetadata");
    out.leaf("RequestId", request_id);
    out.close("ResponseMetadata");
    out.close(&root);
    let mut parts = response(operation.status, CONTENT_TYPE, out.finish());
    super::add_header(&mut parts.headers, "x-amzn-requestid", request_id);
    parts
}

pub(super) fn encode_error(service: &ServiceShape, error: &ServiceError, context: ErrorContext<'_>) -> ResponseParts {
    // A service that speaks JSON too may name its errors as that does.
    let code = service.error(&error.code).map_or(&*error.code, |modelled| modelled.code);
    let mut out = XmlWriter::new();
    out.open_with("ErrorResponse", [("xmlns", service.xml_namespace)]);
    out.open("Error");
    out.leaf("Type", if error.is_sender_fault { "Sender" } else { "Receiver" });
    out.leaf("Code", code);
    out.leaf("Message", &error.message);
    for (name, text) in &error.fields {
        out.leaf(name, text);
    }
    out.close("Error");
    out.leaf("RequestId", context.request_id);
    out.close("ErrorResponse");
    let mut parts = response(error.status, CONTENT_TYPE, out.finish());
    super::add_header(&mut parts.headers, "x-amzn-requestid", context.request_id);
    parts
}

/// The common errors of the query services.
pub(super) fn refusal(error: &DecodeError) -> ServiceError {
    let path = &error.path;
    match &error.reason {
        DecodeReason::Missing => ServiceError::bad_request(
            "ValidationError",
            format!(
                "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
                super::lower_first(path)
            ),
        ),
        DecodeReason::Malformed { expected, text } => ServiceError::bad_request(
            "ValidationError",
            format!("1 validation error detected: Value '{text}' at '{}' must be {expected}", super::lower_first(path)),
        ),
        DecodeReason::Encoding
        | DecodeReason::Xml(_)
        | DecodeReason::Syntax(_)
        | DecodeReason::Unconvertible { .. } => {
            ServiceError::bad_request("MalformedQueryString", "The query string contains a syntax error")
        }
        reason => ServiceError::bad_request("MalformedInput", format!("{path} {reason}")),
    }
}
