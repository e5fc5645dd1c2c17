//! The service Organizations: accounts that belong together, the tree of units they stand in, and the policies that say
//! what they may do at most. Service control policies alone, which the authoriser enforces.
//! Deliberately absent: the other kinds of policies, delegated administrators, trusted access of services.
//! Source: <https://docs.aws.amazon.com/organizations/latest/APIReference/API_Operations.html>.

mod accounts;
mod attachments;
mod creating;
mod effective;
mod handshakes;
mod need;
mod organization;
mod paging;
mod policies;
mod record;
mod shown;
mod tags;
#[cfg(test)]
mod tests;
mod tree;
mod units;

pub use creating::finish_account;
pub(crate) use effective::{organization_path, service_control};
pub use record::{
    AccountRequestRecord, HandshakeRecord, HandshakeState, MemberRecord, OrganizationRecord, RequestState, ScpRecord,
    TargetRecord, UnitRecord,
};

use api::Call;
use service::{Refusal, Runner, Service};
use wire::ServiceError;

use crate::IamError;

/// Organizations.
#[derive(Clone)]
pub struct Organizations {
    runner: Runner,
}

impl Organizations {
    /// Organizations over a runner.
    pub fn new(runner: Runner) -> Self {
        Self { runner }
    }
}

impl Service for Organizations {
    const NAME: &'static str = "organizations";

    fn runner(&self) -> &Runner {
        &self.runner
    }

    fn unauthorized(call: &Call, refusal: &Refusal) -> ServiceError {
        ServiceError::bad_request("AccessDeniedException", refusal.message(&call.caller))
    }
}

/// An error of this service: all of its codes come with status 400.
fn refused(code: &'static str, text: &'static str) -> IamError {
    IamError::refused(code, 400, text)
}

fn invalid(text: impl Into<std::borrow::Cow<'static, str>>) -> IamError {
    IamError::refused("InvalidInputException", 400, text)
}
