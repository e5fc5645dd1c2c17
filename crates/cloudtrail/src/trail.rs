//! The records of a region, as CloudTrail asks for them. Whoever assembles a region brings them.

use async_trait::async_trait;
use ids::AccountId;
use jiff::Timestamp;

/// Where records are looked up.
#[async_trait]
pub trait Trail: Send + Sync {
    /// Looks up, newest first, in bounded time: a page may have fewer records than were asked for, and still not be the
    /// last.
    ///
    /// # Errors
    /// A text for the log.
    async fn lookup(&self, query: Query) -> Result<Page, String>;
}

/// What is looked up: management events of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The account.
    pub account: AccountId,
    /// What they must have.
    pub attribute: Option<(AttributeKey, String)>,
    /// Their earliest time.
    pub since: Timestamp,
    /// Their latest time, if there is one.
    pub until: Option<Timestamp>,
    /// The most that are wanted.
    pub limit: usize,
    /// Where an earlier page ended: its [`Page::next`].
    pub from: Option<String>,
}

/// By what records are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeKey {
    /// `EventId`
    EventId,
    /// `EventName`
    EventName,
    /// `ReadOnly`
    ReadOnly,
    /// `Username`
    Username,
    /// `ResourceType`
    ResourceType,
    /// `ResourceName`
    ResourceName,
    /// `EventSource`
    EventSource,
    /// `AccessKeyId`
    AccessKeyId,
}

impl AttributeKey {
    /// The key that AWS calls so.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "EventId" => Self::EventId,
            "EventName" => Self::EventName,
            "ReadOnly" => Self::ReadOnly,
            "Username" => Self::Username,
            "ResourceType" => Self::ResourceType,
            "ResourceName" => Self::ResourceName,
            "EventSource" => Self::EventSource,
            "AccessKeyId" => Self::AccessKeyId,
            _ => return None,
        })
    }
}

/// A page of records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The records, newest first.
    pub records: Vec<Record>,
    /// Where the next page begins; none after the last.
    pub next: Option<String>,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its id.
    pub event_id: String,
    /// The operation.
    pub event_name: String,
    /// The service.
    pub event_source: String,
    /// When.
    pub event_time: Timestamp,
    /// Whether the call changed nothing.
    pub is_read_only: bool,
    /// The access key that signed it.
    pub access_key_id: Option<String>,
    /// The user's or session's name.
    pub username: String,
    /// Types and names of what it was about.
    pub resources: Vec<(String, String)>,
    /// The whole record, as JSON.
    pub json: String,
}
