//! The service IAM: what its operations have in common.

use api::Call;
use service::{Refusal, Runner, Service};
use wire::ServiceError;

/// IAM.
#[derive(Clone)]
pub struct Iam {
    runner: Runner,
}

impl Iam {
    /// IAM over a runner.
    pub fn new(runner: Runner) -> Self {
        Self { runner }
    }
}

impl Service for Iam {
    const NAME: &'static str = "iam";

    fn runner(&self) -> &Runner {
        &self.runner
    }

    fn unauthorized(call: &Call, refusal: &Refusal) -> ServiceError {
        ServiceError::sender("AccessDenied", 403, refusal.message(&call.caller))
    }
}
