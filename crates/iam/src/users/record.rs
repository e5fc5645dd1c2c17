//! What is stored of a user.

use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{IndexEntry, Record};

use crate::names::{arn, folded};

/// A user, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRecord {
    /// Its account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Its path, with both slashes.
    pub path: String,
    /// Its unique id, `AIDA…`, which a later user of the same name does not get.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// The ARN of the policy that bounds its permissions.
    pub boundary: Option<String>,
    /// Its tags, in the order in which they were given.
    pub tags: Vec<(String, String)>,
}

impl UserRecord {
    /// Its ARN.
    pub fn arn(&self) -> String {
        arn(&self.account, "user", &self.path, &self.name)
    }

    /// What its policies and memberships are kept under.
    pub fn owner(&self) -> String {
        format!("user/{}", folded(&self.name))
    }
}

impl Record for UserRecord {
    const TABLE: &'static str = "iam/user";
    const VERSION: u16 = 1;
    /// The account, and the name in lower case.
    type Key = (AccountId, String);
    const INDEXES: &'static [&'static str] = &["id", "boundary"];

    fn key(&self) -> Self::Key {
        (self.account.clone(), folded(&self.name))
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        let bounding = self.boundary.clone().map(|arn| IndexEntry::new("boundary", (self.account.clone(), arn)));
        [IndexEntry::new("id", self.id.clone())].into_iter().chain(bounding).collect()
    }
}
