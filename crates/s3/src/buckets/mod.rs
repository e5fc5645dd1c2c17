//! Buckets: made, found, listed, deleted.
//! Not here: what is configured on a bucket, but for versioning.

mod create_delete;
mod list;
pub(crate) mod mfa;
mod names;
mod read;
mod record;
mod versioning;

pub(crate) use names::is_bucket_name;
pub use record::{BucketRecord, Versioning};
pub(crate) use record::{bucket_arn, known_bucket, object_arn, only_within};
