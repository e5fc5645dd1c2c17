//! The errors that the edge itself gives, and the one line that each leaves in the log.

use tracing::{error, info};
use wire::{Protocol, RouteError, ServiceError, StreamError};

use crate::body::CollectError;
use crate::trace::{Family, Trace};

/// Characters of an error's text that its line has.
const MAX_TEXT: usize = 256;

/// One line with the cause, for whoever can act on it: our faults for the operator, theirs only when asked for.
pub(crate) fn log_error(trace: &Trace, refused: &ServiceError) {
    let (service, operation, request_id) = (trace.service.name, trace.operation, &trace.request_id);
    let cause = refused.cause.as_ref().map(|cause| with_sources(cause.as_ref()));
    let cause = cause.unwrap_or_else(|| refused.message.chars().take(MAX_TEXT).collect());
    // What is not built is 5xx in S3's words, but nothing that an operator could mend.
    if refused.is_sender_fault || refused.status == 501 {
        info!(service, operation, account = trace.account, request_id, code = %refused.code, cause, "refused");
    } else {
        error!(service, operation, account = trace.account, request_id, code = %refused.code, cause, "failed");
    }
}

fn with_sources(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

/// Nobody here is meant: a service of AWS's that this region does not have, or one that nobody has.
/// Source: the "Common errors" pages of newer services.
pub(crate) fn not_served(protocol: Protocol, scope: &str) -> ServiceError {
    let name: String = scope.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect();
    let text = format!("This region does not have the service '{name}'.");
    match protocol {
        Protocol::Ec2 | Protocol::Query | Protocol::RestXml => ServiceError::bad_request("UnsupportedOperation", text),
        Protocol::Json { .. } | Protocol::Cbor => ServiceError::bad_request("UnknownOperationException", text),
        Protocol::RestJson => ServiceError::sender("UnknownOperationException", 404, text),
    }
}

/// What a REST service other than S3 says of a path or a method that none of its operations has.
pub(crate) fn no_route() -> ServiceError {
    let text = "The action or operation requested is invalid. Verify that the action is typed correctly.";
    ServiceError::sender("UnknownOperationException", 404, text)
}

pub(crate) fn route_error(error: RouteError) -> ServiceError {
    match error {
        RouteError::MethodNotAllowed => {
            let text = "The specified method is not allowed against this resource.";
            ServiceError::sender("MethodNotAllowed", 405, text)
        }
        RouteError::Conflict(one, other) => {
            let (first, second) = if one <= other { (one, other) } else { (other, one) };
            let text = format!("Conflicting query string parameters: {first}, {second}");
            ServiceError::bad_request("InvalidArgument", text)
                .with_field("ArgumentName", "ResourceType")
                .with_field("ArgumentValue", first)
        }
        RouteError::NotFound | RouteError::Path(_) => {
            ServiceError::bad_request("InvalidURI", "Couldn't parse the specified URI.")
        }
    }
}

/// What each family says of a body that could not be held.
/// Sources: S3's "List of error codes"; the "Common errors" pages of EC2, of IAM and of newer services.
pub(crate) fn collect_error(family: Family, error: CollectError) -> ServiceError {
    const SLOW: &str =
        "Your socket connection to the server was not read from or written to within the timeout period.";
    const BROKEN: &str = "The request body terminated unexpectedly";
    match (&error, family) {
        (CollectError::TooLarge(_), Family::S3) => {
            ServiceError::bad_request("MaxMessageLengthExceeded", "Your request was too large.")
        }
        (CollectError::TooLarge(_), Family::Ec2 | Family::Query) => {
            ServiceError::sender("RequestEntityTooLarge", 413, "The request body is too large.")
        }
        (CollectError::TooLarge(_), Family::Modern) => {
            ServiceError::sender("RequestEntityTooLargeException", 413, "The request entity is too large.")
        }
        (CollectError::TooSlow(_), Family::S3 | Family::Ec2 | Family::Query) => {
            ServiceError::bad_request("RequestTimeout", SLOW)
        }
        (CollectError::TooSlow(_), Family::Modern) => {
            ServiceError::sender("RequestTimeoutException", 408, "Reading the Request timed out.")
        }
        (CollectError::Exhausted(_), _) => overloaded(family),
        (CollectError::Broken(_), Family::S3 | Family::Ec2 | Family::Query) => {
            ServiceError::bad_request("IncompleteBody", BROKEN)
        }
        (CollectError::Broken(_), Family::Modern) => ServiceError::bad_request("RequestAbortedException", BROKEN),
    }
    .because(error)
}

/// There is more to do than there is room for; clients wait and try again.
pub(crate) fn overloaded(family: Family) -> ServiceError {
    match family {
        Family::S3 => ServiceError::receiver("SlowDown", 503, "Please reduce your request rate."),
        Family::Ec2 => {
            ServiceError::receiver("Unavailable", 503, "The server is overloaded and can't handle the request.")
        }
        Family::Query | Family::Modern => {
            let text = "The request has failed due to a temporary failure of the server.";
            ServiceError::receiver("ServiceUnavailable", 503, text)
        }
    }
}

/// A request that is wrong as HTTP.
pub(crate) fn malformed(family: Family) -> ServiceError {
    match family {
        Family::S3 => ServiceError::bad_request("BadRequest", "An error occurred when parsing the HTTP request."),
        Family::Ec2 | Family::Query | Family::Modern => {
            ServiceError::bad_request("MalformedHttpRequestException", "Problems with the request at the HTTP level.")
        }
    }
}

pub(crate) fn stream_error(error: StreamError) -> ServiceError {
    match error {
        StreamError::Invalid { code, message } => ServiceError::bad_request(code, message),
        error => ServiceError::bad_request("IncompleteBody", "The request body terminated unexpectedly").because(error),
    }
}
