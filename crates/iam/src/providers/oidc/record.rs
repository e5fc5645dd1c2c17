//! What is stored of an OpenID Connect provider.

use ids::{AccountId, Arn};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::Record;

/// An OpenID Connect provider, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcProviderRecord {
    /// Its account.
    pub account: AccountId,
    /// Its address without the scheme, such as `token.actions.githubusercontent.com`; tokens name it as their issuer.
    pub url: String,
    /// It is asked over plain HTTP, which is for providers on this machine alone.
    pub is_plain: bool,
    /// Whom its tokens may be meant for.
    pub client_ids: Vec<String>,
    /// SHA-1 of certificates that its server's is trusted by, in lower-case hexadecimal digits.
    pub thumbprints: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Its tags, in the order in which they were given.
    pub tags: Vec<(String, String)>,
}

impl OidcProviderRecord {
    /// Its ARN.
    pub fn arn(&self) -> Arn {
        arn(&self.account, &self.url)
    }

    /// Its address: what the tokens' `iss` says.
    pub fn issuer(&self) -> String {
        format!("{}{}", if self.is_plain { "http://" } else { "https://" }, self.url)
    }
}

pub(super) fn arn(account: &AccountId, url: &str) -> Arn {
    Arn::new("iam", "", account.as_str(), &format!("oidc-provider/{url}"))
}

impl Record for OidcProviderRecord {
    const TABLE: &'static str = "identity/oidc-provider";
    const VERSION: u16 = 1;
    /// The account and the address.
    type Key = (AccountId, String);

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.url.clone())
    }
}
