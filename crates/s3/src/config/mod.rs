//! What is configured on a bucket beside what every request needs to know (that is in the [`crate::BucketRecord`]):
//! one record for each subresource, or for each id of those that have several.

mod record;

pub use record::BucketConfigRecord;
pub(crate) use record::{BucketConfig, config, configs, delete_all, delete_config, put_config};
