//! Tags, as stored: one record each, under the resource they are on.

use ids::AccountId;
use serde::{Deserialize, Serialize};
use store::Record;

/// One tag of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagRecord {
    /// The account of the resource.
    pub account: AccountId,
    /// The resource, such as `i-0123456789abcdef0`.
    pub resource: String,
    /// The tag's key.
    pub key: String,
    /// The tag's value.
    pub value: String,
}

impl Record for TagRecord {
    const TABLE: &'static str = "ec2/tag";
    const VERSION: u16 = 1;
    type Key = (AccountId, String, String);

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.resource.clone(), self.key.clone())
    }
}
