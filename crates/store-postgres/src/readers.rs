//! Snapshots: read-only transactions on a bounded pool of connections. Beginning one is one round trip, each read another;
//! ending one waits for nothing.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use futures_util::future::join;
use store::{Direction, KeyRange, OpenRead, OpenReads, Pair, Snapshot, StoreError, Version};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use crate::Options;
use crate::connect::{Connector, Session};
use crate::error::{Kind, kind, store_error, unavailable};
use crate::feed::HEAD;
use crate::schema::{SHORT, column, version};
use crate::wait::{send, wait};

/// How long one read may take.
const READ: Duration = Duration::from_secs(15);
/// Idle connections that are kept however long nobody needs them.
const KEPT: usize = 2;
/// How long the others are kept.
const IDLE: Duration = Duration::from_secs(30);

/// A process that is stopped in the middle of a snapshot holds back PostgreSQL's cleaning no longer than this, or, in the
/// middle of a copy, no longer than copies may take.
const SET_UP: &str = "SET idle_in_transaction_session_timeout = '120s';";
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const STATEMENTS: [&str; 7] = [
    HEAD,
    "SELECT value FROM welkin.kv WHERE key = $1",
    "SELECT value FROM welkin.kv_long WHERE substring(key from 1 for 2048) = substring($1::bytea from 1 for 2048) AND key = $1",
    "SELECT * FROM (SELECT key, value FROM welkin.kv WHERE key >= $1 AND key < $2 ORDER BY key LIMIT $3) AS a
     UNION ALL SELECT * FROM (SELECT key, value FROM welkin.kv_long
        WHERE substring(key from 1 for 2048) >= substring($1::bytea from 1 for 2048)
          AND substring(key from 1 for 2048) <= substring($2::bytea from 1 for 2048) AND key >= $1 AND key < $2
        ORDER BY substring(key from 1 for 2048), key LIMIT $3) AS b",
    "SELECT * FROM (SELECT key, value FROM welkin.kv WHERE key >= $1 AND key < $2 ORDER BY key DESC LIMIT $3) AS a
     UNION ALL SELECT * FROM (SELECT key, value FROM welkin.kv_long
        WHERE substring(key from 1 for 2048) >= substring($1::bytea from 1 for 2048)
          AND substring(key from 1 for 2048) <= substring($2::bytea from 1 for 2048) AND key >= $1 AND key < $2
        ORDER BY substring(key from 1 for 2048) DESC, key DESC LIMIT $3) AS b",
    "SELECT * FROM (SELECT key, value FROM welkin.kv WHERE key >= $1 ORDER BY key LIMIT $2) AS a
     UNION ALL SELECT * FROM (SELECT key, value FROM welkin.kv_long
        WHERE substring(key from 1 for 2048) >= substring($1::bytea from 1 for 2048) AND key >= $1
        ORDER BY substring(key from 1 for 2048), key LIMIT $2) AS b",
    "SELECT * FROM (SELECT key, value FROM welkin.kv WHERE key >= $1 ORDER BY key DESC LIMIT $2) AS a
     UNION ALL SELECT * FROM (SELECT key, value FROM welkin.kv_long
        WHERE substring(key from 1 for 2048) >= substring($1::bytea from 1 for 2048) AND key >= $1
        ORDER BY substring(key from 1 for 2048) DESC, key DESC LIMIT $2) AS b",
];
const GET: usize = 1;
const GET_LONG: usize = 2;
const BETWEEN: usize = 3;
const FROM: usize = 5;

/// The pool.
pub(crate) struct Readers {
    connector: Arc<Connector>,
    options: Options,
    open_reads: OpenReads,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    /// Those that were used last are last.
    idle: Vec<(Session, Instant)>,
    open: usize,
    leases: Vec<Weak<Lease>>,
    expired: u64,
    is_closed: bool,
}

/// A connection lent to a snapshot, until the snapshot ends or the pool takes it back.
struct Lease {
    session: Mutex<Option<Session>>,
    since: Instant,
    /// How long it may last.
    life: Duration,
}

/// What a snapshot is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// One operation, which may commit.
    Operation,
    /// Copying everything, which commits nothing.
    Copy,
}

impl Readers {
    /// A pool whose snapshots are entered in `open_reads` if a commit may follow.
    pub(crate) fn new(connector: Arc<Connector>, options: &Options, open_reads: OpenReads) -> Self {
        let (state, freed) = Default::default();
        Self { connector, options: options.clone(), open_reads, state, freed }
    }

    /// A new snapshot, which is ended when it has lasted for as long as its purpose may take.
    pub(crate) fn snapshot(self: &Arc<Self>, purpose: Purpose) -> Result<Box<dyn Snapshot>, StoreError> {
        let life = match purpose {
            Purpose::Operation => self.options.snapshot_life,
            Purpose::Copy => self.options.copy_life,
        };
        let deadline = Instant::now() + self.options.snapshot_wait;
        self.enter(deadline)?;
        // What this place holds is given back when it is dropped.
        let place = Place { readers: self };
        loop {
            let (session, was_idle) = self.session(deadline)?;
            let statement = match purpose {
                Purpose::Operation => BEGIN.to_owned(),
                Purpose::Copy => {
                    format!("{BEGIN}; SET LOCAL idle_in_transaction_session_timeout = {}", life.as_millis())
                }
            };
            let begun = wait(begin(&session, &statement), Instant::now() + READ);
            match begun {
                Some(Ok(version)) => {
                    std::mem::forget(place);
                    let lease = Arc::new(Lease { session: Mutex::new(Some(session)), since: Instant::now(), life });
                    self.state().leases.push(Arc::downgrade(&lease));
                    let open_read = (purpose == Purpose::Operation).then(|| self.open_reads.enter(version));
                    return Ok(Box::new(PgSnapshot { readers: Arc::clone(self), lease, version, open_read }));
                }
                // The server was restarted while the connection was idle: nothing was read on it.
                Some(Err(Failure::Pg(error))) if was_idle && kind(&error) != Kind::Other => {}
                Some(Err(Failure::Pg(error))) => return Err(store_error("open a snapshot", error)),
                Some(Err(Failure::Store(error))) => return Err(error),
                None => return Err(unavailable("PostgreSQL did not answer in time")),
            }
        }
    }

    /// How many snapshots are open, and how many were ended because they were held too long.
    pub(crate) fn counts(&self) -> (usize, u64) {
        let state = self.state();
        (state.open, state.expired)
    }

    /// Ends snapshots that are too old, and connections that nobody needs.
    pub(crate) fn tidy(self: &Arc<Self>) {
        let leases: Vec<_> = self.state().leases.iter().filter_map(Weak::upgrade).collect();
        for lease in leases.into_iter().filter(|lease| lease.since.elapsed() >= lease.life) {
            // One that is reading now is looked at next time.
            let session = lease.session.try_lock().ok().and_then(|mut session| session.take());
            if let Some(session) = session {
                tracing::warn!("a snapshot was held too long and has been ended");
                self.state().expired += 1;
                self.give_back(session);
            }
        }
        let mut state = self.state();
        while state.idle.len() > KEPT && state.idle.first().is_some_and(|(_, since)| since.elapsed() > IDLE) {
            state.idle.remove(0);
        }
    }

    /// Closes the idle connections, and the others as they come back.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        state.idle.clear();
    }

    /// Waits for a place among the open snapshots.
    fn enter(&self, deadline: Instant) -> Result<(), StoreError> {
        let full = |state: &mut State| state.open >= self.options.snapshots.max(1) && !state.is_closed;
        let patience = deadline.saturating_duration_since(Instant::now());
        let waited = self.freed.wait_timeout_while(self.state(), patience, full);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.is_closed {
            return Err(StoreError::Closed);
        }
        if full(&mut state) {
            return Err(StoreError::Busy);
        }
        state.open += 1;
        Ok(())
    }

    /// A connection, and whether it has lain idle.
    fn session(&self, deadline: Instant) -> Result<(Session, bool), StoreError> {
        loop {
            // A lock of its own, so that the statement doesn't hold it while a connection ends.
            let idle = self.state().idle.pop();
            match idle {
                Some((session, _)) if session.client.is_closed() => {}
                Some((session, _)) => return Ok((session, true)),
                None => break,
            }
        }
        let connector = Arc::clone(&self.connector);
        let making = self.connector.runtime().spawn(async move { connector.session(SET_UP, &STATEMENTS).await });
        match wait(making, deadline) {
            Some(Ok(made)) => Ok((made?, false)),
            Some(Err(_)) => Err(StoreError::Closed),
            None => Err(unavailable("PostgreSQL takes long to answer")),
        }
    }

    fn leave(&self) {
        let mut state = self.state();
        state.open -= 1;
        state.leases.retain(|lease| lease.strong_count() > 0);
        self.freed.notify_one();
    }

    fn give_back(&self, session: Session) {
        // Sent and not waited for: whatever is asked next on this connection comes after it.
        send(session.client.batch_execute("ROLLBACK"));
        {
            let mut state = self.state();
            if !state.is_closed && !session.client.is_closed() {
                state.idle.push((session, Instant::now()));
            }
        }
        self.leave();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among the open snapshots that has no snapshot yet.
struct Place<'a> {
    readers: &'a Readers,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.readers.leave();
    }
}

enum Failure {
    Pg(Error),
    Store(StoreError),
}

/// Begins a transaction. Its first read, of the version, fixes what it sees.
async fn begin(session: &Session, statement: &str) -> Result<Version, Failure> {
    let client = &session.client;
    let (begun, head) = join(client.batch_execute(statement), client.query_one(&session.statements[0], &[])).await;
    begun.map_err(Failure::Pg)?;
    version(&head.map_err(Failure::Pg)?, 0).map_err(Failure::Store)
}

struct PgSnapshot {
    readers: Arc<Readers>,
    lease: Arc<Lease>,
    version: Version,
    open_read: Option<OpenRead>,
}

impl PgSnapshot {
    fn read(&self, statement: usize, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, StoreError> {
        let mut lent = self.lease.session.lock().unwrap_or_else(PoisonError::into_inner);
        let session = lent.as_ref().ok_or(StoreError::SnapshotExpired)?;
        match wait(session.client.query(&session.statements[statement], parameters), Instant::now() + READ) {
            Some(outcome) => outcome.map_err(|error| store_error("read", error)),
            None => {
                // The answer may come yet, and is nobody's.
                *lent = None;
                self.readers.leave();
                Err(unavailable("PostgreSQL did not answer in time"))
            }
        }
    }
}

impl Snapshot for PgSnapshot {
    fn version(&self) -> Version {
        self.version
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let rows = self.read(if key.len() > SHORT { GET_LONG } else { GET }, &[&key])?;
        rows.first().map(|row| column(row, 0)).transpose()
    }

    fn scan(&self, range: KeyRange, direction: Direction, limit: usize) -> Result<Vec<Pair>, StoreError> {
        if limit == 0 || range.is_empty() {
            return Ok(Vec::new());
        }
        let count = i64::try_from(limit).unwrap_or(i64::MAX);
        let downwards = usize::from(direction == Direction::Descending);
        let rows = match &range.end {
            Some(end) => self.read(BETWEEN + downwards, &[&range.start, end, &count])?,
            None => self.read(FROM + downwards, &[&range.start, &count])?,
        };
        let mut pairs = Vec::with_capacity(rows.len());
        for row in &rows {
            pairs.push((column::<Vec<u8>>(row, 0)?, column::<Vec<u8>>(row, 1)?));
        }
        // Long keys come behind the others, whichever they are.
        match direction {
            Direction::Ascending => pairs.sort_by(|left, right| left.0.cmp(&right.0)),
            Direction::Descending => pairs.sort_by(|left, right| right.0.cmp(&left.0)),
        }
        pairs.truncate(limit);
        Ok(pairs)
    }

    fn take_open_read(&mut self) -> Option<OpenRead> {
        self.open_read.take()
    }
}

impl Drop for PgSnapshot {
    fn drop(&mut self) {
        let lent = self.lease.session.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(session) = lent {
            self.readers.give_back(session);
        }
    }
}
