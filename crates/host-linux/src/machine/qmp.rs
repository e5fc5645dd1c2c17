//! A client of QEMU's machine protocol, as much of it as we use: greeting, commands with a time limit, and the event
//! that says why a guest shut down. Source: QEMU's `docs/interop/qmp-spec.txt` and `qapi/run-state.json`.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};

use super::Task;

/// How long QEMU may take to answer a command. Its main loop answers within a millisecond; starting to flush a slow
/// disk can hold it up.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// The longest line we take: a full console ring in base64 is below it.
const LINE_LIMIT: u64 = 1 << 20;

/// Why a command brought no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QmpError {
    /// The connection is closed, as QEMU ended or another client holds it.
    #[error("QEMU closed its control socket")]
    Closed,
    /// No answer came in time.
    #[error("QEMU did not answer `{0}` in time")]
    TimedOut(&'static str),
    /// QEMU refused the command; its own words.
    #[error("QEMU refused `{0}`: {1}")]
    Refused(&'static str, String),
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// What QEMU tells unasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shutdown {
    /// True if the guest did it.
    pub(crate) by_guest: bool,
    /// QEMU's word for the cause, such as `guest-shutdown`.
    pub(crate) reason: String,
}

/// A connection to one QEMU.
pub(crate) struct Qmp {
    writer: tokio::sync::Mutex<OwnedWriteHalf>,
    answers: Arc<Answers>,
    next_id: AtomicU64,
    _reader: Task,
}

/// The commands that wait for their answer; none once the connection is closed.
type Waiting = Option<HashMap<u64, oneshot::Sender<Result<Value, String>>>>;

struct Answers(Mutex<Waiting>);

impl Answers {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Qmp {
    /// Connects, waits for QEMU to be ready, and agrees on capabilities. Gives the connection and its shutdown events;
    /// the events end when the connection does. Waits until `limit` for a QEMU that is just starting.
    pub(crate) async fn connect(
        socket: &Path,
        limit: Duration,
    ) -> Result<(Arc<Self>, mpsc::Receiver<Shutdown>), QmpError> {
        let greeted = async {
            let (reader, writer) = UnixStream::connect(socket).await?.into_split();
            let mut reader = BufReader::new(reader);
            match read_message(&mut reader).await? {
                Some(_greeting) => Ok((reader, writer)),
                None => Err(QmpError::Closed),
            }
        };
        let (reader, writer) =
            tokio::time::timeout(limit, greeted).await.map_err(|_| QmpError::TimedOut("greeting"))??;
        let answers = Arc::new(Answers(Mutex::new(Some(HashMap::new()))));
        let (events, receiver) = mpsc::channel(8);
        let reader = Task(tokio::spawn(read(reader, answers.clone(), events)));
        let writer = tokio::sync::Mutex::new(writer);
        let qmp = Arc::new(Self { writer, answers, next_id: AtomicU64::new(1), _reader: reader });
        qmp.execute("qmp_capabilities", json!({})).await?;
        Ok((qmp, receiver))
    }

    /// Runs a command and gives its result.
    pub(crate) async fn execute(&self, command: &'static str, arguments: Value) -> Result<Value, QmpError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        self.answers.lock().as_mut().ok_or(QmpError::Closed)?.insert(id, sender);
        let mut line = json!({ "execute": command, "arguments": arguments, "id": id }).to_string();
        line.push('\n');
        let exchange = async {
            self.writer.lock().await.write_all(line.as_bytes()).await?;
            match answer.await {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(description)) => Err(QmpError::Refused(command, description)),
                Err(_closed) => Err(QmpError::Closed),
            }
        };
        let outcome = tokio::time::timeout(ANSWER_LIMIT, exchange).await;
        if let Some(waiting) = self.answers.lock().as_mut() {
            waiting.remove(&id);
        }
        outcome.unwrap_or(Err(QmpError::TimedOut(command)))
    }

    /// QEMU's run state, such as `running`, or `shutdown` after the guest powered off.
    pub(crate) async fn status(&self) -> Result<String, QmpError> {
        let status = self.execute("query-status", json!({})).await?;
        Ok(status["status"].as_str().unwrap_or_default().to_owned())
    }
}

async fn read_message(reader: &mut BufReader<OwnedReadHalf>) -> Result<Option<Value>, QmpError> {
    let mut line = Vec::new();
    let count = reader.take(LINE_LIMIT).read_until(b'\n', &mut line).await?;
    if count == 0 || !line.ends_with(b"\n") {
        return Ok(None);
    }
    Ok(Some(serde_json::from_slice(&line).map_err(std::io::Error::from)?))
}

/// Hands answers to who waits for them and shutdown events to the monitor, until the connection ends.
async fn read(mut reader: BufReader<OwnedReadHalf>, answers: Arc<Answers>, events: mpsc::Sender<Shutdown>) {
    while let Ok(Some(message)) = read_message(&mut reader).await {
        if message["event"] == "SHUTDOWN" {
            let data = &message["data"];
            let reason = data["reason"].as_str().unwrap_or("unknown").to_owned();
            // Full only if the monitor is gone; the run state tells it all the same.
            let _ = events.try_send(Shutdown { by_guest: data["guest"] == true, reason });
        }
        let Some(id) = message["id"].as_u64() else { continue };
        let Some(sender) = answers.lock().as_mut().and_then(|waiting| waiting.remove(&id)) else { continue };
        let answer = match message.get("error") {
            Some(error) => Err(error["desc"].as_str().unwrap_or_default().to_owned()),
            None => Ok(message["return"].clone()),
        };
        // Who waited may have given up.
        let _ = sender.send(answer);
    }
    *answers.lock() = None;
}
