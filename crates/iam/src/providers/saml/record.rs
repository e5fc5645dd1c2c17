//! What is stored of a SAML provider.

use ids::{AccountId, Arn};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::Record;

/// A SAML provider, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamlProviderRecord {
    /// Its account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Its unique id, which a later provider of the same name does not get.
    pub id: String,
    /// The metadata document, as it was given.
    pub metadata: String,
    /// Who it says it is: the issuer of its assertions.
    pub entity: String,
    /// The keys that it signs with.
    pub keys: Vec<SamlKey>,
    /// When it was made.
    pub created: Timestamp,
    /// Until when its metadata is good.
    pub valid_until: Timestamp,
    /// Its tags, in the order in which they were given.
    pub tags: Vec<(String, String)>,
}

/// A key that assertions are signed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamlKey {
    /// The certificate around it, in base 64 of DER.
    pub certificate: String,
}

impl SamlProviderRecord {
    /// Its ARN.
    pub fn arn(&self) -> Arn {
        arn(&self.account, &self.name)
    }
}

pub(super) fn arn(account: &AccountId, name: &str) -> Arn {
    Arn::new("iam", "", account.as_str(), &format!("saml-provider/{name}"))
}

impl Record for SamlProviderRecord {
    const TABLE: &'static str = "identity/saml-provider";
    const VERSION: u16 = 1;
    /// The account and the name.
    type Key = (AccountId, String);

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.name.clone())
    }
}
