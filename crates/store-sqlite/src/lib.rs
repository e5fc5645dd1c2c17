//! The embedded engine: SQLite in one file, one commit thread, many readers.
//!
//! A folder holds `store.db` (with SQLite's `-wal` and `-shm` beside it) and `lock`. Transactions are checked in memory
//! and applied by one thread, many with one fsync; snapshots are SQLite read transactions on a bounded pool.
//! Not here: what keys and values mean, which `store` says.
#![forbid(unsafe_code)]

mod error;
mod lock;
mod queue;
mod readers;
mod room;
mod schema;
mod writer;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use store::{
    BoxFuture, CommitError, CommitLog, Engine, OpenReads, Snapshot, StoreError, Transaction, Version, Watch, Watchers,
    limits,
};

pub use crate::error::OpenError;
use crate::lock::FolderLock;
use crate::queue::Queue;
use crate::readers::Readers;
use crate::room::Room;
use crate::writer::{Counters, Shared, Writer};

/// How a store behaves. The default suits one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Snapshots open at once, at most.
    pub snapshots: usize,
    /// How long a caller waits for one of them, before [`StoreError::Busy`].
    pub snapshot_wait: Duration,
    /// Bytes that the write-ahead log may have before snapshots that hold it back are ended. A batch may go beyond.
    pub log_limit: u64,
    /// Snapshots younger than this are not ended even then.
    pub snapshot_age: Duration,
    /// Snapshots for copying the store are not ended before this, however large the log has become.
    pub copy_age: Duration,
    /// Bytes that the file may have; commits beyond it fail as on a full disk. `None` for as many as the disk has.
    pub max_size: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            snapshots: 64,
            snapshot_wait: Duration::from_secs(5),
            log_limit: 64 * 1024 * 1024,
            snapshot_age: Duration::from_secs(10),
            copy_age: Duration::from_secs(600),
            max_size: None,
        }
    }
}

/// What the store has done since it was opened, and how large it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Transactions committed.
    pub commits: u64,
    /// Transactions refused because of what others had written.
    pub conflicts: u64,
    /// Transactions that the file or the disk failed.
    pub failures: u64,
    /// SQLite transactions, each with one fsync, that the commits took.
    pub batches: u64,
    /// How long the last of them took to write out and sync.
    pub last_sync: Duration,
    /// Snapshots open now.
    pub open_snapshots: usize,
    /// Snapshots ended because they were held too long.
    pub expired_snapshots: u64,
    /// Bytes of the database file.
    pub file_size: u64,
    /// Bytes of the write-ahead log.
    pub log_size: u64,
}

/// An engine on a folder of the local disk, which it owns alone.
pub struct Sqlite {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    file: PathBuf,
    copy_age: Duration,
    open_reads: OpenReads,
    /// Dropped last, when no connection writes any more.
    _lock: FolderLock,
}

impl Sqlite {
    /// Opens the store in `folder`, which is made where it is missing.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(folder, &Options::default())
    }

    /// Opens the store in `folder` with other than the default options.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_with(folder: impl AsRef<Path>, options: &Options) -> Result<Self, OpenError> {
        let folder = folder.as_ref();
        let lock = FolderLock::take(folder)?;
        let file = folder.join("store.db");
        let (connection, version) = schema::open_writer(&file, options.max_size)?;
        let shared = Arc::new(Shared {
            queue: Queue::new(),
            watchers: Watchers::default(),
            readers: Arc::new(Readers::new(file.clone(), options.snapshots, options.snapshot_wait)),
            counters: Mutex::new(Counters::default()),
        });
        let log = CommitLog::new(version);
        let open_reads = log.open_reads().clone();
        let writer = Writer::new(Arc::clone(&shared), connection, log, options.clone(), Room::of(&file));
        let thread = thread::Builder::new()
            .name("store-commit".to_owned())
            .spawn(move || writer.run())
            .map_err(|cause| OpenError::Folder { folder: folder.to_owned(), cause })?;
        Ok(Self { shared, thread: Some(thread), file, copy_age: options.copy_age, open_reads, _lock: lock })
    }

    /// What the store has done and how large it is, for `welkin doctor`.
    ///
    /// # Errors
    /// When the file can't be examined.
    pub fn stats(&self) -> io::Result<Stats> {
        let counters = *self.shared.counters();
        let log = self.file.with_extension("db-wal");
        Ok(Stats {
            commits: counters.commits,
            conflicts: counters.conflicts,
            failures: counters.failures,
            batches: counters.batches,
            last_sync: counters.last_sync,
            open_snapshots: self.shared.readers.open(),
            expired_snapshots: counters.expired_snapshots,
            file_size: fs::metadata(&self.file)?.len(),
            log_size: fs::metadata(log).map_or(0, |metadata| metadata.len()),
        })
    }
}

impl Engine for Sqlite {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.shared.readers.snapshot(Duration::ZERO, Some(&self.open_reads))
    }

    /// Its log may grow for as long as [`Options::copy_age`], so keep an eye on the disk where much is written.
    fn long_snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.shared.readers.snapshot(self.copy_age, None)
    }

    fn commit(&self, transaction: Transaction) -> BoxFuture<'static, Result<Version, CommitError>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let bytes = limits::check(&transaction)?;
            shared.queue.send(transaction, bytes).await
        })
    }

    fn watch(&self, prefix: &[u8]) -> Watch {
        self.shared.watchers.watch(prefix)
    }
}

impl Drop for Sqlite {
    /// Commits what waits, then closes the file. Blocks for as long as that takes.
    fn drop(&mut self) {
        self.shared.readers.close();
        self.shared.queue.close();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the commit thread had panicked");
        }
        self.shared.watchers.close();
    }
}
