//! Snapshots: read transactions on a bounded pool of connections.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};
use store::{Direction, KeyRange, OpenRead, OpenReads, Pair, Snapshot, StoreError, Version};

use crate::error::store_error;
use crate::schema;

/// Idle connections that are kept; further ones are closed, as each has a cache of its own.
const IDLE: usize = 8;

/// The pool.
pub(crate) struct Readers {
    file: PathBuf,
    limit: usize,
    wait: Duration,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    open: usize,
    leases: Vec<Weak<Lease>>,
    is_closed: bool,
}

/// A connection lent to a snapshot, until the snapshot ends or the pool takes it back.
struct Lease {
    connection: Mutex<Option<Connection>>,
    since: Instant,
    /// Younger than this it isn't taken back.
    kept: Duration,
}

impl Readers {
    /// A pool that has at most `limit` snapshots open, and lets a caller wait for one no longer than `wait`.
    pub(crate) fn new(file: PathBuf, limit: usize, wait: Duration) -> Self {
        Self { file, limit: limit.max(1), wait, state: Mutex::default(), freed: Condvar::new() }
    }

    /// A new snapshot, which is its owner's for `kept` at least, entered in `open_reads` if a commit may follow.
    pub(crate) fn snapshot(
        self: &Arc<Self>,
        kept: Duration,
        open_reads: Option<&OpenReads>,
    ) -> Result<Box<dyn Snapshot>, StoreError> {
        let connection = self.take()?;
        match begin(&connection) {
            Ok(version) => {
                let connection = Mutex::new(Some(connection));
                let lease = Arc::new(Lease { connection, since: Instant::now(), kept });
                self.state().leases.push(Arc::downgrade(&lease));
                let open_read = open_reads.map(|all| all.enter(version));
                Ok(Box::new(SqliteSnapshot { readers: Arc::clone(self), lease, version, open_read }))
            }
            Err(error) => {
                self.give_back(connection);
                Err(error)
            }
        }
    }

    /// How many snapshots are open.
    pub(crate) fn open(&self) -> usize {
        self.state().open
    }

    /// Ends the snapshots that are older than `age`, so that the log can be started anew. Gives how many.
    pub(crate) fn expire(self: &Arc<Self>, age: Duration) -> usize {
        let leases: Vec<_> = self.state().leases.iter().filter_map(Weak::upgrade).collect();
        let old = leases.into_iter().filter(|lease| lease.since.elapsed() >= age.max(lease.kept));
        old.filter_map(|lease| lease.end()).map(|connection| self.give_back(connection)).count()
    }

    /// Closes the idle connections, and the others as they come back.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        state.idle.clear();
    }

    fn take(&self) -> Result<Connection, StoreError> {
        let full = |state: &mut State| state.open >= self.limit;
        let waited = self.freed.wait_timeout_while(self.state(), self.wait, full);
        let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() && full(&mut state) {
            return Err(StoreError::Busy);
        }
        state.open += 1;
        let idle = state.idle.pop();
        drop(state);
        let connection = idle.map_or_else(|| schema::open_reader(&self.file), Ok);
        connection.map_err(|error| {
            self.state().open -= 1;
            self.freed.notify_one();
            store_error("open a snapshot", error)
        })
    }

    fn give_back(&self, connection: Connection) {
        // A connection whose transaction doesn't end is closed, which ends it.
        let end = || connection.prepare_cached("ROLLBACK").and_then(|mut end| end.execute([]));
        let is_clean = connection.is_autocommit() || end().is_ok();
        let mut state = self.state();
        state.open -= 1;
        state.leases.retain(|lease| lease.strong_count() > 0);
        if is_clean && state.idle.len() < IDLE && !state.is_closed {
            state.idle.push(connection);
        }
        self.freed.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    fn end(&self) -> Option<Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Begins a read transaction. Its first read, of the version, fixes what it sees.
fn begin(connection: &Connection) -> Result<Version, StoreError> {
    let version = connection
        .prepare_cached("BEGIN")
        .and_then(|mut begin| begin.execute([]))
        .and_then(|_| schema::meta(connection, "version"))
        .map_err(|error| store_error("open a snapshot", error))?;
    Version::try_from(version).map_err(|_| StoreError::Corrupt(format!("the version is {version}")))
}

struct SqliteSnapshot {
    readers: Arc<Readers>,
    lease: Arc<Lease>,
    version: Version,
    open_read: Option<OpenRead>,
}

impl SqliteSnapshot {
    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let connection = self.lease.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = connection.as_ref().ok_or(StoreError::SnapshotExpired)?;
        query(connection).map_err(|error| store_error("read", error))
    }
}

impl Snapshot for SqliteSnapshot {
    fn version(&self) -> Version {
        self.version
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT value FROM kv WHERE key = ?1")?;
            query.query_row([key], |row| blob(row, 0)).optional()
        })
    }

    fn scan(&self, range: KeyRange, direction: Direction, limit: usize) -> Result<Vec<Pair>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let pair = |row: &Row<'_>| Ok((blob(row, 0)?, blob(row, 1)?));
        self.read(|connection| match &range.end {
            Some(end) => connection
                .prepare_cached(match direction {
                    Direction::Ascending => {
                        "SELECT key, value FROM kv WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3"
                    }
                    Direction::Descending => {
                        "SELECT key, value FROM kv WHERE key >= ?1 AND key < ?2 ORDER BY key DESC LIMIT ?3"
                    }
                })?
                .query_map(params![range.start, end, limit], pair)?
                .collect(),
            None => connection
                .prepare_cached(match direction {
                    Direction::Ascending => "SELECT key, value FROM kv WHERE key >= ?1 ORDER BY key LIMIT ?2",
                    Direction::Descending => "SELECT key, value FROM kv WHERE key >= ?1 ORDER BY key DESC LIMIT ?2",
                })?
                .query_map(params![range.start, limit], pair)?
                .collect(),
        })
    }

    fn take_open_read(&mut self) -> Option<OpenRead> {
        self.open_read.take()
    }
}

/// A column's bytes. Text, which only a foreign hand can have written, is taken as its bytes.
fn blob(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<u8>> {
    match row.get_ref(column)? {
        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => Ok(bytes.to_vec()),
        other => Err(rusqlite::Error::InvalidColumnType(column, "bytes".to_owned(), other.data_type())),
    }
}

impl Drop for SqliteSnapshot {
    fn drop(&mut self) {
        if let Some(connection) = self.lease.end() {
            self.readers.give_back(connection);
        }
    }
}
