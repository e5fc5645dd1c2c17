//! What is stored of a group and of its members.

use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{IndexEntry, Record};

use crate::names::{arn, folded};

/// A group, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRecord {
    /// Its account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Its path, with both slashes.
    pub path: String,
    /// Its unique id, `AGPA…`.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
}

impl GroupRecord {
    /// Its ARN.
    pub fn arn(&self) -> String {
        arn(&self.account, "group", &self.path, &self.name)
    }

    /// What its policies are kept under.
    pub fn owner(&self) -> String {
        format!("group/{}", folded(&self.name))
    }
}

impl Record for GroupRecord {
    const TABLE: &'static str = "iam/group";
    const VERSION: u16 = 1;
    /// The account, and the name in lower case.
    type Key = (AccountId, String);

    fn key(&self) -> Self::Key {
        (self.account.clone(), folded(&self.name))
    }
}

/// That a user is in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembershipRecord {
    /// The account of both.
    pub account: AccountId,
    /// The user's name in lower case.
    pub user: String,
    /// The group's name in lower case.
    pub group: String,
}

impl Record for MembershipRecord {
    const TABLE: &'static str = "iam/membership";
    const VERSION: u16 = 1;
    /// The account, the user and the group.
    type Key = (AccountId, String, String);
    const INDEXES: &'static [&'static str] = &["group"];

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.user.clone(), self.group.clone())
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("group", (self.account.clone(), self.group.clone()))]
    }
}
