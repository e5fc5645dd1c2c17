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

/// Most accounts that are looked at where all are.
pub(crate) const MAX_ACCOUNTS: usize = 10_000;

/// The account that was made first, if there is any.
///
/// # Errors
/// The store's.
pub fn first_account(view: &View) -> Result<Option<AccountRecord>, StoreError> {
    let accounts = view.scan::<AccountRecord>(&store::KeyPrefix::all(), None, MAX_ACCOUNTS)?;
    Ok(accounts.into_iter().min_by_key(|account| account.created))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use store::{Memory, Store};

    use super::{create_account, first_account};
    use crate::NewAccessKey;

    #[tokio::test]
    async fn the_first_account_is_the_oldest_and_not_the_lowest() {
        let store = Store::new(Memory::new());
        assert!(first_account(&store.view().unwrap()).unwrap().is_none());
        for (second, id) in [(1, "555555555555"), (2, "000000000000"), (3, "999999999999")] {
            let key = NewAccessKey::from_random([u8::try_from(second).unwrap(); 56]);
            let time = Timestamp::from_second(second).unwrap();
            store.commit(None, create_account(id.parse().unwrap(), "a", &key, time).unwrap()).await.unwrap();
        }
        assert_eq!(first_account(&store.view().unwrap()).unwrap().unwrap().id.as_str(), "555555555555");
    }
}
