//! What is stored of the encryption of an object, of a part, and of a bucket's default for it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// How the bytes of an object, or of a part, are encrypted. Of an object in parts it says under whose key each of them is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// Not at all: put before encryption was built.
    #[default]
    None,
    /// Under a key of the region's: SSE-S3.
    Region {
        /// Which of its keys.
        master: String,
        /// The key of the bytes, under that one.
        key: SealedKey,
    },
    /// Under a key that the customer has and we don't: SSE-C. Whether a key is the right one is known by its unsealing
    /// this.
    Customer(SealedKey),
}

impl Encryption {
    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

/// A key, encrypted and authenticated under another key that was derived for it alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedKey {
    /// What the other key was derived with.
    #[serde(with = "base64_bytes")]
    pub(crate) salt: [u8; 16],
    /// AES-256-GCM of the key, with its tag.
    #[serde(with = "base64_bytes")]
    pub(crate) sealed: [u8; 48],
}

/// How a bucket has objects encrypted whose request doesn't say, and what requests may not say.
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
    /// Whether keys of customers are refused; none if that was never said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks_customer_keys: Option<bool>,
}

/// Bytes as base64.
mod base64_bytes {
    use super::{Deserialize, Deserializer, Engine, Error, STANDARD, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer, const N: usize>(bytes: &[u8; N], out: S) -> Result<S::Ok, S::Error> {
        STANDARD.encode(bytes).serialize(out)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(input: D) -> Result<[u8; N], D::Error> {
        let bytes = STANDARD.decode(String::deserialize(input)?).map_err(D::Error::custom)?;
        bytes.try_into().map_err(|bytes: Vec<u8>| D::Error::custom(format!("{} bytes instead of {N}", bytes.len())))
    }
}
