//! The committer: takes all that waits, checks each transaction against what was committed before it by anybody, and
//! writes the good ones in one transaction of PostgreSQL. Retries, of conflicts between processes and of lost
//! connections, are here and nowhere else.
//!
//! A batch takes two round trips. The first begins a transaction, takes the lock of `writer`, and reads what others have
//! committed; the second writes and commits. The lock is released when the commit can be seen by everybody, or was
//! undone. So a batch whose answer was lost with its connection is either in `commits`, under the number that it was
//! given, when the lock is held again, or it never will be.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all, join3};
use store::{CommitError, StoreError, Version};
use tokio_postgres::Error;
use tokio_postgres::types::ToSql;

use crate::connect::{Connector, Session};
use crate::error::{Kind, kind, store_error, unavailable};
use crate::feed::{Batch, Feed, HEAD, SINCE, encode};
use crate::plan::{Writes, sift};
use crate::queue::{Receiver, Request};
use crate::schema::{number, version};

/// How long a transaction may wait for a database that is away.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// How long it is tried to find out what became of a batch whose connection was lost.
const RESOLVE: Duration = Duration::from_secs(30);
/// How long one attempt at a batch may take.
const ATTEMPT: Duration = Duration::from_secs(45);
/// Attempts at a batch that keeps meeting others.
const MAX_ATTEMPTS: u32 = 20;

/// Acknowledged is durable, whatever the database is set to. A process that is stopped between the two round trips loses
/// the lock after five seconds.
const SET_UP: &str = "SET synchronous_commit = on; SET idle_in_transaction_session_timeout = '5s';
    SET lock_timeout = '10s';";
const BEGIN: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE; LOCK TABLE welkin.writer IN EXCLUSIVE MODE";
const STATEMENTS: [&str; 9] = [
    HEAD,
    SINCE,
    "INSERT INTO welkin.kv (key, value) SELECT * FROM unnest($1::bytea[], $2::bytea[])
     ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    "DELETE FROM welkin.kv WHERE key = ANY ($1)",
    "DELETE FROM welkin.kv_long USING unnest($1::bytea[]) AS gone (key)
     WHERE substring(kv_long.key from 1 for 2048) = substring(gone.key from 1 for 2048) AND kv_long.key = gone.key",
    "INSERT INTO welkin.kv_long (key, value) SELECT * FROM unnest($1::bytea[], $2::bytea[])",
    "INSERT INTO welkin.commits (first, last, batch, keys) VALUES ($1, $2, $3, $4)",
    "UPDATE welkin.head SET version = $1",
    "SELECT pg_notify('welkin', $1)",
];

/// What the committer has done since the engine was opened.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counters {
    pub(crate) commits: u64,
    pub(crate) conflicts: u64,
    pub(crate) failures: u64,
    pub(crate) batches: u64,
    /// Attempts that were made again.
    pub(crate) retries: u64,
    pub(crate) last_sync: Duration,
}

/// Commits batches, one after the other.
pub(crate) struct Committer {
    connector: Arc<Connector>,
    feed: Arc<Feed>,
    queue: Receiver,
    session: Option<Session>,
    counters: Arc<Mutex<Counters>>,
    /// Tells the batches of this process from those of others.
    process: [u8; 8],
    batches: u64,
}

/// A batch on its way.
struct Work {
    requests: Vec<Request>,
    id: [u8; 16],
    /// The last commit before the attempt of which nobody knows what became.
    unknown_after: Option<Version>,
}

/// What became of an attempt that did not end well.
struct Failure {
    kind: Kind,
    error: StoreError,
    /// The last commit before it, if it may have been committed all the same.
    unknown_after: Option<Version>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { kind: kind(&error), error: store_error("commit", error), unknown_after: None }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let kind = if matches!(error, StoreError::Unavailable(_)) { Kind::Lost } else { Kind::Other };
        Self { kind, error, unknown_after: None }
    }
}

impl Committer {
    pub(crate) fn new(
        connector: Arc<Connector>,
        feed: Arc<Feed>,
        queue: Receiver,
        counters: Arc<Mutex<Counters>>,
        process: [u8; 8],
    ) -> Self {
        Self { connector, feed, queue, session: None, counters, process, batches: 0 }
    }

    /// Commits until the queue is closed and empty.
    pub(crate) async fn run(mut self) {
        while let Some(requests) = self.queue.batch().await {
            self.commit(requests).await;
        }
    }

    async fn commit(&mut self, requests: Vec<Request>) {
        let mut work = self.work(requests);
        let Err(error) = self.attempts(&mut work).await else { return };
        if work.requests.len() == 1 || matches!(error, StoreError::Unavailable(_)) {
            return self.refuse(work.requests, &error);
        }
        // One transaction may be too much for the disk while the others fit.
        for request in work.requests {
            let mut alone = self.work(vec![request]);
            if let Err(error) = self.attempts(&mut alone).await {
                self.refuse(alone.requests, &error);
            }
        }
    }

    fn work(&mut self, requests: Vec<Request>) -> Work {
        self.batches += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.process);
        id[8..].copy_from_slice(&self.batches.to_be_bytes());
        Work { requests, id, unknown_after: None }
    }

    /// Tries until the batch is answered, or can't be committed; then its requests are still there.
    async fn attempts(&mut self, work: &mut Work) -> Result<(), StoreError> {
        let begun = Instant::now();
        let mut attempt = 0;
        loop {
            let outcome = match self.session().await {
                Ok(session) => self.attempt(session, work).await,
                Err(error) => Err(error.into()),
            };
            let Err(failure) = outcome else { return Ok(()) };
            attempt += 1;
            self.count(|counters| counters.retries += 1);
            work.unknown_after = work.unknown_after.or(failure.unknown_after);
            match failure.kind {
                Kind::Other => return Err(failure.error),
                Kind::Again if attempt >= MAX_ATTEMPTS => return Err(failure.error),
                Kind::Again => {}
                Kind::Lost if work.unknown_after.is_none() && begun.elapsed() >= PATIENCE => return Err(failure.error),
                Kind::Lost if begun.elapsed() >= RESOLVE => {
                    tracing::error!(error = %failure.error, "it could not be found out whether a batch was committed");
                    return Err(unavailable("the database was lost during a commit, which may have taken place"));
                }
                Kind::Lost => {
                    let refused = self.queue.refuse_older(PATIENCE, &failure.error);
                    self.count(|counters| counters.failures += refused);
                }
            }
            tokio::time::sleep(Duration::from_millis(5 << attempt.min(5))).await;
        }
    }

    /// The connection, made anew where it was lost; without it in `self`, so that what fails to give it back loses it.
    async fn session(&mut self) -> Result<Session, StoreError> {
        match self.session.take().filter(|session| !session.client.is_closed()) {
            Some(session) => Ok(session),
            None => self.connector.session(SET_UP, &STATEMENTS).await,
        }
    }

    async fn attempt(&mut self, session: Session, work: &mut Work) -> Result<(), Failure> {
        let limit = Instant::now() + ATTEMPT;
        let outcome = self.begin_and_write(&session, work, limit).await;
        match &outcome {
            // A connection within a transaction of which nobody knows is of no use.
            Err(failure) if failure.kind == Kind::Lost => {}
            Err(_) => {
                if within(limit, session.client.batch_execute("ROLLBACK")).await.is_ok() {
                    self.session = Some(session);
                }
            }
            Ok(()) => self.session = Some(session),
        }
        outcome
    }

    async fn begin_and_write(&self, session: &Session, work: &mut Work, limit: Instant) -> Result<(), Failure> {
        let known = work.unknown_after.unwrap_or_else(|| self.feed.head());
        let since = number(known);
        let (client, statements) = (&session.client, &session.statements);
        let since: [&(dyn ToSql + Sync); 1] = [&since];
        let asked = join3(
            client.batch_execute(BEGIN),
            client.query_one(&statements[0], &[]),
            client.query(&statements[1], &since),
        );
        let (begun, head, batches) = timeout(limit, asked).await?;
        begun?;
        let (head, batches) = (head?, batches?);
        let (pruned, head) = (version(&head, 1)?, version(&head, 0)?);
        let batches = batches.iter().map(Batch::from_row).collect::<Result<Vec<_>, _>>()?;
        self.feed.apply_locked(&batches, head);
        if let Some(unknown_after) = work.unknown_after {
            if let Some(own) = batches.iter().find(|batch| batch.id == work.id) {
                tracing::info!("a batch whose answer was lost had been committed");
                let first = own.first;
                within(limit, client.batch_execute("ROLLBACK")).await?;
                self.acknowledge(std::mem::take(&mut work.requests), first);
                return Ok(());
            }
            let read_to = batches.last().map_or(unknown_after, |batch| batch.last);
            if pruned > unknown_after || read_to < head {
                return Err(StoreError::engine("commit", Unresolved).into());
            }
            work.unknown_after = None;
        }
        let (accepted, refused, changed) = sift(&self.feed, std::mem::take(&mut work.requests));
        self.count(|counters| counters.conflicts += refused.len() as u64);
        for request in refused {
            request.answer(Err(CommitError::Conflict));
        }
        work.requests = accepted;
        if work.requests.is_empty() {
            return within(limit, client.batch_execute("ROLLBACK")).await;
        }
        let (first, last) = (head + 1, head + work.requests.len() as Version);
        let (from, to, signal) = (number(first), number(last), last.to_string());
        let (id, keys) = (work.id.as_slice(), encode(&changed));
        let Writes { put, deleted, put_long, changed_long } = Writes::of(&work.requests);
        let all: [(usize, bool, &[&(dyn ToSql + Sync)]); 7] = [
            (2, put.keys.is_empty(), &[&put.keys, &put.values]),
            (3, deleted.is_empty(), &[&deleted]),
            (4, changed_long.is_empty(), &[&changed_long]),
            (5, put_long.keys.is_empty(), &[&put_long.keys, &put_long.values]),
            (6, false, &[&from, &to, &id, &keys]),
            (7, false, &[&to]),
            (8, false, &[&signal]),
        ];
        let writes = all
            .into_iter()
            .filter(|(_, is_empty, _)| !is_empty)
            .map(|(at, _, parameters)| client.execute(&statements[at], parameters));
        let begun = Instant::now();
        let unknown = |mut failure: Failure| {
            failure.unknown_after = (failure.kind == Kind::Lost).then_some(head);
            failure
        };
        let written = timeout(limit, join(join_all(writes), client.batch_execute("COMMIT"))).await;
        let (written, committed) = written.map_err(unknown)?;
        for outcome in written {
            outcome.map_err(|error| unknown(error.into()))?;
        }
        committed.map_err(|error| unknown(error.into()))?;
        self.count(|counters| {
            counters.last_sync = begun.elapsed();
            counters.batches += 1;
        });
        self.feed.own(first, last, &changed);
        self.acknowledge(std::mem::take(&mut work.requests), first);
        Ok(())
    }

    fn acknowledge(&self, requests: Vec<Request>, first: Version) {
        self.count(|counters| counters.commits += requests.len() as u64);
        for (request, version) in requests.into_iter().zip(first..) {
            request.answer(Ok(version));
        }
    }

    fn refuse(&self, requests: Vec<Request>, error: &StoreError) {
        tracing::error!(%error, "a commit failed");
        self.count(|counters| counters.failures += requests.len() as u64);
        for request in requests {
            request.answer(Err(error.clone().into()));
        }
    }

    fn count(&self, count: impl FnOnce(&mut Counters)) {
        count(&mut self.counters.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The answer, if it comes in time.
async fn timeout<T>(limit: Instant, answer: impl Future<Output = T>) -> Result<T, Failure> {
    let answered = tokio::time::timeout_at(limit.into(), answer).await;
    answered.map_err(|_| unavailable("PostgreSQL did not answer in time").into())
}

async fn within(limit: Instant, answer: impl Future<Output = Result<(), Error>>) -> Result<(), Failure> {
    timeout(limit, answer).await?.map_err(Failure::from)
}

#[derive(Debug, thiserror::Error)]
#[error(
    "the database was lost during the commit, which may have taken place, and has forgotten since what was committed"
)]
struct Unresolved;
