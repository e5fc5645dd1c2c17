//! CloudTrail, as far as it tells what has happened: `LookupEvents`.
//! Not here: the records themselves, which [`Trail`] brings; trails to buckets, event data stores, insights.
#![forbid(unsafe_code)]

mod bind;
mod error;
mod lookup_events;
mod token;
mod trail;

use std::sync::Arc;

use api::Call;
use service::{Refusal, Runner, Service};
use wire::ServiceError;

pub use error::CloudTrailError;
pub use trail::{AttributeKey, Page, Query, Record, Trail};

/// CloudTrail.
#[derive(Clone)]
pub struct CloudTrail {
    runner: Runner,
    trail: Arc<dyn Trail>,
}

impl CloudTrail {
    /// CloudTrail over a runner and the records of a region.
    pub fn new(runner: Runner, trail: Arc<dyn Trail>) -> Self {
        Self { runner, trail }
    }
}

impl Service for CloudTrail {
    const NAME: &'static str = "cloudtrail";

    fn runner(&self) -> &Runner {
        &self.runner
    }

    fn unauthorized(call: &Call, refusal: &Refusal) -> ServiceError {
        let resource = refusal.need.resource.as_ref().map(ids::Arn::as_str);
        ServiceError::bad_request("AccessDeniedException", refusal.message_on(&call.caller, resource))
    }
}
