//! What we know of one machine while we run, and whose turn it is to work on it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use host::MachineState;
use serde_json::json;
use tokio::process::Child;
use tokio::sync::{mpsc, watch};

use super::Task;
use super::command::CONSOLE_RING;
use super::folder::Folder;
use super::monitor::Monitor;
use super::process::Process;
use super::qmp::{Qmp, QmpError, Shutdown};

/// A connection to a machine's QEMU with the events that come over it.
pub(crate) type Connection = (Arc<Qmp>, mpsc::Receiver<Shutdown>);

/// One machine, there or not.
pub(crate) struct Slot {
    folder: Folder,
    /// Held by the effect that works on the machine.
    pub(crate) turn: tokio::sync::Mutex<()>,
    /// Held while the console is taken over, so that its pieces stay in order.
    console: tokio::sync::Mutex<()>,
    now: Mutex<Now>,
}

/// What is known of a machine.
#[derive(Default)]
pub(crate) struct Now {
    /// Its state; none if the host has nothing of it.
    pub(crate) state: Option<MachineState>,
    /// The highest reset number.
    pub(crate) resets: u64,
    /// Its process, while it runs.
    pub(crate) live: Option<Live>,
    /// Why we are ending it, while we are.
    pub(crate) ending: Option<String>,
}

/// A machine's process.
pub(crate) struct Live {
    pub(crate) process: Arc<Process>,
    /// The connection, unless it is being made again.
    pub(crate) qmp: Option<Arc<Qmp>>,
    /// True once the end of the process is noted.
    pub(crate) over: watch::Receiver<bool>,
    _monitor: Task,
}

impl Slot {
    pub(crate) fn new(folder: Folder) -> Self {
        let (turn, console) = Default::default();
        Self { folder, turn, console, now: Mutex::default() }
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(crate) fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state(&self) -> Option<MachineState> {
        self.now().state.clone()
    }

    pub(crate) fn qmp(&self) -> Option<Arc<Qmp>> {
        self.now().live.as_ref().and_then(|live| live.qmp.clone())
    }

    /// Makes the machine a running one and watches its process. `child` is there if the process is ours to reap,
    /// `connection` if there is one already.
    pub(crate) fn attach(
        self: &Arc<Self>,
        process: Process,
        child: Option<Child>,
        connection: Option<Connection>,
        changed: &watch::Sender<u64>,
    ) {
        let process = Arc::new(process);
        let (over, is_over) = watch::channel(false);
        let qmp = connection.as_ref().map(|(qmp, _)| qmp.clone());
        let mut now = self.now();
        let monitor =
            Monitor { slot: self.clone(), process: process.clone(), child, told: None, changed: changed.clone() };
        let monitor = Task(tokio::spawn(monitor.run(connection, over)));
        (now.state, now.ending) = (Some(MachineState::Running), None);
        now.live = Some(Live { process, qmp, over: is_over, _monitor: monitor });
    }

    /// Connects to the machine's QEMU.
    pub(crate) async fn connect(&self, limit: Duration) -> Result<Connection, QmpError> {
        let (_folder, path) = self.folder.socket()?;
        Qmp::connect(&path, limit).await
    }

    /// Moves what is in QEMU's console ring to the folder. What fails is logged: the machine runs on without.
    pub(crate) async fn take_over_console(&self) {
        let Some(qmp) = self.qmp() else { return };
        let _turn = self.console.lock().await;
        let arguments = json!({ "device": "console", "size": CONSOLE_RING, "format": "base64" });
        let text = match qmp.execute("ringbuf-read", arguments).await {
            Ok(text) => text,
            // It has just ended.
            Err(QmpError::Closed) => return,
            Err(cause) => {
                tracing::warn!(folder = %self.folder.path().display(), %cause, "cannot read a console");
                return;
            }
        };
        let bytes = STANDARD.decode(text.as_str().unwrap_or_default()).unwrap_or_default();
        if bytes.is_empty() {
            return;
        }
        let folder = self.folder.clone();
        if let Err(cause) = super::blocking("write a console", move || folder.append_console(&bytes)).await {
            tracing::warn!(folder = %self.folder.path().display(), %cause, "console output is lost");
        }
    }
}
