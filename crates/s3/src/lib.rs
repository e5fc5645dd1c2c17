//! S3: buckets and objects, on disk and durable. Records in the store say what there is; object bytes are blobs that
//! the records name.
//! A parameter whose meaning is not built is refused with `NotImplemented`, never dropped.
#![forbid(unsafe_code)]

mod access;
mod acl;
mod bind;
mod bind_control;
mod buckets;
mod config;
mod control;
mod cors;
mod encryption;
mod error;
mod garbage;
mod lifecycle;
mod lock;
mod logging;
mod objects;
mod owner;
mod policies;
mod public_access;
mod reconcile;
mod tables;
#[cfg(test)]
mod tests;
mod unbuilt;
mod uploads;
mod usage;
mod website;

use std::sync::Arc;

use api::Call;
use blobs::BlobStore;
use service::{Refusal, Runner, Service};
use wire::ServiceError;

pub use acl::{Acl, AclError, Grant, Grantee, Ownership, Permission};
pub use buckets::{BucketRecord, Versioning};
pub use config::BucketConfigRecord;
pub use control::{ControlError, S3Control};
pub use cors::{CrossOrigin, Preflight};
pub use encryption::{BucketEncryption, Encryption, EncryptionError, KeyRing, MasterKeys, SealedKey};
pub use error::{S3Error, Unmodified};
pub use garbage::{BlobRefRecord, GarbagePartsRecord, GarbageRecord, named_blob};
pub use lifecycle::LifecycleReconciler;
pub use lock::{BucketLock, DefaultPeriod, DefaultRetention, LockError, LockMode, ObjectLock, Retention};
pub use logging::{Access, AccessLogs, LogDelivery};
pub use objects::{
    ChecksumKind, Content, DeleteMarker, ObjectError, ObjectHeaders, ObjectRecord, ObjectTraits, StoredChecksum,
    Version, VersionRecord,
};
pub use policies::BucketPolicyRecord;
pub use public_access::{AccountBlockRecord, PublicAccessBlockRecord};
pub use reconcile::BlobReconciler;
pub use tables::prepare;
pub use uploads::{AssemblyRecord, Before, LeaseRecord, PartRecord, Run, UploadError, UploadRecord};
pub use usage::{BucketUsage, name_of_blob, usage};
pub use website::{Site, Turn, Visit};

/// S3.
#[derive(Clone)]
pub struct S3 {
    runner: Runner,
    blobs: Arc<dyn BlobStore>,
    keys: Arc<KeyRing>,
    new_buckets: NewBuckets,
}

/// What a new bucket is like where its maker says nothing of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NewBuckets {
    /// As AWS makes them: their owner owns all objects, lists count for nothing, and public access is blocked.
    #[default]
    Aws,
    /// As AWS made them before April 2023: who writes an object owns it, lists count, and nothing is blocked.
    Classic,
}

impl S3 {
    /// S3 over a runner, with object bytes in `blobs`, encrypted under `keys`. Run a [`BlobReconciler`] over the same
    /// two, or the bytes of deleted objects stay for ever.
    pub fn new(runner: Runner, blobs: Arc<dyn BlobStore>, keys: Arc<KeyRing>) -> Self {
        Self { runner, blobs, keys, new_buckets: NewBuckets::default() }
    }

    /// The same, whose new buckets are like this.
    #[must_use]
    pub fn with_new_buckets(mut self, new_buckets: NewBuckets) -> Self {
        self.new_buckets = new_buckets;
        self
    }

    /// What new buckets are like.
    pub(crate) fn new_buckets(&self) -> NewBuckets {
        self.new_buckets
    }

    /// The keys that objects' keys are sealed under.
    pub(crate) fn keys(&self) -> &KeyRing {
        &self.keys
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

    /// The long sentence is for callers of the bucket's own account; S3 puts the resource into quotes.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html>.
    fn unauthorized(call: &Call, refusal: &Refusal) -> ServiceError {
        let is_foreign = refusal.need.owner.as_ref().is_some_and(|owner| call.caller.account.as_ref() != Some(owner));
        if call.caller.account.is_none() || is_foreign {
            return S3Error::AccessDenied.into();
        }
        // S3 names no resource where all buckets are meant.
        let resource = refusal.need.resource.as_ref().filter(|resource| resource.resource() != "*");
        let resource = resource.map(|resource| format!("\"{}\"", resource.as_str()));
        ServiceError::sender("AccessDenied", 403, refusal.message_on(&call.caller, resource.as_deref()))
    }
}
