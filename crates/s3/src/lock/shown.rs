//! A lock as answers on an object show it.

use jiff::Timestamp;

use super::record::ObjectLock;
use super::rules::hold_name;

/// The headers of an answer.
#[derive(Debug, Default)]
pub(crate) struct LockFields {
    /// `x-amz-object-lock-mode`.
    pub mode: Option<String>,
    /// `x-amz-object-lock-retain-until-date`.
    pub until: Option<Timestamp>,
    /// `x-amz-object-lock-legal-hold`.
    pub hold: Option<String>,
}

impl LockFields {
    /// Those of this lock.
    pub(crate) fn of(lock: &ObjectLock) -> Self {
        Self {
            mode: lock.retention.as_ref().map(|retention| retention.mode.name().to_owned()),
            until: lock.retention.as_ref().map(|retention| retention.until),
            hold: lock.is_held.map(|is_held| hold_name(is_held).to_owned()),
        }
    }
}
