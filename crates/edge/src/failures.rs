//! The errors that the edge itself gives, and the one line that each leaves in the log.

use tracing::{error, info};
use wire::{RouteError, ServiceError, StreamError};

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

pub(crate) fn collect_error(error: CollectError) -> ServiceError {
    match error {
        CollectError::TooLarge(_) => {
            ServiceError::sender("RequestEntityTooLarge", 413, "The request body is too large.").because(error)
        }
        CollectError::TooSlow(_) => ServiceError::sender(
            "RequestTimeout",
            400,
            "Your socket connection to the server was not read from or written to within the timeout period.",
        )
        .because(error),
        CollectError::Broken(_) => {
            ServiceError::bad_request("IncompleteBody", "The request body terminated unexpectedly").because(error)
        }
    }
}

pub(crate) fn stream_error(error: StreamError) -> ServiceError {
    match error {
        StreamError::Invalid { code, message } => ServiceError::bad_request(code, message),
        error => ServiceError::bad_request("IncompleteBody", "The request body terminated unexpectedly").because(error),
    }
}
