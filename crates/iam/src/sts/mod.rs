//! The Security Token Service: who the caller is, and temporary credentials.
//! Not here: what the credentials prove, which is `sessions`'.

mod access_key_info;
mod assume_role;
mod caller_identity;
mod federation_token;
mod given;
mod mfa;
mod reach;
mod role;
mod session_tags;
mod session_token;

pub use reach::is_within_reach;

use api::Call;
use service::{Refusal, Runner, Service};
use wire::ServiceError;

/// STS.
#[derive(Clone)]
pub struct Sts {
    runner: Runner,
}

impl Sts {
    /// STS over a runner.
    pub fn new(runner: Runner) -> Self {
        Self { runner }
    }
}

impl Service for Sts {
    const NAME: &'static str = "sts";

    fn runner(&self) -> &Runner {
        &self.runner
    }

    /// Of a role nothing is told to who may not assume it: not whether it is there, not which policy stands in the way.
    fn unauthorized(call: &Call, refusal: &Refusal) -> ServiceError {
        let is_about_role = refusal.need.policy.is_some();
        let text =
            if is_about_role { role::refused(&call.caller, &refusal.need) } else { refusal.message(&call.caller) };
        ServiceError::sender("AccessDenied", 403, text)
    }
}
