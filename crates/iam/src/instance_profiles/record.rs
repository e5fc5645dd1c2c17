//! What is stored of an instance profile.

use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{IndexEntry, Record};

use crate::names::{arn, folded};

/// An instance profile, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceProfileRecord {
    /// Its account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Its path, with both slashes.
    pub path: String,
    /// Its unique id, `AIPA…`.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// The name of its role in lower case; there can be but one.
    pub role: Option<String>,
    /// Its tags, in the order in which they were given.
    pub tags: Vec<(String, String)>,
}

impl InstanceProfileRecord {
    /// Its ARN.
    pub fn arn(&self) -> String {
        arn(&self.account, "instance-profile", &self.path, &self.name)
    }
}

impl Record for InstanceProfileRecord {
    const TABLE: &'static str = "iam/instance-profile";
    const VERSION: u16 = 1;
    /// The account, and the name in lower case.
    type Key = (AccountId, String);
    const INDEXES: &'static [&'static str] = &["role"];

    fn key(&self) -> Self::Key {
        (self.account.clone(), folded(&self.name))
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        self.role.iter().map(|role| IndexEntry::new("role", (self.account.clone(), role.clone()))).collect()
    }
}
