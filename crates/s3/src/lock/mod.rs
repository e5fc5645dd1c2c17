//! Object lock: versions that nobody may delete for a time.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html>.

mod record;

pub use record::{BucketLock, DefaultPeriod, DefaultRetention, LockMode, ObjectLock, Retention};
