//! What is stored of policies. An *owner* is what has policies: `user/ann`, `group/devs` or `role/ci`, the name in lower
//! case.

use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{IndexEntry, Record};

use crate::names::{arn, folded};

/// A managed policy of an account, as stored. Those of AWS are in no table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRecord {
    /// Its account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Its path, with both slashes.
    pub path: String,
    /// Its unique id, `ANPA…`.
    pub id: String,
    /// What its maker says of it.
    pub description: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When its newest version was made.
    pub updated: Timestamp,
    /// The version in force.
    pub default_version: u32,
    /// The newest version ever made; a number is never used again.
    pub last_version: u32,
    /// Its tags, in the order in which they were given.
    pub tags: Vec<(String, String)>,
}

impl PolicyRecord {
    /// Its ARN.
    pub fn arn(&self) -> String {
        arn(&self.account, "policy", &self.path, &self.name)
    }
}

impl Record for PolicyRecord {
    const TABLE: &'static str = "iam/policy";
    const VERSION: u16 = 1;
    /// The account, and the name in lower case.
    type Key = (AccountId, String);
    const INDEXES: &'static [&'static str] = &["arn"];

    fn key(&self) -> Self::Key {
        (self.account.clone(), folded(&self.name))
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("arn", self.arn())]
    }
}

/// A version of a managed policy, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersionRecord {
    /// The account of the policy.
    pub account: AccountId,
    /// The policy's name in lower case.
    pub policy: String,
    /// Its number, from 1: `v1`.
    pub version: u32,
    /// The document, as it was given.
    pub document: String,
    /// When it was made.
    pub created: Timestamp,
}

impl Record for PolicyVersionRecord {
    const TABLE: &'static str = "iam/policy-version";
    const VERSION: u16 = 1;
    /// The account, the policy and the number.
    type Key = (AccountId, String, u32);

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.policy.clone(), self.version)
    }
}

/// An inline policy, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InlinePolicyRecord {
    /// The account of its owner.
    pub account: AccountId,
    /// Its owner, such as `user/ann`.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// The document, as it was given.
    pub document: String,
}

impl Record for InlinePolicyRecord {
    const TABLE: &'static str = "iam/inline-policy";
    const VERSION: u16 = 1;
    /// The account, the owner and the name.
    type Key = (AccountId, String, String);

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.owner.clone(), self.name.clone())
    }
}

/// That a managed policy is attached to an owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentRecord {
    /// The account of the owner.
    pub account: AccountId,
    /// The owner, such as `role/ci`.
    pub owner: String,
    /// The policy's ARN: of the account, or of AWS.
    pub policy_arn: String,
}

impl Record for AttachmentRecord {
    const TABLE: &'static str = "iam/attachment";
    const VERSION: u16 = 1;
    /// The account, the owner and the policy.
    type Key = (AccountId, String, String);
    const INDEXES: &'static [&'static str] = &["policy"];

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.owner.clone(), self.policy_arn.clone())
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("policy", (self.account.clone(), self.policy_arn.clone()))]
    }
}
