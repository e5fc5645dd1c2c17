//! What is stored of organizations.

use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{IndexEntry, Record};

/// An organization, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationRecord {
    /// Its id, `o-…`.
    pub id: String,
    /// The account that manages it.
    pub master: AccountId,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it has all features, policies among them, or consolidated billing alone.
    pub has_all_features: bool,
    /// The id of its root, `r-…`.
    pub root: String,
    /// Whether service control policies are in force.
    pub has_service_control: bool,
    /// The tags of the root.
    pub root_tags: Vec<(String, String)>,
}

impl Record for OrganizationRecord {
    const TABLE: &'static str = "iam/organization";
    const VERSION: u16 = 1;
    type Key = String;

    fn key(&self) -> String {
        self.id.clone()
    }
}

/// That an account belongs to an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRecord {
    /// The account.
    pub account: AccountId,
    /// The organization.
    pub organization: String,
    /// The root or the unit that it stands in.
    pub parent: String,
    /// The address that it was made with.
    pub email: String,
    /// Whether it was invited, and not made here.
    pub is_invited: bool,
    /// Since when.
    pub joined: Timestamp,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

impl Record for MemberRecord {
    const TABLE: &'static str = "iam/organization-member";
    const VERSION: u16 = 1;
    type Key = AccountId;
    const INDEXES: &'static [&'static str] = &["organization", "parent"];

    fn key(&self) -> AccountId {
        self.account.clone()
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        vec![
            IndexEntry::new("organization", self.organization.clone()),
            IndexEntry::new("parent", (self.organization.clone(), self.parent.clone())),
        ]
    }
}

/// An organizational unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitRecord {
    /// The organization.
    pub organization: String,
    /// Its id, `ou-…`.
    pub id: String,
    /// The root or the unit that it stands in.
    pub parent: String,
    /// Its name, unique within its parent.
    pub name: String,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

impl Record for UnitRecord {
    const TABLE: &'static str = "iam/organization-unit";
    const VERSION: u16 = 1;
    type Key = (String, String);
    const INDEXES: &'static [&'static str] = &["parent"];

    fn key(&self) -> Self::Key {
        (self.organization.clone(), self.id.clone())
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("parent", (self.organization.clone(), self.parent.clone()))]
    }
}

/// A service control policy of an organization. The one of AWS, `p-FullAWSAccess`, is in no table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScpRecord {
    /// The organization.
    pub organization: String,
    /// Its id, `p-…`.
    pub id: String,
    /// Its name, unique within the organization.
    pub name: String,
    /// What its maker says of it.
    pub description: String,
    /// The document, as it was given.
    pub content: String,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

impl Record for ScpRecord {
    const TABLE: &'static str = "iam/organization-policy";
    const VERSION: u16 = 1;
    type Key = (String, String);

    fn key(&self) -> Self::Key {
        (self.organization.clone(), self.id.clone())
    }
}

/// That a policy is attached to a root, a unit or an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetRecord {
    /// The organization.
    pub organization: String,
    /// The id of the root, the unit or the account.
    pub target: String,
    /// The id of the policy.
    pub policy: String,
}

impl Record for TargetRecord {
    const TABLE: &'static str = "iam/organization-target";
    const VERSION: u16 = 1;
    type Key = (String, String, String);
    const INDEXES: &'static [&'static str] = &["policy"];

    fn key(&self) -> Self::Key {
        (self.organization.clone(), self.target.clone(), self.policy.clone())
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("policy", (self.organization.clone(), self.policy.clone()))]
    }
}

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandshakeRecord {
    /// Its id, `h-…`.
    pub id: String,
    /// The organization that invites.
    pub organization: String,
    /// The account that is invited.
    pub account: AccountId,
    /// What the one who invites says to it.
    pub notes: Option<String>,
    /// How it stands.
    pub state: HandshakeState,
    /// Since when.
    pub requested: Timestamp,
    /// Until when it can be accepted.
    pub expires: Timestamp,
    /// The tags that the account gets when it joins.
    pub tags: Vec<(String, String)>,
}

/// How an invitation stands. One that ran out is `OPEN` with its end in the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HandshakeState {
    /// It waits for an answer.
    Open,
    /// It was taken back.
    Canceled,
    /// The account has joined.
    Accepted,
    /// The account will not join.
    Declined,
}

impl Record for HandshakeRecord {
    const TABLE: &'static str = "identity/handshake";
    const VERSION: u16 = 1;
    type Key = String;
    const INDEXES: &'static [&'static str] = &["account", "organization"];

    fn key(&self) -> String {
        self.id.clone()
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        vec![
            IndexEntry::new("account", self.account.clone()),
            IndexEntry::new("organization", self.organization.clone()),
        ]
    }
}

/// That an account is to be made: the region makes it, and its network, soon after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRequestRecord {
    /// Its id, `car-…`.
    pub id: String,
    /// The organization.
    pub organization: String,
    /// The id that the account will have.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Its address.
    pub email: String,
    /// The role in it that the managing account may assume.
    pub role: String,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// How far it is.
    pub state: RequestState,
    /// When it was asked for.
    pub requested: Timestamp,
    /// When it was done.
    pub completed: Option<Timestamp>,
}

/// How far the making of an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RequestState {
    /// Not yet done.
    InProgress,
    /// The account is there.
    Succeeded,
    /// It could not be made: the organization is gone.
    Failed,
}

impl Record for AccountRequestRecord {
    const TABLE: &'static str = "identity/account-request";
    const VERSION: u16 = 1;
    type Key = String;
    const INDEXES: &'static [&'static str] = &["open", "organization"];

    fn key(&self) -> String {
        self.id.clone()
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        let open = (self.state == RequestState::InProgress).then(|| IndexEntry::new("open", ()));
        open.into_iter().chain([IndexEntry::new("organization", self.organization.clone())]).collect()
    }
}
