//! What is stored of a bucket's public access block.

use serde::{Deserialize, Serialize};
use store::Record;

/// What of public access a bucket blocks, as stored. Without a record it blocks nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAccessBlockRecord {
    /// The bucket.
    pub bucket: String,
    /// Public access control lists are refused.
    pub block_public_acls: bool,
    /// Public access control lists give nothing.
    pub ignore_public_acls: bool,
    /// Public policies are refused.
    pub block_public_policy: bool,
    /// A public policy gives nothing to those of other accounts.
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlockRecord {
    /// What a new bucket blocks: all of it.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html>.
    pub(crate) fn of_new(bucket: &str) -> Self {
        Self {
            bucket: bucket.to_owned(),
            block_public_acls: true,
            ignore_public_acls: true,
            block_public_policy: true,
            restrict_public_buckets: true,
        }
    }
}

impl Record for PublicAccessBlockRecord {
    const TABLE: &'static str = "s3/public-access-block";
    const VERSION: u16 = 1;
    type Key = String;

    fn key(&self) -> String {
        self.bucket.clone()
    }
}
