//! The listener: hears of other processes' commits, and wakes the watches that they concern. What was missed while there
//! was no connection is read from `commits` afterwards. Cleans up on the side.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join;
use store::{StoreError, Version};
use tokio::sync::watch;
use tokio_postgres::types::ToSql;

use crate::connect::{Connector, Session, failed};
use crate::error::unavailable;
use crate::feed::{Batch, Feed, HEAD, SINCE};
use crate::readers::{Purpose, Readers};
use crate::schema::{number, version};
use crate::wait::wait;

/// How often it is looked whether the connection still works, and whether something should be cleaned up.
const PULSE: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);
/// How long commits are remembered in the database: well beyond the longest attempt at a commit.
const REMEMBERED: Duration = Duration::from_secs(180);
const STATEMENTS: [&str; 2] = [HEAD, SINCE];

/// What the listener shares with the engine.
pub(crate) struct Listener {
    connector: Arc<Connector>,
    feed: Arc<Feed>,
    readers: Arc<Readers>,
    /// The connection, while there is one: also for [`Listener::refresh`].
    session: Mutex<Option<Arc<Session>>>,
}

impl Listener {
    pub(crate) fn new(connector: Arc<Connector>, feed: Arc<Feed>, readers: Arc<Readers>) -> Self {
        Self { connector, feed, readers, session: Mutex::default() }
    }

    /// Listens until `closed` turns true.
    pub(crate) async fn run(self: Arc<Self>, mut closed: watch::Receiver<bool>) {
        tokio::select! {
            () = self.listen() => {}
            _ = closed.wait_for(|closed| *closed) => {}
        }
        self.set(None);
    }

    async fn listen(&self) {
        let mut seen = VecDeque::new();
        loop {
            if let Err(error) = self.connection(&mut seen).await {
                tracing::debug!(%error, "not listening");
            }
            self.set(None);
            self.readers.tidy();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// One connection, to its end.
    async fn connection(&self, seen: &mut VecDeque<(Instant, Version)>) -> Result<(), StoreError> {
        let (session, mut signals) = self.connector.open("LISTEN welkin;", &STATEMENTS).await?;
        let session = Arc::new(session);
        // What was committed before `LISTEN` is read now; what comes after it is signalled.
        within(self.catch_up(&session)).await?;
        self.set(Some(Arc::clone(&session)));
        loop {
            match tokio::time::timeout(PULSE, signals.recv()).await {
                Ok(Some(signal)) => {
                    let mut newest = newer(0, &signal);
                    while let Ok(signal) = signals.try_recv() {
                        newest = newer(newest, &signal);
                    }
                    if newest > self.feed.head() {
                        within(self.catch_up(&session)).await?;
                    }
                }
                Ok(None) => return Err(unavailable("the connection has ended")),
                Err(_) => {
                    within(self.catch_up(&session)).await?;
                    self.readers.tidy();
                    within(self.prune(&session, seen)).await?;
                }
            }
        }
    }

    async fn catch_up(&self, session: &Session) -> Result<(), StoreError> {
        let since = number(self.feed.head());
        let since: [&(dyn ToSql + Sync); 1] = [&since];
        // In this order: the batches may then go beyond the head, and never lack one below it.
        let (head, batches) = join(
            session.client.query_one(&session.statements[0], &[]),
            session.client.query(&session.statements[1], &since),
        )
        .await;
        let head = version(&head.map_err(failed("listen"))?, 0)?;
        let batches = batches.map_err(failed("listen"))?;
        let batches = batches.iter().map(Batch::from_row).collect::<Result<Vec<_>, _>>()?;
        self.feed.apply(&batches, head);
        Ok(())
    }

    /// Forgets commits that nobody can need any more.
    async fn prune(&self, session: &Session, seen: &mut VecDeque<(Instant, Version)>) -> Result<(), StoreError> {
        let head = self.feed.head();
        if seen.back().is_none_or(|(_, version)| *version < head) {
            seen.push_back((Instant::now(), head));
        }
        let mut old = None;
        while seen.front().is_some_and(|(since, _)| since.elapsed() > REMEMBERED) {
            old = seen.pop_front();
        }
        let Some((_, version)) = old else { return Ok(()) };
        // With the writers' lock, as `head` is theirs.
        let prune = format!(
            "BEGIN; SET LOCAL lock_timeout = '2s'; LOCK TABLE welkin.writer IN EXCLUSIVE MODE;
             DELETE FROM welkin.commits WHERE last <= {version};
             UPDATE welkin.head SET pruned = greatest(pruned, {version}); COMMIT"
        );
        if let Err(error) = session.client.batch_execute(&prune).await {
            tracing::debug!(error = crate::error::text(&error), "old commits were not pruned");
            session.client.batch_execute("ROLLBACK").await.map_err(failed("prune"))?;
        }
        Ok(())
    }

    /// Wakes the watches for every commit acknowledged before this call, by whichever process. Blocks for a round trip.
    pub(crate) fn refresh(&self) -> Result<(), StoreError> {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(session) = session.filter(|session| !session.client.is_closed()) else {
            // Not connected yet, or not again: what was committed meanwhile is not looked at one by one.
            self.feed.apply(&[], self.readers.snapshot(Purpose::Operation)?.version());
            return Ok(());
        };
        let deadline = Instant::now() + ANSWER;
        let late = || unavailable("PostgreSQL did not answer in time");
        let head = wait(session.client.query_one(&session.statements[0], &[]), deadline).ok_or_else(late)?;
        if version(&head.map_err(failed("refresh"))?, 0)? > self.feed.head() {
            wait(self.catch_up(&session), deadline).ok_or_else(late)??;
        }
        Ok(())
    }

    /// Whether there is a connection now.
    pub(crate) fn is_connected(&self) -> bool {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn set(&self, session: Option<Arc<Session>>) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = session;
    }
}

fn newer(newest: Version, signal: &str) -> Version {
    // What we did not write means: look.
    newest.max(signal.parse().unwrap_or(Version::MAX))
}

async fn within(answer: impl Future<Output = Result<(), StoreError>>) -> Result<(), StoreError> {
    let answered = tokio::time::timeout(ANSWER, answer).await;
    answered.unwrap_or_else(|_| Err(unavailable("PostgreSQL did not answer in time")))
}
