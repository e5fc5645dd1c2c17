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
mod saml;
mod session_tags;
mod session_token;
mod trust;
mod web_identity;

pub use reach::is_within_reach;
#[cfg(feature = "hostile")]
pub(crate) use web_identity::signed;
pub use web_identity::{Fetch, FetchError, NoFetch};

use std::sync::Arc;

use api::Call;
use service::{Refusal, Runner, Service};
use wire::ServiceError;

use self::web_identity::Keys;

/// STS.
#[derive(Clone)]
pub struct Sts {
    runner: Runner,
    keys: Arc<Keys>,
}

impl Sts {
    /// STS over a runner, which reaches no identity provider.
    pub fn new(runner: Runner) -> Self {
        Self { runner, keys: Arc::new(Keys::new(Arc::new(NoFetch))) }
    }

    /// The same, which asks identity providers for their keys.
    #[must_use]
    pub fn reaching(self, fetch: Arc<dyn Fetch>) -> Self {
        Self { keys: Arc::new(Keys::new(fetch)), ..self }
    }

    /// The keys of identity providers.
    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
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
