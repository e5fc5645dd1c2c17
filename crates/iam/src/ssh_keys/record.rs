//! What is stored of a user's public key for SSH.

use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{KeyPrefix, Record, StoreError, View};

use crate::UserRecord;

/// A public key, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshPublicKeyRecord {
    /// The user's account.
    pub account: AccountId,
    /// The user's unique id.
    pub user: String,
    /// Its id, `APKA…`.
    pub id: String,
    /// The key as SSH sends it, in base64.
    pub blob: String,
    /// Whether it works.
    pub is_active: bool,
    /// When it was uploaded.
    pub uploaded: Timestamp,
}

/// Most keys that a user has.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
pub(super) const MAX_OF_USER: usize = 5;

impl SshPublicKeyRecord {
    /// Those of a user.
    pub(crate) fn of_user(view: &View, user: &UserRecord) -> Result<Vec<Self>, StoreError> {
        view.scan::<Self>(&KeyPrefix::of((user.account.clone(), user.id.clone())), None, MAX_OF_USER)
    }
}

impl Record for SshPublicKeyRecord {
    const TABLE: &'static str = "identity/ssh-public-key";
    const VERSION: u16 = 1;
    /// The account, the user's unique id and its own.
    type Key = (AccountId, String, String);

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.user.clone(), self.id.clone())
    }
}
