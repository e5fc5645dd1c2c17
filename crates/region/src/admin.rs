//! The operator's socket: a Unix socket in the data folder, readable by its owner alone. A request is a line, an
//! answer is JSON up to the end of the stream.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tracing::{debug, warn};

use crate::accounts::{AccountAnswer, AccountKeeper, AccountOrder};
use crate::backups::Backups;
use crate::runtime::ReconcilerStatus;
use crate::sessions::{SessionAnswer, SessionKeeper, SessionOrder};
use crate::space::{SpaceAnswer, SpaceKeeper, SpaceOrder};

/// Longest request line.
const MAX_LINE: u64 = 8192;
/// Longest answer.
const MAX_ANSWER: u64 = 16 << 20;
/// Longest exchange, the request to stop excepted.
const LIMIT: Duration = Duration::from_secs(10);
/// Exchanges at a time.
const MAX_CONNECTIONS: usize = 16;
/// The name of the socket in the data folder.
const NAME: &str = "admin.sock";

/// What the operator asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Who runs there.
    Status,
    /// How the reconcilers do.
    Reconcilers,
    /// Something of the region's accounts.
    Account(AccountOrder),
    /// Something of the region's sessions.
    Session(SessionOrder),
    /// Something of the space that objects take.
    Space(SpaceOrder),
    /// A backup of everything, while the region runs.
    Backup,
    /// Stop the process and leave machines running.
    Stop,
    /// Stop the process, all machines and all networks.
    Down,
    /// Become this program, with the same sockets and the same machines.
    Restart(PathBuf),
}

/// What the process answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    /// To [`Request::Status`].
    Status(Status),
    /// To [`Request::Reconcilers`].
    Reconcilers(Vec<ReconcilerStatus>),
    /// To [`Request::Reconcilers`], by a process in which none run now: why not, in one line.
    Elsewhere(String),
    /// To [`Request::Account`].
    Account(AccountAnswer),
    /// To [`Request::Session`].
    Session(SessionAnswer),
    /// To [`Request::Space`].
    Space(SpaceAnswer),
    /// To [`Request::Stop`], [`Request::Down`] and [`Request::Restart`]: it has begun. The stream ends when it is done.
    Stopping,
    /// The request was not understood, or cannot be done.
    Refused(String),
}

/// Who runs on a data folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The version of the program.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Since when. A process that became another program has begun anew.
    pub since: Timestamp,
    /// Whether everybody on this machine is believed.
    pub is_dev: bool,
}

/// Says whether a program could take over; the text says why not.
pub type Prepare = Arc<dyn Fn(PathBuf) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// What the process should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Go on.
    Run,
    /// End; machines go on.
    Stop,
    /// End, and stop machines and networks.
    Down,
    /// End, and let another program go on with the sockets.
    Restart,
}

/// A path to the socket that is short enough for the kernel (108 bytes) however long the data folder's is: through
/// the open folder. The file must live as long as the path is used.
fn short_path(data_dir: &Path) -> io::Result<(File, PathBuf)> {
    let folder = File::open(data_dir)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}/{NAME}", folder.as_raw_fd()));
    Ok((folder, path))
}

/// A connection to the process that runs on a data folder, for whoever waits for it on this thread.
///
/// # Errors
/// `NotFound` or `ConnectionRefused` when none runs; else the kernel's.
pub(crate) fn connect(data_dir: &Path) -> io::Result<std::os::unix::net::UnixStream> {
    let (_folder, path) = short_path(data_dir)?;
    std::os::unix::net::UnixStream::connect(path)
}

/// The listening socket.
pub struct AdminSocket {
    listener: UnixListener,
    desk: Desk,
}

/// What is behind the socket.
#[derive(Clone)]
struct Desk {
    status: Status,
    prepare: Option<Prepare>,
    backups: Option<Backups>,
    accounts: Option<AccountKeeper>,
    sessions: Option<SessionKeeper>,
    space: Option<SpaceKeeper>,
}

impl AdminSocket {
    /// Binds the socket of a data folder. Whoever calls holds the folder's lock, so a socket that is there is a
    /// leftover.
    ///
    /// # Errors
    /// The kernel's.
    pub fn bind(data_dir: &Path) -> io::Result<Self> {
        let (_folder, path) = short_path(data_dir)?;
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        let status = Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            since: Timestamp::now(),
            is_dev: false,
        };
        let desk = Desk { status, prepare: None, backups: None, accounts: None, sessions: None, space: None };
        Ok(Self { listener, desk })
    }

    /// The same socket, which gives backups too.
    #[must_use]
    pub fn with_backups(mut self, backups: Backups) -> Self {
        self.desk.backups = Some(backups);
        self
    }

    /// The same socket, where sessions are listed and ended too.
    #[must_use]
    pub(crate) fn with_sessions(mut self, sessions: SessionKeeper) -> Self {
        self.desk.sessions = Some(sessions);
        self
    }

    /// The same socket, which tells of space too.
    #[must_use]
    pub(crate) fn with_space(mut self, space: SpaceKeeper) -> Self {
        self.desk.space = Some(space);
        self
    }

    /// The same socket, where accounts are made and closed too.
    #[must_use]
    pub fn with_accounts(mut self, accounts: AccountKeeper) -> Self {
        self.desk.accounts = Some(accounts);
        self
    }

    /// The same socket, of a process that can become another program.
    #[must_use]
    pub fn with_restart(mut self, prepare: Prepare) -> Self {
        self.desk.prepare = Some(prepare);
        self
    }

    /// The same socket, which says whether the region is in development mode.
    #[must_use]
    pub fn in_mode(mut self, is_dev: bool) -> Self {
        self.desk.status.is_dev = is_dev;
        self
    }

    /// Answers until the process ends. Orders go to `order`.
    pub async fn serve(self, reconcilers: impl Fn() -> Answer + Send + Sync + 'static, order: watch::Sender<Order>) {
        let reconcilers = Arc::new(reconcilers);
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let (reconcilers, order, desk) = (Arc::clone(&reconcilers), order.clone(), self.desk.clone());
                    tokio::spawn(async move {
                        let _place = place;
                        if let Err(cause) = exchange(stream, &desk, &*reconcilers, &order).await {
                            debug!(%cause, "admin exchange ended");
                        }
                    });
                }
                Err(cause) => {
                    warn!(%cause, "cannot accept an admin connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

async fn exchange(
    stream: UnixStream,
    desk: &Desk,
    reconcilers: &(impl Fn() -> Answer + ?Sized),
    order: &watch::Sender<Order>,
) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(MAX_LINE));
    tokio::time::timeout(LIMIT, reader.read_line(&mut line)).await.map_err(io::Error::other)??;
    let request = serde_json::from_str::<Request>(&line);
    if let (Ok(Request::Backup), Some(backups)) = (&request, &desk.backups) {
        let reader = reader.into_inner().into_inner();
        return backups.send(reader.reunite(writer).map_err(io::Error::other)?).await;
    }
    let mut given = None;
    let answer = match request {
        Ok(Request::Backup) => Answer::Refused("this region gives no backups".to_owned()),
        Ok(Request::Session(asked)) => match &desk.sessions {
            None => Answer::Refused("this region has no sessions to keep".to_owned()),
            Some(sessions) => sessions.carry_out(asked).await.map_or_else(Answer::Refused, Answer::Session),
        },
        Ok(Request::Space(asked)) => match &desk.space {
            None => Answer::Refused("this region keeps no account of space".to_owned()),
            Some(space) => space.carry_out(asked).await.map_or_else(Answer::Refused, Answer::Space),
        },
        Ok(Request::Account(asked)) => match &desk.accounts {
            None => Answer::Refused("this region has no accounts to keep".to_owned()),
            Some(accounts) => accounts.carry_out(asked).await.map_or_else(Answer::Refused, Answer::Account),
        },
        Ok(Request::Status) => Answer::Status(desk.status.clone()),
        Ok(Request::Reconcilers) => reconcilers(),
        Ok(Request::Stop) => stopping(&mut given, Order::Stop),
        Ok(Request::Down) => stopping(&mut given, Order::Down),
        Ok(Request::Restart(program)) => match &desk.prepare {
            None => Answer::Refused("this region cannot restart in place".to_owned()),
            Some(prepare) => match prepare(program).await {
                Ok(()) => stopping(&mut given, Order::Restart),
                Err(why) => Answer::Refused(why),
            },
        },
        Err(error) => Answer::Refused(error.to_string()),
    };
    let text = serde_json::to_vec(&answer)?;
    tokio::time::timeout(LIMIT, writer.write_all(&text)).await.map_err(io::Error::other)??;
    if let Some(given) = given {
        order.send_replace(given);
        // The end of the process ends the stream: that is how the other side knows that it is done.
        std::future::pending::<()>().await;
    }
    Ok(())
}

fn stopping(given: &mut Option<Order>, order: Order) -> Answer {
    *given = Some(order);
    Answer::Stopping
}

/// Asks the process that runs on a data folder, and waits at most `limit` for the end of its answer.
///
/// # Errors
/// `NotFound` or `ConnectionRefused` when none runs; else the kernel's, or `TimedOut`.
pub async fn ask(data_dir: &Path, request: Request, limit: Duration) -> io::Result<Answer> {
    let (_folder, path) = short_path(data_dir)?;
    let talk = async {
        let mut stream = UnixStream::connect(&path).await?;
        let mut line = serde_json::to_vec(&request)?;
        line.push(b'\n');
        stream.write_all(&line).await?;
        let mut answer = Vec::new();
        stream.take(MAX_ANSWER).read_to_end(&mut answer).await?;
        Ok(serde_json::from_slice(&answer)?)
    };
    tokio::time::timeout(limit, talk)
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the region did not answer in time"))?
}
