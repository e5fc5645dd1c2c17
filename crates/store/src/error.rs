//! Why a read or a commit did not happen.

use std::error::Error;
use std::sync::Arc;

/// What an engine or a typed table could not do. Cheap to clone: one failed batch answers many callers.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The engine has been shut down.
    #[error("the store is closed")]
    Closed,
    /// Too many snapshots are open, and none was given back within the engine's waiting time.
    #[error("no snapshot became free in time")]
    Busy,
    /// The snapshot was held for so long that the engine took its resources back, or its view has been committed.
    /// Take a new one.
    #[error("the snapshot has ended")]
    SnapshotExpired,
    /// A transaction, key or value is larger than the limits in [`crate::limits`].
    #[error("{what} is {size}, above the limit of {limit}")]
    TooLarge {
        /// What was measured, such as `value`.
        what: &'static str,
        /// Its size.
        size: usize,
        /// The largest size allowed.
        limit: usize,
    },
    /// The disk is full. Nothing of the transaction was kept; reads go on, and so do commits once there is room.
    #[error("the disk is full: free space where the data folder is, and writes succeed again by themselves")]
    Full,
    /// The engine's file is damaged, or a key or value in it isn't one that this program writes.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// The store is a copy that was broken off.
    #[error("the store is a copy of another one that was begun and not finished: make the copy again")]
    Unfinished,
    /// The database that the engine keeps everything in does not answer now. The engine goes on trying to reach it, and
    /// a later call may succeed.
    #[error("the database does not answer: {0}")]
    Unavailable(String),
    /// What this process did is another one's to do now: see [`crate::Store::fenced`].
    #[error("another process has taken this over")]
    Fenced,
    /// The engine failed in another way; a later try may succeed.
    #[error("{doing}")]
    Engine {
        /// What was being done, such as `commit`.
        doing: &'static str,
        /// What the engine said.
        #[source]
        cause: Arc<dyn Error + Send + Sync>,
    },
    /// A record was written by a newer program than this one.
    #[error("a record of table {table} has shape version {version}; this program knows versions up to {known}")]
    NewerShape {
        /// The table.
        table: &'static str,
        /// The version found.
        version: u64,
        /// The newest version this program knows.
        known: u16,
    },
    /// A record doesn't have the shape its version says, or could not be turned to JSON.
    #[error("a record of table {table} doesn't have the shape of its version")]
    Shape {
        /// The table.
        table: &'static str,
        /// Where it differs.
        #[source]
        cause: Arc<serde_json::Error>,
    },
    /// A record of an older shape could not be brought to the present one.
    #[error("a record of table {table} could not be migrated from shape version {from}")]
    Migration {
        /// The table.
        table: &'static str,
        /// The version found.
        from: u16,
        /// Why not.
        #[source]
        cause: MigrationError,
    },
    /// An index was used that the record type doesn't list in `INDEXES`.
    #[error("table {table} has no index {index}")]
    UnknownIndex {
        /// The table.
        table: &'static str,
        /// The index asked for.
        index: String,
    },
}

impl StoreError {
    /// A [`StoreError::Engine`] from any error.
    pub fn engine(doing: &'static str, cause: impl Error + Send + Sync + 'static) -> Self {
        Self::Engine { doing, cause: Arc::new(cause) }
    }
}

/// Why a commit did not happen. In either case nothing of it is kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// Something that the transaction read has been written since. Read again, decide again, commit again.
    #[error("what was read has changed since")]
    Conflict,
    /// The engine could not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a stored record could not be brought from an older shape to the present one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MigrationError(pub String);
