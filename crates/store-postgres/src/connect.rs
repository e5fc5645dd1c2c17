//! Connections: made one way, with a bounded wait, and not tried again at once where the last try failed.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use store::StoreError;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, Error, Statement};

use crate::error::{store_error, text, unavailable};
use crate::target::{CONNECT, Target};

/// The first pause after a try that failed; each further one is twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Every statement goes by an index, and none may wait for ever. PostgreSQL plans our statements for tables whose size
/// it has not looked at yet; what it would choose for an empty one is the wrong choice a minute later.
const SET_UP: &str = "SET enable_seqscan = off; SET enable_bitmapscan = off; SET jit = off;
    SET plan_cache_mode = force_generic_plan; SET client_min_messages = warning; SET statement_timeout = '30s';";

/// Makes connections to one database.
pub(crate) struct Connector {
    target: Target,
    runtime: Handle,
    health: Mutex<Health>,
}

/// How the last tries went.
#[derive(Debug, Default)]
struct Health {
    failures: u32,
    failed: Option<(Instant, String)>,
}

/// A connection with the statements that its owner uses, in the owner's order.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) statements: Vec<Statement>,
}

impl Connector {
    pub(crate) fn new(target: Target, runtime: Handle) -> Self {
        Self { target, runtime, health: Mutex::default() }
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// The database, without its password.
    pub(crate) fn place(&self) -> String {
        self.target.to_string()
    }

    /// Why the last try failed, if it did.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.health().failed.as_ref().map(|(_, why)| why.clone())
    }

    /// A connection that is set up. Fails at once while a try that failed is too short ago.
    pub(crate) async fn session(&self, set_up: &str, statements: &[&str]) -> Result<Session, StoreError> {
        let (session, _) = self.open(set_up, statements).await?;
        Ok(session)
    }

    /// As [`Connector::session`], with what `NOTIFY` says on it. The receiver ends with the connection.
    pub(crate) async fn open(
        &self,
        set_up: &str,
        statements: &[&str],
    ) -> Result<(Session, mpsc::Receiver<String>), StoreError> {
        if let Some(why) = self.pause() {
            return Err(unavailable(why));
        }
        let limit = CONNECT * 2;
        let connected = tokio::time::timeout(limit, self.connect(set_up, statements)).await;
        let outcome = connected.unwrap_or_else(|_| Err(format!("no answer within {} s", limit.as_secs())));
        let mut health = self.health();
        match outcome {
            Ok(found) => {
                if health.failed.take().is_some() {
                    tracing::info!(database = %self.target, "PostgreSQL is there again");
                }
                health.failures = 0;
                Ok(found)
            }
            Err(why) => {
                if health.failures == 0 {
                    tracing::warn!(database = %self.target, why, "PostgreSQL can't be reached; trying again");
                }
                health.failures = health.failures.saturating_add(1);
                health.failed = Some((Instant::now(), why.clone()));
                Err(unavailable(why))
            }
        }
    }

    async fn connect(&self, set_up: &str, statements: &[&str]) -> Result<(Session, mpsc::Receiver<String>), String> {
        let failed = |error: Error| text(&error);
        let (client, mut connection) = self.target.config.connect(self.target.tls.clone()).await.map_err(failed)?;
        // Signals, of which one says as much as many: none is lost by a buffer that is full.
        let (signals, signalled) = mpsc::channel(64);
        self.runtime.spawn(async move {
            while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
                if let AsyncMessage::Notification(notification) = message {
                    let _ = signals.try_send(notification.payload().to_owned());
                }
            }
        });
        let all = format!("{SET_UP} {set_up}");
        // All of it is on its way before the first answer.
        let (set, prepared) = futures_util::future::join(
            client.batch_execute(&all),
            try_join_all(statements.iter().map(|statement| client.prepare(statement))),
        )
        .await;
        set.map_err(failed)?;
        let statements = prepared.map_err(failed)?;
        Ok((Session { client, statements }, signalled))
    }

    /// Why no connection is tried now, if none is.
    fn pause(&self) -> Option<String> {
        let health = self.health();
        let (when, why) = health.failed.as_ref()?;
        let pause = FIRST_PAUSE.saturating_mul(1 << health.failures.min(10)).min(LONGEST_PAUSE);
        (when.elapsed() < pause).then(|| why.clone())
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As [`store_error`], in the form that closures take.
pub(crate) fn failed(doing: &'static str) -> impl Fn(Error) -> StoreError {
    move |error| store_error(doing, error)
}
