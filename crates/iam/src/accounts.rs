//! Accounts: who owns things.

use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Changes, Record, StoreError, View};

use crate::keys::{AccessKeyRecord, KeyOwner, NewAccessKey};

/// An account, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRecord {
    /// Its id.
    pub id: AccountId,
    /// What the operator calls it.
    pub name: String,
    /// Whether it may be used.
    pub status: AccountStatus,
    /// When it was made.
    pub created: Timestamp,
}

/// Whether an account may be used. The words are those of AWS Organizations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountStatus {
    /// In use.
    Active,
    /// Closed; its keys are refused.
    Suspended,
}

impl Record for AccountRecord {
    const TABLE: &'static str = "iam/account";
    const VERSION: u16 = 1;
    type Key = AccountId;

    fn key(&self) -> AccountId {
        self.id.clone()
    }
}

/// The changes that make a new account with a root access key.
///
/// # Errors
/// Only what the store says of a record.
pub fn create_account(id: AccountId, name: &str, key: &NewAccessKey, now: Timestamp) -> Result<Changes, StoreError> {
    let mut changes = Changes::new();
    changes.put(&AccountRecord {
        id: id.clone(),
        name: name.to_owned(),
        status: AccountStatus::Active,
        created: now,
    })?;
    changes.put(&AccessKeyRecord::new(key, id, KeyOwner::Root, now))?;
    Ok(changes)
}

/// The first account by id, if there is any.
///
/// # Errors
/// The store's.
pub fn first_account(view: &View) -> Result<Option<AccountRecord>, StoreError> {
    Ok(view.scan::<AccountRecord>(&store::KeyPrefix::all(), None, 1)?.into_iter().next())
}
