//! The engine for deployments that outgrow one file: the store in a database of PostgreSQL, which several processes may
//! use at once.
//!
//! The rows are keys and values. Commits are checked in memory by each process, against its own commits and those that
//! the others have left in the table `commits`, and written under one lock, many in one transaction. Snapshots are
//! PostgreSQL's own. A database that is away fails calls at once, and is used again when it is back.
//! Not here: what keys and values mean, which `store` says.
#![forbid(unsafe_code)]

mod committer;
mod connect;
mod error;
mod feed;
mod listener;
mod plan;
mod queue;
mod readers;
mod schema;
mod target;
mod tls;
mod wait;

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use store::{BoxFuture, CommitError, Engine, Snapshot, StoreError, Transaction, Version, Watch, limits};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use crate::committer::{Committer, Counters};
use crate::connect::Connector;
pub use crate::error::OpenError;
use crate::feed::{Feed, HEAD};
use crate::listener::Listener;
use crate::queue::Sender;
use crate::readers::{Purpose, Readers};
pub use crate::target::{Target, is_postgres};

/// How an engine behaves. The default suits two or three processes on a database with PostgreSQL's usual 100 connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How long it is tried to reach the database when the engine opens.
    pub open_wait: Duration,
    /// Snapshots open at once, at most, each with a connection. Two more connections commit and listen.
    pub snapshots: usize,
    /// How long a caller waits for one of them, before [`StoreError::Busy`].
    pub snapshot_wait: Duration,
    /// How long a snapshot may be held, before [`StoreError::SnapshotExpired`].
    pub snapshot_life: Duration,
    /// How long a snapshot for copying the store may be held. While it is, PostgreSQL cleans up nothing that it may see.
    pub copy_life: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            open_wait: Duration::from_secs(30),
            snapshots: 24,
            snapshot_wait: Duration::from_secs(5),
            snapshot_life: Duration::from_secs(60),
            copy_life: Duration::from_secs(3600),
        }
    }
}

/// What the engine has done since it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Transactions committed.
    pub commits: u64,
    /// Transactions refused because of what others had written.
    pub conflicts: u64,
    /// Transactions that the database failed.
    pub failures: u64,
    /// Transactions of PostgreSQL that the commits took.
    pub batches: u64,
    /// Attempts that were made again, after a conflict with another process or a lost connection.
    pub retries: u64,
    /// How long the last batch took to write and commit.
    pub last_sync: Duration,
    /// Snapshots open now.
    pub open_snapshots: usize,
    /// Snapshots ended because they were held too long.
    pub expired_snapshots: u64,
    /// Whether the commits of other processes are heard of now.
    pub is_listening: bool,
    /// Why the database can't be reached, if it can't.
    pub trouble: Option<String>,
}

/// What a database says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The server's version, such as `15.14`.
    pub server: String,
    /// Connections that regions have to it now.
    pub sessions: u64,
}

/// Asks a database, once, without making or changing anything in it.
///
/// # Errors
/// [`OpenError::Unreachable`] and [`OpenError::Refused`].
pub fn probe(target: &Target) -> Result<Probe, OpenError> {
    let runtime = runtime(1)?;
    let connector = Arc::new(Connector::new(target.clone(), runtime.handle().clone()));
    let (answer, answered) = mpsc::channel();
    runtime.spawn(async move {
        let place = connector.place();
        let asked = async {
            let session = connector.session("", &[]).await?;
            let sessions = "SELECT split_part(current_setting('server_version'), ' ', 1)::text,
                (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'welkin'
                 AND datname = current_database() AND pid <> pg_backend_pid())::bigint";
            let row = session.client.query_one(sessions, &[]).await.map_err(connect::failed("probe"))?;
            let sessions: i64 = schema::column(&row, 1)?;
            Ok::<_, StoreError>(Probe { server: schema::column(&row, 0)?, sessions: sessions.unsigned_abs() })
        };
        let waited = Duration::ZERO;
        let asked = asked.await.map_err(|cause| OpenError::Unreachable { place, waited, cause });
        answer.send(asked)
    });
    let probed = answered.recv();
    runtime.shutdown_background();
    probed.unwrap_or_else(|_| Err(OpenError::Target("the engine's runtime ended".into())))
}

/// An engine on a database.
pub struct Postgres {
    /// Its threads are its own: reads are waited for on threads of others' runtimes.
    runtime: Option<Runtime>,
    feed: Arc<Feed>,
    readers: Arc<Readers>,
    listener: Arc<Listener>,
    connector: Arc<Connector>,
    sender: Sender,
    counters: Arc<Mutex<Counters>>,
    closed: watch::Sender<bool>,
    committed: Mutex<mpsc::Receiver<()>>,
}

impl Postgres {
    /// Opens the store in a database, and makes its tables where there are none. Blocks for as long as that takes.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(target: &Target) -> Result<Self, OpenError> {
        Self::open_with(target, &Options::default())
    }

    /// Opens the store in a database with other than the default options.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_with(target: &Target, options: &Options) -> Result<Self, OpenError> {
        let runtime = runtime(2)?;
        let connector = Arc::new(Connector::new(target.clone(), runtime.handle().clone()));
        let (answer, answered) = mpsc::channel();
        let (opening, wait) = (Arc::clone(&connector), options.open_wait);
        runtime.spawn(async move { answer.send(open(&opening, wait).await) });
        let opened = answered.recv().unwrap_or_else(|_| Err(OpenError::Target("the engine's runtime ended".into())));
        let (head, process) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let feed = Arc::new(Feed::new(head));
        let readers = Arc::new(Readers::new(Arc::clone(&connector), options, feed.open_reads()));
        let listener = Arc::new(Listener::new(Arc::clone(&connector), Arc::clone(&feed), Arc::clone(&readers)));
        let closed = watch::Sender::new(false);
        let (sender, receiver) = queue::queue(closed.subscribe());
        let counters = Arc::new(Mutex::new(Counters::default()));
        let committer =
            Committer::new(Arc::clone(&connector), Arc::clone(&feed), receiver, Arc::clone(&counters), process);
        let (done, committed) = mpsc::channel();
        runtime.spawn(async move {
            committer.run().await;
            let _ = done.send(());
        });
        runtime.spawn(Arc::clone(&listener).run(closed.subscribe()));
        let committed = Mutex::new(committed);
        Ok(Self { runtime: Some(runtime), feed, readers, listener, connector, sender, counters, closed, committed })
    }

    /// What the engine has done, for `welkin doctor` and metrics.
    pub fn stats(&self) -> Stats {
        let counters = *self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let (open_snapshots, expired_snapshots) = self.readers.counts();
        Stats {
            commits: counters.commits,
            conflicts: counters.conflicts,
            failures: counters.failures,
            batches: counters.batches,
            retries: counters.retries,
            last_sync: counters.last_sync,
            open_snapshots,
            expired_snapshots,
            is_listening: self.listener.is_connected(),
            trouble: self.connector.trouble(),
        }
    }
}

impl Engine for Postgres {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.readers.snapshot(Purpose::Operation)
    }

    /// Holds back PostgreSQL's cleaning for as long as it lasts, at most [`Options::copy_life`].
    fn long_snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.readers.snapshot(Purpose::Copy)
    }

    fn commit(&self, transaction: Transaction) -> BoxFuture<'static, Result<Version, CommitError>> {
        let sender = self.sender.clone();
        Box::pin(async move {
            let bytes = limits::check(&transaction)?;
            sender.send(transaction, bytes).await
        })
    }

    fn watch(&self, prefix: &[u8]) -> Watch {
        self.feed.watchers.watch(prefix)
    }

    fn refresh(&self) -> Result<(), StoreError> {
        self.listener.refresh()
    }
}

impl Drop for Postgres {
    /// Commits what waits, then closes the connections. Blocks for as long as that takes, which is bounded.
    fn drop(&mut self) {
        self.readers.close();
        self.closed.send_replace(true);
        let committed = self.committed.lock().unwrap_or_else(PoisonError::into_inner);
        if committed.recv_timeout(committer::PATIENCE * 2).is_err() {
            tracing::error!("the last commits could not be finished");
        }
        self.feed.watchers.close();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn runtime(threads: usize) -> Result<Runtime, OpenError> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(threads).thread_name("store-pg").enable_all().build().map_err(OpenError::Threads)
}

/// Waits for the database, makes or checks its tables, and gives its last commit and a name for this process.
async fn open(connector: &Connector, patience: Duration) -> Result<(Version, [u8; 8]), OpenError> {
    let place = connector.place();
    let refused = |cause| OpenError::Refused { place: place.clone(), cause };
    let begun = Instant::now();
    let session = loop {
        match connector.session("", &[]).await {
            Ok(session) => break session,
            Err(cause) if begun.elapsed() >= patience => {
                return Err(OpenError::Unreachable { place, waited: patience, cause });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    };
    schema::prepare(&session.client, &place).await?;
    let head = session.client.query_one(HEAD, &[]).await.map_err(|error| refused(error::store_error("open", error)))?;
    let mut process = [0; 8];
    getrandom::fill(&mut process).map_err(|error| refused(StoreError::engine("name this process", error)))?;
    Ok((schema::version(&head, 0).map_err(refused)?, process))
}
