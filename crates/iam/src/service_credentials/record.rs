//! What is stored of a service-specific credential.

use api::iam::ServiceSpecificCredential;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{KeyPrefix, Record, StoreError, View};
use wire::sigv4::hex;

use crate::{IamError, UserRecord};

/// A service-specific credential, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceCredentialRecord {
    /// The user's account.
    pub account: AccountId,
    /// The user's unique id.
    pub user: String,
    /// Its id, `ACCA…`.
    pub id: String,
    /// The service, such as `codecommit.amazonaws.com`.
    pub service: String,
    /// The name that the service is told.
    pub name: String,
    /// The SHA-256 of the password, in hex: it is random, so that nobody finds it by trying.
    pub digest: String,
    /// Whether it works.
    pub is_active: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends, if it does.
    pub expires: Option<Timestamp>,
}

/// The services, and whether their credentials are keys, which may end.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_service-specific-creds.html>.
const SERVICES: [(&str, bool); 3] =
    [("bedrock.amazonaws.com", true), ("cassandra.amazonaws.com", false), ("codecommit.amazonaws.com", false)];

/// Most credentials of a user for one service.
/// Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceSpecificCredential.html>.
pub(super) const MAX_OF_SERVICE: usize = 2;
/// Most credentials of a user.
const MAX_OF_USER: usize = MAX_OF_SERVICE * SERVICES.len();

/// Whether the credentials of a service are keys.
///
/// # Errors
/// `NotSupportedService`.
pub(super) fn has_keys(service: &str) -> Result<bool, IamError> {
    let found = SERVICES.iter().find(|(name, _)| *name == service);
    found.map(|(_, has_keys)| *has_keys).ok_or_else(|| {
        let text = format!("The specified service does not support service-specific credentials: {service}");
        IamError::refused("NotSupportedService", 404, text)
    })
}

impl ServiceCredentialRecord {
    /// Those of a user.
    pub(crate) fn of_user(view: &View, user: &UserRecord) -> Result<Vec<Self>, StoreError> {
        view.scan::<Self>(&KeyPrefix::of((user.account.clone(), user.id.clone())), None, MAX_OF_USER)
    }

    /// Sets a new password out of random bytes, and shows it: this once.
    pub(super) fn renew(&mut self, random: [u8; 33], user: &str) -> Result<ServiceSpecificCredential, IamError> {
        let random = STANDARD.encode(random);
        let is_key = has_keys(&self.service)?;
        // Bedrock's keys say whose they are.
        let secret =
            if is_key { format!("ABSK{}", STANDARD.encode(format!("{}:{random}", self.name))) } else { random };
        self.digest = hex(digest(&SHA256, secret.as_bytes()).as_ref());
        let of_key = |text: &str| is_key.then(|| text.to_owned());
        let of_password = |text: &str| (!is_key).then(|| text.to_owned());
        Ok(ServiceSpecificCredential {
            create_date: self.created,
            expiration_date: self.expires,
            service_name: self.service.clone(),
            service_user_name: of_password(&self.name),
            service_password: of_password(&secret),
            service_credential_alias: of_key(&self.name),
            service_credential_secret: of_key(&secret),
            service_specific_credential_id: self.id.clone(),
            user_name: user.to_owned(),
            status: self.status(self.created).to_owned(),
        })
    }

    /// Its status.
    pub(super) fn status(&self, now: Timestamp) -> &'static str {
        match self.expires {
            Some(expires) if expires <= now => "Expired",
            _ => crate::holder::status(self.is_active),
        }
    }
}

impl Record for ServiceCredentialRecord {
    const TABLE: &'static str = "identity/service-credential";
    const VERSION: u16 = 1;
    /// The account, the user's unique id and its own.
    type Key = (AccountId, String, String);

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.user.clone(), self.id.clone())
    }
}
