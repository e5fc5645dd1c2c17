//! What is stored of a session. A session is good until its end, as long as its record is there and so is who made it.

use std::fmt;

use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{IndexEntry, Record};

/// A session, as stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// The access key id, `ASIA…`.
    pub id: String,
    /// The secret access key.
    pub secret: String,
    /// The session token.
    pub token: String,
    /// The account it acts in.
    pub account: AccountId,
    /// Who it acts as.
    pub holder: SessionHolder,
    /// When it was made.
    pub issued: Timestamp,
    /// Until when it is good.
    pub expires: Timestamp,
    /// When its holder proved possession of an MFA device, if so.
    pub mfa: Option<Timestamp>,
    /// The policies that bound it; none where it was made without any.
    pub policies: Option<Vec<SessionPolicyText>>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// The keys of the tags that go on to the sessions made with it.
    pub transitive_tags: Vec<String>,
    /// Who is behind it.
    pub source_identity: Option<String>,
    /// The identity provider that vouched for its holder.
    pub provider: Option<String>,
    /// Further condition keys.
    pub context: Vec<(String, Vec<String>)>,
    /// The ARN of the instance it was handed to, if so.
    pub instance: Option<String>,
}

/// Who a session acts as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionHolder {
    /// The root user (`GetSessionToken`).
    Root,
    /// A user (`GetSessionToken`), by unique id.
    User {
        /// The user's unique id.
        id: String,
    },
    /// A role, by unique id.
    Role {
        /// The role's unique id.
        id: String,
        /// The session's name.
        session: String,
    },
    /// A federated user.
    Federated {
        /// Its name.
        name: String,
        /// The unique id of the user who made it; none if that was the root user.
        user: Option<String>,
    },
}

/// A policy that was handed over when a session was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionPolicyText {
    /// A managed one, by its ARN.
    Managed(String),
    /// A document.
    Inline(String),
}

impl Record for SessionRecord {
    const TABLE: &'static str = "sts/session";
    const VERSION: u16 = 1;
    type Key = String;
    /// By when they end, so that those that ended can be cleared away.
    const INDEXES: &'static [&'static str] = &["expires"];

    fn key(&self) -> String {
        self.id.clone()
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("expires", u64::try_from(self.expires.as_second()).unwrap_or_default())]
    }
}

impl fmt::Debug for SessionRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRecord")
            .field("id", &self.id)
            .field("account", &self.account)
            .field("holder", &self.holder)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}
