//! What is stored of wrong guesses.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{IndexEntry, Record};

/// What one name had wrong, in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuessRecord {
    /// What kind of guess, and whose.
    pub name: String,
    /// How many.
    pub wrong: u32,
    /// Until when the next one is not looked at; the time of the last one if there is no wait.
    pub until: Timestamp,
}

/// From how many on a name is one of those that are given up last, if there are too many.
const MANY: u32 = 5;

impl GuessRecord {
    /// Those with few wrong guesses, and those with many.
    pub(super) const KINDS: [u32; 2] = [0, 1];
}

impl Record for GuessRecord {
    // Not below `iam/`: nobody's permissions are any different for it.
    const TABLE: &'static str = "identity/guess";
    const VERSION: u16 = 1;
    type Key = String;
    /// In the order in which they are given up.
    const INDEXES: &'static [&'static str] = &["until"];

    fn key(&self) -> String {
        self.name.clone()
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        let until = u64::try_from(self.until.as_second()).unwrap_or_default();
        vec![IndexEntry::new("until", (u32::from(self.wrong >= MANY), until))]
    }
}
