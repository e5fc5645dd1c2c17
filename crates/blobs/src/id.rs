//! The id of a blob.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::BlobError;

/// 128 random bits, written as 32 lower-case hexadecimal digits. Given by the store of bytes and never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlobId([u8; 16]);

/// The text was not 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a blob id is 32 lower-case hexadecimal digits")]
pub struct InvalidBlobId;

impl BlobId {
    /// A new id, for stores.
    pub fn random() -> Result<Self, BlobError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| {
            BlobError::io("take random bytes for a blob id", std::io::Error::other(error.to_string()))
        })?;
        Ok(Self(bytes))
    }

    /// The 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl From<[u8; 16]> for BlobId {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl FromStr for BlobId {
    type Err = InvalidBlobId;

    fn from_str(text: &str) -> Result<Self, InvalidBlobId> {
        let is_id = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_id {
            return Err(InvalidBlobId);
        }
        u128::from_str_radix(text, 16).map(|number| Self(number.to_be_bytes())).map_err(|_| InvalidBlobId)
    }
}

impl TryFrom<String> for BlobId {
    type Error = InvalidBlobId;

    fn try_from(text: String) -> Result<Self, InvalidBlobId> {
        text.parse()
    }
}

impl From<BlobId> for String {
    fn from(id: BlobId) -> String {
        id.to_string()
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::BlobId;

    #[test]
    fn text_and_bytes_are_the_same_id_in_the_same_order() {
        let low = BlobId::from([0x0f; 16]);
        let high = BlobId::from([0xa0; 16]);
        assert_eq!(low.to_string(), "0f".repeat(16));
        assert_eq!(low.to_string().parse::<BlobId>().unwrap(), low);
        assert!(low < high && low.to_string() < high.to_string());
        assert_ne!(BlobId::random().unwrap(), BlobId::random().unwrap());
    }

    #[test]
    fn only_32_lower_case_digits() {
        for bad in ["", "0f", &"0F".repeat(16), &"0f".repeat(17), &"0g".repeat(16), &format!("+{}", "0".repeat(31))] {
            assert!(bad.parse::<BlobId>().is_err(), "{bad}");
        }
    }
}
