//! What is stored of the lock of an object, and of a bucket's default for it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What keeps a version of an object from being deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectLock {
    /// For how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
    /// Whether also until somebody takes the hold off; none if nobody ever said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_held: Option<bool>,
}

impl ObjectLock {
    /// Whether nothing was ever said of a lock.
    pub fn is_none(&self) -> bool {
        self.retention.is_none() && self.is_held.is_none()
    }
}

/// For how long a version is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Who may shorten it.
    pub mode: LockMode,
    /// Until when.
    pub until: Timestamp,
}

/// Who may shorten a retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LockMode {
    /// Who has `s3:BypassGovernanceRetention`.
    Governance,
    /// Nobody.
    Compliance,
}

/// The lock of a bucket; a bucket without cannot lock objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketLock {
    /// How long new objects are kept whose request doesn't say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<DefaultRetention>,
}

/// How long new objects are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultRetention {
    /// Who may shorten it.
    pub mode: LockMode,
    /// For how long.
    pub period: DefaultPeriod,
}

/// A time in the unit that it was given in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefaultPeriod {
    /// Days.
    Days(u32),
    /// Years.
    Years(u32),
}
