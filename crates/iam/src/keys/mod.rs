//! Access keys: the names and secrets that requests are signed with.

mod last_used;
mod manage;

use std::fmt;

use api::{Caller, Principal};
use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{IndexEntry, Record, StoreError, View};

use crate::accounts::{AccountRecord, AccountStatus};
use crate::credential::Credential;
use crate::users::UserRecord;

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

/// What the keys of root are indexed by.
pub(crate) const ROOT: &str = "root";

impl KeyOwner {
    /// The unique id of the user, or `root`.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Root => ROOT,
            Self::User { id, .. } => id,
        }
    }
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
    const INDEXES: &'static [&'static str] = &["owner"];

    fn key(&self) -> String {
        self.id.clone()
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("owner", (self.account.clone(), self.owner.id()))]
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
    /// Makes a key of an account, whose id tells the account as those of AWS do.
    pub fn of_account(account: &AccountId, random: [u8; 45]) -> Self {
        let (id, secret) = random.split_at(5);
        let id = crate::access_key_id("AKIA", account, id.try_into().unwrap_or_default());
        let mut padded = [0; 56];
        padded[16..].copy_from_slice(secret);
        Self { id, ..Self::from_random(padded) }
    }

    /// Makes a key from random bytes. Ids use the base-32 alphabet and secrets the base-64 one, as AWS's do.
    pub fn from_random(bytes: [u8; 56]) -> Self {
        const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let id = bytes[..16].iter().map(|byte| char::from(BASE32[usize::from(byte & 31)]));
        let secret = bytes[16..].iter().map(|byte| char::from(BASE64[usize::from(byte & 63)]));
        Self { id: "AKIA".chars().chain(id).collect(), secret: secret.collect() }
    }
}

/// The keys of an owner of this account: of the user with this unique id, or of [`ROOT`].
///
/// # Errors
/// The store's.
pub(crate) fn keys_of(view: &View, account: &AccountId, owner: &str) -> Result<Vec<AccessKeyRecord>, StoreError> {
    /// More than an owner may have.
    const MAX: usize = 100;
    view.by_index("owner", (account.clone(), owner), None, MAX)
}

/// The keys of an account's root user.
///
/// # Errors
/// The store's.
pub fn root_keys(view: &View, account: &AccountId) -> Result<Vec<AccessKeyRecord>, StoreError> {
    keys_of(view, account, ROOT)
}

/// The credential of an access key that works, in an account that may be used: of a permanent key, or of a session.
///
/// # Errors
/// The store's.
pub fn find_credential(view: &View, access_key: &str) -> Result<Option<Credential>, StoreError> {
    if access_key.starts_with("ASIA") {
        return crate::sessions::find(view, access_key);
    }
    let Some(key) = view.get::<AccessKeyRecord>(&access_key.to_owned())? else { return Ok(None) };
    if key.status != KeyStatus::Active || !is_in_use(view, &key.account)? {
        return Ok(None);
    }
    let principal = match key.owner {
        KeyOwner::Root => Principal::Root,
        KeyOwner::User { id, .. } => match user_principal(view, &id)? {
            Some(principal) => principal,
            None => return Ok(None),
        },
    };
    let caller = Caller { account: Some(key.account), principal, access_key: Some(key.id), session: None };
    Ok(Some(Credential::permanent(key.secret, caller)))
}

/// Whether an account is there and may be used.
pub(crate) fn is_in_use(view: &View, account: &AccountId) -> Result<bool, StoreError> {
    let account = view.get::<AccountRecord>(account)?;
    Ok(account.is_some_and(|account| account.status == AccountStatus::Active))
}

/// The user with this unique id, as a caller.
pub(crate) fn user_principal(view: &View, id: &str) -> Result<Option<Principal>, StoreError> {
    let user = view.by_index::<UserRecord>("id", id.to_owned(), None, 1)?.pop();
    Ok(user.map(|UserRecord { name, path, id, .. }| Principal::User { name, path, id }))
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
