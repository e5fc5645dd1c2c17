//! The commit thread: takes all that waits, checks each transaction against what was committed before it, applies
//! the good ones in one SQLite transaction with one fsync, wakes the watches and answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use store::{CommitError, CommitLog, StoreError, Version, Watchers};

use crate::Options;
use crate::queue::{Queue, Request};
use crate::readers::Readers;
use crate::room::Room;
use crate::schema::{self, PAGE};

/// Bytes written after which the log is copied into the file.
const CHECKPOINT: u64 = 4 * 1024 * 1024;
/// How long commits stand still for snapshots to end, once the log is that large.
const CHECKPOINT_WAIT: Duration = Duration::from_millis(500);

/// What the commit thread has done since the store was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) commits: u64,
    pub(crate) conflicts: u64,
    pub(crate) failures: u64,
    pub(crate) batches: u64,
    pub(crate) last_sync: Duration,
    pub(crate) expired_snapshots: u64,
}

/// What the commit thread shares with the engine.
pub(crate) struct Shared {
    pub(crate) queue: Queue,
    pub(crate) watchers: Watchers,
    pub(crate) readers: Arc<Readers>,
    pub(crate) counters: Mutex<Counters>,
}

impl Shared {
    pub(crate) fn counters(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state of the commit thread.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    connection: Connection,
    log: CommitLog,
    options: Options,
    /// Bytes written since the last checkpoint, an estimate from above.
    unchecked: u64,
    room: Room,
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Also when the thread panics: nobody waits for a thread that is gone.
        self.shared.queue.abandon();
    }
}

impl Writer {
    /// A writer on the connection that has write access, whose file holds all up to the head of `log`.
    pub(crate) fn new(
        shared: Arc<Shared>,
        connection: Connection,
        log: CommitLog,
        options: Options,
        room: Room,
    ) -> Self {
        Self { shared, connection, log, options, unchecked: 0, room }
    }

    /// Commits until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        while let Some(batch) = self.shared.queue.take_batch() {
            self.commit(batch);
            if self.unchecked >= CHECKPOINT.min(self.options.log_limit) {
                self.checkpoint();
            }
        }
    }

    fn commit(&mut self, batch: Vec<Request>) {
        let mut accepted = Vec::with_capacity(batch.len());
        let mut written = BTreeSet::new();
        for request in batch {
            let transaction = &request.transaction;
            if self.log.conflicts(transaction) || transaction.reads.touches(&written) {
                self.shared.counters().conflicts += 1;
                request.answer(Err(CommitError::Conflict));
            } else {
                written.extend(transaction.writes.iter().map(|(key, _)| key.clone()));
                accepted.push(request);
            }
        }
        if accepted.is_empty() {
            return;
        }
        match self.apply(&accepted) {
            Ok(()) => self.acknowledge(accepted, &written),
            // One transaction may be too much for the disk while the others fit.
            Err(StoreError::Full) if accepted.len() > 1 => {
                for request in accepted {
                    let written = request.transaction.writes.iter().map(|(key, _)| key.clone()).collect();
                    let alone = vec![request];
                    match self.apply(&alone) {
                        Ok(()) => self.acknowledge(alone, &written),
                        Err(error) => self.refuse(alone, &error),
                    }
                }
            }
            Err(error) => self.refuse(accepted, &error),
        }
    }

    /// Writes the transactions, which get the versions after the last one, and syncs.
    fn apply(&mut self, requests: &[Request]) -> Result<(), StoreError> {
        let failed = |error| self.room.error("commit", error);
        let version = self.log.head() + requests.len() as Version;
        let mut written = 0;
        let transaction =
            self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(failed)?;
        {
            let mut put = transaction
                .prepare_cached(
                    "INSERT INTO kv (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                )
                .map_err(failed)?;
            let mut delete = transaction.prepare_cached("DELETE FROM kv WHERE key = ?1").map_err(failed)?;
            // The last write of a key is the only one that counts, in key order, which B-trees like.
            let writes: BTreeMap<&Vec<u8>, &Option<Vec<u8>>> = requests
                .iter()
                .flat_map(|request| &request.transaction.writes)
                .map(|(key, value)| (key, value))
                .collect();
            for (key, value) in writes {
                match value {
                    Some(value) => put.execute(params![key, value]).map_err(failed)?,
                    None => delete.execute([key]).map_err(failed)?,
                };
                written += PAGE + value.as_ref().map_or(0, Vec::len) as u64;
            }
            transaction
                .prepare_cached("UPDATE meta SET value = ?1 WHERE name = 'version'")
                .and_then(|mut update| update.execute([i64::try_from(version).unwrap_or(i64::MAX)]))
                .map_err(failed)?;
        }
        self.unchecked += written;
        let begun = Instant::now();
        transaction.commit().map_err(failed)?;
        let mut counters = self.shared.counters();
        counters.last_sync = begun.elapsed();
        counters.batches += 1;
        Ok(())
    }

    fn acknowledge(&mut self, requests: Vec<Request>, written: &BTreeSet<Vec<u8>>) {
        self.room.tell_room();
        self.shared.counters().commits += requests.len() as u64;
        let mut versions = Vec::with_capacity(requests.len());
        for request in &requests {
            let keys: BTreeSet<&Vec<u8>> = request.transaction.writes.iter().map(|(key, _)| key).collect();
            versions.push(self.log.push(&keys.into_iter().collect::<Vec<_>>()));
        }
        let keys: Vec<&Vec<u8>> = written.iter().collect();
        self.shared.watchers.wake(self.log.head(), &keys);
        for (request, version) in requests.into_iter().zip(versions) {
            request.answer(Ok(version));
        }
    }

    fn refuse(&mut self, requests: Vec<Request>, error: &StoreError) {
        match error {
            StoreError::Full => self.room.tell_full(),
            error => tracing::error!(error = error as &dyn std::error::Error, "a commit failed"),
        }
        self.shared.counters().failures += requests.len() as u64;
        for request in requests {
            request.answer(Err(error.clone().into()));
        }
    }

    /// Copies the log into the file. Where snapshots hold the log back until it is too large, they are ended.
    fn checkpoint(&mut self) {
        self.unchecked = 0;
        let pages = match self.run_checkpoint("PRAGMA wal_checkpoint(PASSIVE)") {
            Ok((_, pages)) => pages,
            Err(error) => return tracing::warn!(%error, "the log could not be copied into the file"),
        };
        if pages * PAGE <= self.options.log_limit {
            return;
        }
        let expired = self.shared.readers.expire(self.options.snapshot_age);
        self.shared.counters().expired_snapshots += expired as u64;
        if expired > 0 {
            tracing::warn!(expired, "snapshots were held too long and have been ended");
        }
        let emptied = self
            .connection
            .busy_timeout(CHECKPOINT_WAIT)
            .and_then(|()| self.run_checkpoint("PRAGMA wal_checkpoint(TRUNCATE)"));
        if let Err(error) = self.connection.busy_timeout(schema::BUSY) {
            tracing::warn!(%error, "the waiting time could not be set back");
        }
        match emptied {
            Ok((false, _)) => {}
            Ok((true, pages)) => tracing::warn!(pages, "the log could not be emptied; snapshots are still open"),
            Err(error) => tracing::warn!(%error, "the log could not be emptied"),
        }
    }

    /// Whether it was held back, and how many pages the log has.
    fn run_checkpoint(&self, pragma: &str) -> rusqlite::Result<(bool, u64)> {
        self.connection.query_row(pragma, [], |row| {
            Ok((row.get::<_, i64>(0)? != 0, u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0)))
        })
    }
}
