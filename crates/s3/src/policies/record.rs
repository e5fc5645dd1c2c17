//! What is stored of a bucket's policy.

use serde::{Deserialize, Serialize};
use store::Record;

/// The policy of a bucket, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketPolicyRecord {
    /// The bucket.
    pub bucket: String,
    /// The document, as it was given.
    pub document: String,
    /// Whether it gives something to everyone, in the sense of the public access block.
    pub is_public: bool,
}

impl Record for BucketPolicyRecord {
    const TABLE: &'static str = "s3/bucket-policy";
    const VERSION: u16 = 1;
    type Key = String;

    fn key(&self) -> String {
        self.bucket.clone()
    }
}
