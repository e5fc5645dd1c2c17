//! Access keys: the names and secrets that requests are signed with.

use std::fmt;

use api::{Caller, Principal};
use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Record, StoreError, View};

use crate::accounts::{AccountRecord, AccountStatus};
use crate::credential::Credential;

/// An access key, as stored. The secret is kept in clear, because SigV4 is symmetric; the store's folder is readable
/// by its owner alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKeyRecord {
    /// The access key id, such as `AKIA…`.
    pub id: String,
    /// The secret access key.
    pub secret: String,
    /// The account it acts in.
    pub account: AccountId,
    /// Who it belongs to.
    pub owner: KeyOwner,
    /// Whether it works.
    pub status: KeyStatus,
    /// When it was made.
    pub created: Timestamp,
}

/// Who an access key belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyOwner {
    /// The account's root user.
    Root,
    /// An IAM user, by name and unique id (`AIDA…`).
    User {
        /// The user's name.
        name: String,
        /// The user's unique id.
        id: String,
    },
}

/// Whether an access key works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyStatus {
    /// It does.
    Active,
    /// It was switched off.
    Inactive,
}

impl Record for AccessKeyRecord {
    const TABLE: &'static str = "iam/access-key";
    const VERSION: u16 = 1;
    type Key = String;

    fn key(&self) -> String {
        self.id.clone()
    }
}

impl AccessKeyRecord {
    /// A working key.
    pub fn new(key: &NewAccessKey, account: AccountId, owner: KeyOwner, now: Timestamp) -> Self {
        Self { id: key.id.clone(), secret: key.secret.clone(), account, owner, status: KeyStatus::Active, created: now }
    }
}

impl fmt::Debug for AccessKeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKeyRecord")
            .field("id", &self.id)
            .field("account", &self.account)
            .field("owner", &self.owner)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// A new access key, not yet anybody's.
#[derive(Clone)]
pub struct NewAccessKey {
    /// `AKIA` and sixteen characters.
    pub id: String,
    /// Forty characters.
    pub secret: String,
}

impl NewAccessKey {
    /// Makes a key from random bytes. Ids use the base-32 alphabet and secrets the base-64 one, as AWS's do.
    pub fn from_random(bytes: [u8; 56]) -> Self {
        const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let id = bytes[..16].iter().map(|byte| char::from(BASE32[usize::from(byte & 31)]));
        let secret = bytes[16..].iter().map(|byte| char::from(BASE64[usize::from(byte & 63)]));
        Self { id: "AKIA".chars().chain(id).collect(), secret: secret.collect() }
    }
}

/// The credential of an access key that works, in an account that may be used.
///
/// # Errors
/// The store's.
pub fn find_credential(view: &View, access_key: &str) -> Result<Option<Credential>, StoreError> {
    let Some(key) = view.get::<AccessKeyRecord>(&access_key.to_owned())? else { return Ok(None) };
    if key.status != KeyStatus::Active {
        return Ok(None);
    }
    let account = view.get::<AccountRecord>(&key.account)?;
    if account.is_none_or(|account| account.status != AccountStatus::Active) {
        return Ok(None);
    }
    let principal = match key.owner {
        KeyOwner::Root => Principal::Root,
        KeyOwner::User { name, id } => Principal::User { name, id },
    };
    let caller = Caller { account: Some(key.account), principal, access_key: Some(key.id) };
    Ok(Some(Credential::permanent(key.secret, caller)))
}

#[cfg(test)]
mod tests {
    use super::NewAccessKey;

    #[test]
    fn keys_look_like_those_of_aws() {
        let key = NewAccessKey::from_random([0x5a; 56]);
        assert_eq!((key.id.len(), key.secret.len()), (20, 40));
        assert!(key.id.starts_with("AKIA"));
    }
}
