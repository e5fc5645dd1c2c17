//! The audit trail: one record for each call, in CloudTrail's form, as JSON lines in files of a bounded total size; and
//! what reads them again, by index for `LookupEvents` and in order for `welkin audit`.
//! Not here: who may read what, and which calls there are; whoever records a call says what is known of it.
//!
//! Records go to three lanes, each with its own files and share of the room, so that a flood of reading calls never
//! pushes out the record of a change: see [`Lane`].
#![forbid(unsafe_code)]

mod copy;
mod event;
mod find;
mod follow;
mod index;
mod json;
mod kind;
mod log;
mod lookup;
mod parameters;
mod resources;
mod segment;
mod session;
mod stored;
mod trails;
mod verdicts;
mod writer;

pub use copy::{TrailFile, place_of, trail_files};
pub use event::{Event, Identity, Outcome};
pub use find::find;
pub use follow::Trail;
pub use index::Lane;
pub use json::json_string;
pub use kind::{Category, category, is_read_only};
pub use log::{Counts, Log, Options};
pub use lookup::{Attribute, Found, Place, Position, Query, lookup};
pub use parameters::{MAX_BYTES, Parameters};
pub use stored::{Additional, Stored, StoredIdentity};
pub use verdicts::{StoredPolicy, StoredStatement, StoredVerdict};
