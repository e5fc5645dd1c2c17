//! Buckets: made, found, listed, deleted.
//! Not here yet: everything that is configured on a bucket.

mod create_delete;
mod list;
mod names;
mod read;
mod record;

pub use record::{BucketRecord, Versioning};
pub(crate) use record::{bucket_arn, known_bucket, object_arn, only_within};
