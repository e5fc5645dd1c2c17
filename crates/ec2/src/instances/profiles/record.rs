//! What is stored of an instance's profile, and of the credentials that its metadata service gives.

use std::fmt;

use api::ec2::IamInstanceProfile;
use ids::{AccountId, InstanceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{IndexEntry, Record};

/// That an instance has an instance profile, as stored. It can have but one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssociationRecord {
    /// The account of both.
    pub account: AccountId,
    /// The instance.
    pub instance: InstanceId,
    /// The id of the association, `iip-assoc-…`.
    pub id: String,
    /// The profile's ARN.
    pub profile_arn: String,
    /// The profile's unique id, `AIPA…`: a later profile of the same name is another one.
    pub profile_id: String,
    /// Since when.
    pub since: Timestamp,
}

impl AssociationRecord {
    /// The profile as EC2 shows it.
    pub(crate) fn shown(&self) -> IamInstanceProfile {
        IamInstanceProfile { arn: Some(self.profile_arn.clone()), id: Some(self.profile_id.clone()) }
    }

    /// The name of the profile: the end of its ARN.
    pub fn profile_name(&self) -> &str {
        self.profile_arn.rsplit('/').next().unwrap_or_default()
    }
}

impl Record for AssociationRecord {
    const TABLE: &'static str = "ec2/profile-association";
    const VERSION: u16 = 1;
    type Key = (AccountId, InstanceId);
    const INDEXES: &'static [&'static str] = &["id"];

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.instance.clone())
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("id", (self.account.clone(), self.id.clone()))]
    }
}

/// The credentials of an instance's role, as stored, or why there are none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceCredentialsRecord {
    /// The account of the instance.
    pub account: AccountId,
    /// The instance.
    pub instance: InstanceId,
    /// The unique id of the profile they came from.
    pub profile_id: String,
    /// The unique id of the role.
    pub role_id: String,
    /// The name of the role.
    pub role: String,
    /// When they were last looked after.
    pub updated: Timestamp,
    /// The credentials; none if the role does not let EC2 assume it.
    pub issued: Option<IssuedCredentials>,
}

/// Temporary credentials, as stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedCredentials {
    /// The access key id, `ASIA…`.
    pub access_key: String,
    /// The secret access key.
    pub secret: String,
    /// The session token.
    pub token: String,
    /// Until when they are good.
    pub expires: Timestamp,
}

impl Record for InstanceCredentialsRecord {
    const TABLE: &'static str = "ec2/instance-credentials";
    const VERSION: u16 = 1;
    type Key = (AccountId, InstanceId);

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.instance.clone())
    }
}

impl fmt::Debug for IssuedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedCredentials")
            .field("access_key", &self.access_key)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}
