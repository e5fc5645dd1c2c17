//! What is stored of a role.

use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{IndexEntry, Record};

use crate::names::{arn, folded};

/// A role, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRecord {
    /// Its account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Its path, with both slashes.
    pub path: String,
    /// Its unique id, `AROA…`, which a later role of the same name does not get.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// Who may assume it: a policy document.
    pub trust: String,
    /// What its maker says of it.
    pub description: Option<String>,
    /// The longest session, in seconds.
    pub max_session: u32,
    /// The ARN of the policy that bounds its permissions.
    pub boundary: Option<String>,
    /// Its tags, in the order in which they were given.
    pub tags: Vec<(String, String)>,
    /// The service that it is linked to, such as `autoscaling.amazonaws.com`; none for a role of the account's own.
    pub linked_service: Option<String>,
}

impl RoleRecord {
    /// Its ARN.
    pub fn arn(&self) -> String {
        arn(&self.account, "role", &self.path, &self.name)
    }

    /// What its policies are kept under.
    pub fn owner(&self) -> String {
        format!("role/{}", folded(&self.name))
    }
}

impl Record for RoleRecord {
    const TABLE: &'static str = "iam/role";
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
