//! What is stored of the encryption of an object, and of a bucket's default for it.

use serde::{Deserialize, Serialize};

/// How the bytes of an object are encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// Not at all: put before encryption was built.
    #[default]
    None,
}

impl Encryption {
    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

/// How a bucket has objects encrypted whose request doesn't say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketEncryption {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub algorithm: String,
    /// The key, for those with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// Whether a key of the bucket's stands between.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_bucket_key: bool,
}
