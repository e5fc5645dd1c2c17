//! A restart without refused connections: the process drains, closes its store, and becomes the new program with the
//! listening socket still open, so that new connections wait in the kernel meanwhile. See docs/adr/012-restart.md.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use host_linux::inherited::{Maker, leave};
use region::admin::{Answer, Prepare, Request, Status, ask};
use tracing::{error, info};

use crate::processes;
use crate::settings::Settings;

/// Longest that the new program may take to say whether it could start.
const CHECK_LIMIT: Duration = Duration::from_secs(20);
/// Longest that a region may take to drain, and then to open again.
const LIMIT: Duration = Duration::from_secs(60);

/// The program that takes over, and what it takes over.
pub struct Handover {
    /// The program.
    pub program: PathBuf,
    /// The socket that listens.
    pub socket: TcpListener,
    /// Who made it.
    pub maker: Maker,
}

/// Which program takes over, if one does.
#[derive(Clone)]
pub struct Successor(Arc<Mutex<PathBuf>>);

impl Successor {
    /// The program that runs now: whatever is in its place when the time has come.
    ///
    /// # Errors
    /// If nobody knows where it is.
    pub fn ourselves() -> Result<Self> {
        let program = std::env::current_exe().context("cannot tell which program this is")?;
        Ok(Self(Arc::new(Mutex::new(program))))
    }

    /// The program.
    pub fn program(&self) -> PathBuf {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks a program whether it could start as this one was, and if so, chooses it.
    ///
    /// # Errors
    /// What it says.
    pub async fn choose(&self, program: PathBuf) -> Result<(), String> {
        let words: Vec<_> = std::env::args_os().skip(1).collect();
        let mut check = tokio::process::Command::new(&program);
        check.args(words).arg("--check").stdin(Stdio::null()).kill_on_drop(true);
        let shown = program.display();
        let done = match tokio::time::timeout(CHECK_LIMIT, check.output()).await {
            Ok(Ok(done)) => done,
            Ok(Err(cause)) => return Err(format!("{shown} does not start: {cause}")),
            Err(_) => {
                return Err(format!("{shown} does not say within {} s whether it could start", CHECK_LIMIT.as_secs()));
            }
        };
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr);
            return Err(format!("{shown} could not start as this region was started: {}", said.trim()));
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = program;
        Ok(())
    }

    /// The same for the admin socket.
    pub fn preparer(&self) -> Prepare {
        let this = self.clone();
        Arc::new(move |program| {
            let this = this.clone();
            Box::pin(async move { this.choose(program).await })
        })
    }
}

/// Becomes the new program; or, if that is not to be, the present one again, which the kernel still has. Returns only if
/// neither can be.
pub fn become_next(handover: &Handover) -> anyhow::Error {
    let own = Path::new("/proc/self/exe");
    let mut last = anyhow!("no program");
    for program in [&*handover.program, own] {
        info!(program = %program.display(), "handing over");
        let (name, value) = match leave(&handover.socket, handover.maker) {
            Ok(variable) => variable,
            Err(cause) => return anyhow::Error::new(cause).context("cannot hand the socket over"),
        };
        let mut command = Command::new(program);
        if let Some(name) = std::env::args_os().next() {
            command.arg0(name);
        }
        let cause = command.args(std::env::args_os().skip(1)).env(name, value).exec();
        error!(%cause, program = %program.display(), "cannot hand over");
        last = anyhow::Error::new(cause).context(format!("cannot become {}", program.display()));
    }
    last
}

/// `welkin restart`: has this very program take over a running region; where several processes serve it, one after the
/// other, so that there is always one that answers.
///
/// # Errors
/// If none runs, if one refuses, or if one does not come back.
pub fn run(settings: &Settings) -> Result<()> {
    let program = std::env::current_exe().context("cannot tell which program this is")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        for socket in processes::sockets(&settings.data_dir) {
            one(&settings.data_dir, &socket, program.clone()).await?;
        }
        Ok(())
    })
}

/// Restarts the process behind a socket.
async fn one(folder: &Path, socket: &Path, program: PathBuf) -> Result<()> {
    let before = status(socket).await.with_context(|| format!("no region answers on {}", socket.display()))?;
    let started = Instant::now();
    match ask(socket, Request::Restart(program), LIMIT).await.context("the region did not drain")? {
        Answer::Stopping => {}
        Answer::Refused(why) => bail!("the region goes on as it was: {why}"),
        other => bail!("unexpected answer: {other:?}"),
    }
    let after = comes_back(folder, &before).await?;
    println!(
        "The region in {} runs Welkin {} (before: {}); the change took {} ms.",
        folder.display(),
        after.version,
        before.version,
        started.elapsed().as_millis()
    );
    Ok(())
}

/// Waits until the process answers as another program, on whichever socket of the folder is its own then.
async fn comes_back(folder: &Path, before: &Status) -> Result<Status> {
    const PAUSE: Duration = Duration::from_millis(20);
    let deadline = Instant::now() + LIMIT;
    loop {
        for socket in processes::sockets(folder) {
            match status(&socket).await {
                Ok(after) if after.pid == before.pid && after.since != before.since => return Ok(after),
                Ok(_) | Err(_) => {}
            }
        }
        if !Path::new(&format!("/proc/{}", before.pid)).exists() {
            bail!("the new program has ended; its log says why");
        }
        if Instant::now() > deadline {
            bail!("the region did not come back within {} s", LIMIT.as_secs());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn status(socket: &Path) -> Result<Status> {
    match ask(socket, Request::Status, Duration::from_secs(5)).await? {
        Answer::Status(status) => Ok(status),
        other => bail!("unexpected answer: {other:?}"),
    }
}
