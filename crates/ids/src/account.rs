//! The twelve digits that name an account.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An AWS account id: exactly twelve decimal digits, leading zeros kept.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(String);

/// The text was not twelve decimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an account id is twelve decimal digits")]
pub struct InvalidAccountId;

impl AccountId {
    /// An account id from eight random bytes. Never starts with a zero, as AWS's do not in practice and as
    /// spreadsheets and YAML readers would drop it.
    pub fn from_random(bytes: [u8; 8]) -> Self {
        const LOWEST: u64 = 100_000_000_000;
        const COUNT: u64 = 900_000_000_000;
        Self((LOWEST + u64::from_le_bytes(bytes) % COUNT).to_string())
    }

    /// `000000000000`: the account of everybody who names none, with local emulators of AWS.
    pub fn zero() -> Self {
        Self("000000000000".to_owned())
    }

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = InvalidAccountId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for AccountId {
    type Error = InvalidAccountId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_id = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_id { Ok(Self(text)) } else { Err(InvalidAccountId) }
    }
}

impl From<AccountId> for String {
    fn from(id: AccountId) -> Self {
        id.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::AccountId;

    #[test]
    fn twelve_digits_and_nothing_else() {
        for good in ["123456789012", "000000000000"] {
            assert_eq!(good.parse::<AccountId>().unwrap().as_str(), good);
        }
        for bad in ["", "12345678901", "1234567890123", "12345678901a", "１２３４"] {
            assert!(bad.parse::<AccountId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn random_ids_are_valid() {
        for byte in 0..=255u8 {
            let id = AccountId::from_random([byte; 8]);
            assert_eq!(id.as_str().parse::<AccountId>().unwrap(), id);
        }
    }
}
