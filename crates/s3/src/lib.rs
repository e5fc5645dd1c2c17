//! S3: buckets and objects, on disk and durable. Records in the store say what there is; object bytes are blobs that
//! the records name.
//! Not here yet: versions, multipart uploads, copies, ACLs, tags, encryption. A parameter whose meaning
//! is not built is refused with `NotImplemented`, never dropped.
#![forbid(unsafe_code)]

mod access;
mod bind;
mod buckets;
mod error;
mod objects;
mod owner;
mod policies;
mod public_access;
mod reconcile;
mod tables;
#[cfg(test)]
mod tests;
mod unbuilt;

use std::sync::Arc;

use api::Call;
use blobs::BlobStore;
use service::{Refusal, Runner, Service};
use wire::ServiceError;

pub use buckets::BucketRecord;
pub use error::{S3Error, Unmodified};
pub use objects::{
    BlobRefRecord, ChecksumKind, GarbageRecord, ObjectHeaders, ObjectRecord, StoredChecksum, named_blob,
};
pub use policies::BucketPolicyRecord;
pub use public_access::PublicAccessBlockRecord;
pub use reconcile::BlobReconciler;
pub use tables::prepare;

/// S3.
#[derive(Clone)]
pub struct S3 {
    runner: Runner,
    blobs: Arc<dyn BlobStore>,
}

impl S3 {
    /// S3 over a runner, with object bytes in `blobs`. Run a [`BlobReconciler`] over the same two, or the bytes of
    /// deleted objects stay for ever.
    pub fn new(runner: Runner, blobs: Arc<dyn BlobStore>) -> Self {
        Self { runner, blobs }
    }

    pub(crate) fn blobs(&self) -> &Arc<dyn BlobStore> {
        &self.blobs
    }
}

impl Service for S3 {
    const NAME: &'static str = "s3";

    fn runner(&self) -> &Runner {
        &self.runner
    }

    /// The long sentence is for those of the owner's account, and S3 quotes the resource in it.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html>.
    fn unauthorized(call: &Call, refusal: &Refusal) -> ServiceError {
        let (account, need) = (&call.caller.account, &refusal.need);
        if account.is_none() || (need.owner.is_some() && need.owner != *account) {
            return S3Error::AccessDenied.into();
        }
        let (bare, quoted) = (need.resource_text(), format!("\"{}\"", need.resource_text()));
        let text = match &need.resource {
            Some(_) => refusal.message(&call.caller).replacen(bare, &quoted, 1),
            None => refusal.message(&call.caller),
        };
        ServiceError::sender("AccessDenied", 403, text)
    }
}
