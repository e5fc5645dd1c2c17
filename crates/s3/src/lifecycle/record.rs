//! What is stored of the lifecycle rules of a bucket.

use api::s3::BucketLifecycleConfiguration;
use serde::{Deserialize, Serialize};

use crate::config::{BucketConfig, Faithful};

/// The smallest object that a rule moves which says nothing of sizes: that it is the same for every class.
pub(super) const ALL_CLASSES: &str = "all_storage_classes_128K";
/// The same, but for the archives, which take all.
pub(super) const BY_CLASS: &str = "varies_by_storage_class";

/// The lifecycle of a bucket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Lifecycle {
    /// Its rules, as they were put; each has an id.
    pub rules: Faithful<BucketLifecycleConfiguration>,
    /// [`ALL_CLASSES`] or [`BY_CLASS`].
    pub minimum_size: String,
}

impl BucketConfig for Lifecycle {
    const KIND: &'static str = "lifecycle";
}
