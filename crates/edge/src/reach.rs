//! Temporary credentials that an operation does not take, whatever policies say.

use api::Caller;
use wire::{OperationShape, ServiceError};

use crate::refuse::{Refusal, refusal_error};
use crate::trace::Trace;

/// Goes on if the caller's credentials are good for the operation at all; those that are not are answered like a token
/// that nobody knows.
pub(crate) fn check_reach(trace: &mut Trace, caller: &Caller, operation: &OperationShape) -> Result<(), ServiceError> {
    if iam::is_within_reach(trace.service.name, operation.name, caller) {
        return Ok(());
    }
    trace.seen.caller = Some(caller.clone());
    Err(refusal_error(trace, Refusal::InvalidToken, None))
}
