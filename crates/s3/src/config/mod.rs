//! What is configured on a bucket beside what every request needs to know (that is in the [`crate::BucketRecord`]):
//! one record for each subresource, or for each id of those that have several.

mod abac;
mod accelerate;
mod check_several;
mod faithful;
mod notification;
mod payment;
mod record;
mod replication;
mod several;
mod tagging;

pub(crate) use faithful::Faithful;
pub(crate) use payment::charged;
pub use record::BucketConfigRecord;
pub(crate) use record::{BucketConfig, config, configured, delete_all, delete_config, put_config};
pub(crate) use tagging::{MAX_TAGS, change_tags, check_tags, put_tags, tags_of};
