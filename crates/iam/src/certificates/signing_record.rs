//! What is stored of a signing certificate.

use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{KeyPrefix, Record, StoreError, View};

use crate::UserRecord;

/// A user's signing certificate, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningCertificateRecord {
    /// The user's account.
    pub account: AccountId,
    /// The user's unique id.
    pub user: String,
    /// Its id.
    pub id: String,
    /// The certificate, in PEM.
    pub body: String,
    /// The SHA-256 of the certificate, in hex.
    pub digest: String,
    /// Whether it works.
    pub is_active: bool,
    /// When it was uploaded.
    pub uploaded: Timestamp,
}

/// Most certificates that a user has.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
pub(crate) const MAX_OF_USER: usize = 2;

impl SigningCertificateRecord {
    /// Those of a user.
    pub(crate) fn of_user(view: &View, user: &UserRecord) -> Result<Vec<Self>, StoreError> {
        view.scan::<Self>(&KeyPrefix::of((user.account.clone(), user.id.clone())), None, MAX_OF_USER)
    }
}

impl Record for SigningCertificateRecord {
    const TABLE: &'static str = "identity/signing-certificate";
    const VERSION: u16 = 1;
    /// The account, the user's unique id and its own.
    type Key = (AccountId, String, String);

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.user.clone(), self.id.clone())
    }
}
