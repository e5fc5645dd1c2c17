//! The errors that the edge itself gives, and the one line that each leaves in the log.

use tracing::{error, info};
use wire::{Protocol, RouteError, ServiceError, StreamError};

use crate::body::CollectError;
use crate::trace::Trace;

/// One line with the cause, for whoever can act on it: our faults for the operator, theirs only when asked for.
pub(crate) fn log_error(trace: &Trace, refused: &ServiceError) {
    let (service, operation, request_id) = (trace.service.name, trace.operation, &trace.request_id);
    let cause = refused.cause.as_ref().map(|cause| with_sources(cause.as_ref())).unwrap_or_default();
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
pub(crate) fn not_served(protocol: Protocol, scope: &str) -> ServiceError {
    let name: String = scope.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect();
    let text = format!("This region does not have the service '{name}'.");
    match protocol {
        Protocol::Ec2 | Protocol::Query | Protocol::RestXml => ServiceError::bad_request("UnsupportedOperation", text),
    }
}

pub(crate) fn route_error(error: RouteError) -> ServiceError {
    match error {
        RouteError::MethodNotAllowed => {
            let text = "The specified method is not allowed against this resource.";
            ServiceError::sender("MethodNotAllowed", 405, text)
        }
        RouteError::Conflict(one, other) => {
            let text = "Conflicting query string parameters";
            ServiceError::bad_request("InvalidArgument", text)
                .with_field("ArgumentName", "ResourceType")
                .with_field("ArgumentValue", format!("{one}, {other}"))
        }
        RouteError::NotFound | RouteError::Path(_) => {
            ServiceError::bad_request("InvalidURI", "Couldn't parse the specified URI.")
        }
    }
}

/// What each family says of a body that could not be held.
/// Sources: S3's "List of error codes"; the "Common errors" pages of EC2 and IAM.
pub(crate) fn collect_error(protocol: Protocol, error: CollectError) -> ServiceError {
    const SLOW: &str =
        "Your socket connection to the server was not read from or written to within the timeout period.";
    match (&error, protocol) {
        (CollectError::TooLarge(_), Protocol::RestXml) => {
            ServiceError::bad_request("MaxMessageLengthExceeded", "Your request was too large.")
        }
        (CollectError::TooLarge(_), Protocol::Ec2 | Protocol::Query) => {
            ServiceError::sender("RequestEntityTooLarge", 413, "The request body is too large.")
        }
        (CollectError::TooSlow(_), _) => ServiceError::bad_request("RequestTimeout", SLOW),
        (CollectError::Exhausted(_), _) => overloaded(protocol),
        (CollectError::Broken(_), _) => {
            ServiceError::bad_request("IncompleteBody", "The request body terminated unexpectedly")
        }
    }
    .because(error)
}

/// There is more to do than there is room for; clients wait and try again.
pub(crate) fn overloaded(protocol: Protocol) -> ServiceError {
    match protocol {
        Protocol::RestXml => ServiceError::receiver("SlowDown", 503, "Please reduce your request rate."),
        Protocol::Ec2 => {
            ServiceError::receiver("Unavailable", 503, "The server is overloaded and can't handle the request.")
        }
        Protocol::Query => {
            let text = "The request has failed due to a temporary failure of the server.";
            ServiceError::receiver("ServiceUnavailable", 503, text)
        }
    }
}

pub(crate) fn stream_error(error: StreamError) -> ServiceError {
    match error {
        StreamError::Invalid { code, message } => ServiceError::bad_request(code, message),
        error => ServiceError::bad_request("IncompleteBody", "The request body terminated unexpectedly").because(error),
    }
}
