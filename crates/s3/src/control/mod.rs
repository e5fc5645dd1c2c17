//! S3 Control: what an account says of all of its buckets, and the tags of buckets where tags decide.
//! Not here: access points, jobs, access grants, Storage Lens and S3 on Outposts, none of which this region has.

mod account_block;
mod error;
mod tags;

use api::Call;
use ids::AccountId;
use service::{Refusal, Runner, Service};
use wire::ServiceError;

pub use error::ControlError;

use crate::S3;

/// S3 Control.
#[derive(Clone)]
pub struct S3Control {
    runner: Runner,
}

impl S3Control {
    /// S3 Control over the runner of the S3 that it is for.
    pub fn new(s3: &S3) -> Self {
        Self { runner: s3.runner().clone() }
    }
}

impl Service for S3Control {
    const NAME: &'static str = "s3control";

    fn runner(&self) -> &Runner {
        &self.runner
    }

    fn unauthorized(call: &Call, refusal: &Refusal) -> ServiceError {
        S3::unauthorized(call, refusal)
    }
}

/// The account that a request is for.
///
/// # Errors
/// [`ControlError::InvalidAccount`].
fn account(text: &str) -> Result<AccountId, ControlError> {
    text.parse().map_err(|_| ControlError::InvalidAccount(text.to_owned()))
}
