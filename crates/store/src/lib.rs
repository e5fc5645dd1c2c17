//! Every fact of a region: ordered keys, snapshots, serialisable transactions and watches ([`Engine`]), and tables of
//! records with secondary indexes and migrations above them ([`Store`]). Engines: [`Memory`] here, `store-sqlite`,
//! `store-postgres`.
//! Not here: object bytes, metric points and logs, which live in files of their own.
//!
//! To change something: take a [`View`], read through it, collect [`Changes`], [`Store::commit`]; on
//! [`CommitError::Conflict`] start over with a new view.
#![forbid(unsafe_code)]

mod changes;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod copy;
mod counters;
mod engine;
mod error;
mod fence;
mod key;
pub mod limits;
mod log;
mod memory;
mod open_reads;
mod prepare;
mod range;
mod record;
mod seen;
mod store;
#[cfg(test)]
mod tests;
mod view;
mod watch;

pub use changes::Changes;
pub use copy::{Copied, CopyError, copy_all, copy_all_and};
pub use counters::{COMMIT_BOUNDS, Counts};
pub use engine::{BoxFuture, Direction, Engine, Pair, Snapshot, Transaction, Version, Write};
pub use error::{CommitError, MigrationError, StoreError};
pub use key::{Key, KeyBuf, KeyPart, KeyPrefix, Position};
pub use log::CommitLog;
pub use memory::Memory;
pub use open_reads::{OpenRead, OpenReads};
pub use range::{KeyRange, ReadSet, after_prefix, successor};
pub use record::{IndexEntry, Record, decode, encode, table_prefix};
pub use store::{Decided, Store};
pub use view::View;
pub use watch::{Watch, Watchers};
