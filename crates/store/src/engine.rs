//! What an engine is: ordered byte keys, snapshots, serialisable optimistic transactions and watches.
//! Not here: types. [`crate::Store`] puts tables of records on top.

use std::future::Future;
use std::pin::Pin;

use crate::error::{CommitError, StoreError};
use crate::open_reads::OpenRead;
use crate::range::{KeyRange, ReadSet};
use crate::watch::Watch;

/// The number of a commit. Later commits have larger numbers; no two commits share one.
pub type Version = u64;

/// A future on the heap.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Which end of a range a scan begins at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the least key upwards.
    Ascending,
    /// From the greatest key downwards.
    Descending,
}

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// A key and its new value, or `None` to delete it.
pub type Write = (Vec<u8>, Option<Vec<u8>>);

/// Keeps every fact of a region. Each engine passes the suite in the module `conformance`.
pub trait Engine: Send + Sync + 'static {
    /// A consistent view that holds every commit acknowledged before this call, and none half. May wait a bounded
    /// time for a free slot; hold snapshots for the length of one operation, not longer.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when no slot became free, or the engine's failure.
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError>;

    /// A snapshot for copying the whole store, which takes longer than an operation: an engine that ends old snapshots
    /// to bound its log lets this one have minutes.
    ///
    /// # Errors
    /// As [`Engine::snapshot`].
    fn long_snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.snapshot()
    }

    /// Commits all writes or none. Durable once it resolves `Ok`, and seen by every later snapshot. Nothing happens
    /// before the future is first polled; if it is dropped after that, the commit may or may not take place.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when a commit after `transaction.snapshot` wrote something in `transaction.reads`.
    /// A transaction that has read nothing never conflicts.
    fn commit(&self, transaction: Transaction) -> BoxFuture<'static, Result<Version, CommitError>>;

    /// Wakes after each commit that wrote a key beginning with `prefix`.
    fn watch(&self, prefix: &[u8]) -> Watch;

    /// Sees to it that every commit acknowledged before this call, by whichever process, has woken its watches when it
    /// returns: what is kept in memory until a watch wakes may then be used. An engine that one process owns does so at
    /// each commit; one that several share asks, which takes a round trip.
    ///
    /// # Errors
    /// The engine's failure: then nothing kept in memory may be used.
    fn refresh(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A consistent view of the whole store.
pub trait Snapshot: Send {
    /// The last commit that the snapshot holds.
    fn version(&self) -> Version;

    /// The value of one key, if it has one.
    ///
    /// # Errors
    /// The engine's failure, or [`StoreError::SnapshotExpired`].
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Up to `limit` pairs of the range, from the end that `direction` begins at.
    ///
    /// # Errors
    /// The engine's failure, or [`StoreError::SnapshotExpired`].
    fn scan(&self, range: KeyRange, direction: Direction, limit: usize) -> Result<Vec<Pair>, StoreError>;

    /// What has the engine remember the commits after this snapshot, handed to whoever commits what was decided in it:
    /// the snapshot may be dropped before. Without it such a commit is right all the same, but may conflict with what
    /// has been forgotten. Given once.
    fn take_open_read(&mut self) -> Option<OpenRead> {
        None
    }
}

/// Writes to commit, on the condition that what was read is unchanged.
#[derive(Debug, Clone, Default)]
pub struct Transaction {
    /// The version of the snapshot that `reads` were made in. Without reads it doesn't matter.
    pub snapshot: Version,
    /// What was read.
    pub reads: ReadSet,
    /// New values, `None` to delete. Where a key is named twice, the last one holds.
    pub writes: Vec<Write>,
}
