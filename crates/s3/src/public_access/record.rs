//! What is stored of public access blocks: a bucket's, and an account's, which holds for all of its buckets.

use ids::AccountId;
use serde::{Deserialize, Serialize};
use store::{Record, View};

use crate::S3Error;
use crate::buckets::BucketRecord;

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

/// What of public access an account blocks for all of its buckets, as stored. Without a record it blocks nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountBlockRecord {
    /// The account.
    pub account: AccountId,
    /// Public access control lists are refused.
    pub block_public_acls: bool,
    /// Public access control lists give nothing.
    pub ignore_public_acls: bool,
    /// Public policies are refused.
    pub block_public_policy: bool,
    /// Public policies give nothing to those of other accounts.
    pub restrict_public_buckets: bool,
}

impl Record for AccountBlockRecord {
    const TABLE: &'static str = "s3/account-public-access-block";
    const VERSION: u16 = 1;
    type Key = AccountId;

    fn key(&self) -> AccountId {
        self.account.clone()
    }
}

/// What of public access is blocked for a bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Blocked {
    /// Public access control lists are refused.
    pub public_acls: bool,
    /// Public access control lists give nothing.
    pub ignored_acls: bool,
    /// Public policies are refused.
    pub public_policy: bool,
    /// A public policy gives nothing to those of other accounts.
    pub restricted: bool,
}

impl Blocked {
    /// What the bucket and its owner's account block together: whatever either of them blocks.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn of(view: &View, bucket: &BucketRecord) -> Result<Self, S3Error> {
        let mut blocked = Self::default();
        if let Some(block) = view.get::<PublicAccessBlockRecord>(&bucket.name)? {
            blocked.public_acls |= block.block_public_acls;
            blocked.ignored_acls |= block.ignore_public_acls;
            blocked.public_policy |= block.block_public_policy;
            blocked.restricted |= block.restrict_public_buckets;
        }
        if let Some(block) = view.get::<AccountBlockRecord>(&bucket.owner)? {
            blocked.public_acls |= block.block_public_acls;
            blocked.ignored_acls |= block.ignore_public_acls;
            blocked.public_policy |= block.block_public_policy;
            blocked.restricted |= block.restrict_public_buckets;
        }
        Ok(blocked)
    }
}
