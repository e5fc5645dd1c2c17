//! Object lock: versions that nobody may delete for a time.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html>.

mod configuration;
mod error;
mod objects;
mod record;
mod rules;
mod shown;

pub use error::LockError;
pub(crate) use objects::lock_keys;
pub use record::{BucketLock, DefaultPeriod, DefaultRetention, LockMode, ObjectLock, Retention};
pub(crate) use rules::{check_delete, from_headers};
pub(crate) use shown::LockFields;
