//! What is stored of a server certificate.

use std::fmt;

use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::Record;

use crate::names::{arn, folded};

/// A server certificate, as stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerCertificateRecord {
    /// Its account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Its path, with both slashes.
    pub path: String,
    /// Its unique id, `ASCA…`.
    pub id: String,
    /// The certificate, in PEM.
    pub body: String,
    /// Those that lead from it to an authority, in PEM.
    pub chain: Option<String>,
    /// Its private key, in PEM. Nobody is shown it; load balancers will use it.
    pub key: String,
    /// When it was uploaded.
    pub uploaded: Timestamp,
    /// Until when it is valid.
    pub expires: Timestamp,
    /// Its tags, in the order in which they were given.
    pub tags: Vec<(String, String)>,
}

/// Most certificates of an account.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
pub(super) const MAX_OF_ACCOUNT: usize = 20;

impl ServerCertificateRecord {
    /// Its ARN.
    pub fn arn(&self) -> String {
        arn(&self.account, "server-certificate", &self.path, &self.name)
    }
}

impl Record for ServerCertificateRecord {
    const TABLE: &'static str = "identity/server-certificate";
    const VERSION: u16 = 1;
    /// The account, and the name in lower case.
    type Key = (AccountId, String);

    fn key(&self) -> Self::Key {
        (self.account.clone(), folded(&self.name))
    }
}

impl fmt::Debug for ServerCertificateRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerCertificateRecord")
            .field("name", &self.name)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
