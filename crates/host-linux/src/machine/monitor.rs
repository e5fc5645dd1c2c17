//! Watches one QEMU process to its end and notes how it ended.

use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::time::Duration;

use host::MachineState;
use serde_json::json;
use tokio::process::Child;
use tokio::sync::watch;

use super::folder::Exit;
use super::process::Process;
use super::qmp::Shutdown;
use super::slot::{Connection, Slot};

/// How often the console is taken over. A guest that writes more than the ring holds in that time loses the oldest.
const CONSOLE_PERIOD: Duration = Duration::from_secs(5);
/// How long one try to connect may take, and the pause between two.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
const CONNECT_PAUSE: Duration = Duration::from_secs(1);
/// How long an end is kept to ourselves when somebody asked QEMU to end by a signal. That is how a host goes down, we
/// go down with it then, and the next boot starts the machine again, as nothing says that it ended by itself.
const HOST_GOES_DOWN: Duration = Duration::from_secs(10);
/// What QEMU calls such a signal. Source: `RunState` and `ShutdownCause` of QEMU's QAPI schema.
const HOST_SIGNAL: &str = "host-signal";
/// How long QEMU may take to flush its disks when it is told to end.
const QUIT_LIMIT: Duration = Duration::from_secs(10);

/// The task that watches one process.
pub(crate) struct Monitor {
    pub(crate) slot: Arc<Slot>,
    pub(crate) process: Arc<Process>,
    pub(crate) child: Option<Child>,
    /// What QEMU told of its shutdown.
    pub(crate) told: Option<Shutdown>,
    pub(crate) changed: watch::Sender<u64>,
}

impl Monitor {
    /// Runs until the process has ended and its end is noted; then says so through `over`.
    pub(crate) async fn run(mut self, mut connection: Option<Connection>, over: watch::Sender<bool>) {
        let process = self.process.clone();
        let mut period = tokio::time::interval(CONSOLE_PERIOD);
        period.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let Some((_, events)) = &mut connection else {
                tokio::select! {
                    () = process.ended() => break,
                    fresh = self.connect() => connection = fresh,
                }
                continue;
            };
            tokio::select! {
                () = process.ended() => break,
                event = events.recv() => match event {
                    Some(shutdown) => self.shut_down(shutdown).await,
                    None => {
                        connection = None;
                        self.set_connection(None);
                    }
                },
                _ = period.tick() => self.slot.take_over_console().await,
            }
        }
        if let Some((_, mut events)) = connection {
            while let Ok(shutdown) = events.try_recv() {
                self.hear(shutdown);
            }
        }
        if self.told.as_ref().is_some_and(|told| told.reason == HOST_SIGNAL) {
            tracing::info!(folder = %self.slot.folder().path().display(), "QEMU was asked to end by a signal");
            tokio::time::sleep(HOST_GOES_DOWN).await;
        }
        self.note_end().await;
        // Dropped at the very end, as this task is within.
        let live = self.slot.now().live.take();
        over.send_replace(true);
        self.changed.send_modify(|count| *count += 1);
        drop(live);
    }

    async fn connect(&mut self) -> Option<Connection> {
        match self.slot.connect(CONNECT_LIMIT).await {
            Ok(connection) => {
                self.set_connection(Some(&connection));
                // The guest may have shut down while nobody listened.
                if connection.0.status().await.is_ok_and(|status| status == "shutdown") {
                    self.shut_down(Shutdown { by_guest: true, reason: "while no agent ran".into() }).await;
                }
                Some(connection)
            }
            Err(cause) => {
                tracing::debug!(folder = %self.slot.folder().path().display(), %cause, "cannot connect to QEMU");
                tokio::time::sleep(CONNECT_PAUSE).await;
                None
            }
        }
    }

    fn set_connection(&self, connection: Option<&Connection>) {
        if let Some(live) = &mut self.slot.now().live {
            live.qmp = connection.map(|(qmp, _)| qmp.clone());
        }
    }

    /// Takes in that the machine shut down. When the guest did it QEMU is only paused, so the cause can be written down
    /// before the process ends.
    async fn shut_down(&mut self, shutdown: Shutdown) {
        let by_guest = shutdown.by_guest;
        self.hear(shutdown);
        if !by_guest {
            return;
        }
        self.save(self.exit(None)).await;
        self.slot.take_over_console().await;
        let qmp = self.slot.qmp();
        let quit = async {
            if let Some(qmp) = qmp {
                // If it does not answer it is killed below.
                let _ = qmp.execute("quit", json!({})).await;
            }
            self.process.ended().await;
        };
        if tokio::time::timeout(QUIT_LIMIT, quit).await.is_err() {
            self.process.kill(QUIT_LIMIT).await;
        }
    }

    /// Keeps the first cause: after the guest's own shutdown QEMU tells of our `quit` too.
    fn hear(&mut self, shutdown: Shutdown) {
        self.told.get_or_insert(shutdown);
    }

    async fn note_end(&mut self) {
        let status = match &mut self.child {
            Some(child) => tokio::time::timeout(Duration::from_secs(1), child.wait()).await.ok().and_then(Result::ok),
            None => None,
        };
        let exit = self.exit(status);
        self.save(exit.clone()).await;
        self.slot.now().state = Some(MachineState::Exited { by_guest: exit.by_guest, reason: exit.reason });
    }

    async fn save(&self, exit: Exit) {
        let folder = self.slot.folder().clone();
        if let Err(cause) = super::blocking("note how a machine ended", move || folder.save_exit(&exit)).await {
            tracing::warn!(%cause, "the cause is lost with this process");
        }
    }

    /// How the machine ended, from all that is known.
    fn exit(&self, status: Option<std::process::ExitStatus>) -> Exit {
        if let Some(told) = self.told.as_ref().filter(|told| told.by_guest) {
            return Exit { by_guest: true, reason: format!("the guest shut down ({})", told.reason) };
        }
        if let Some(reason) = self.slot.now().ending.clone() {
            return Exit { by_guest: false, reason };
        }
        let mut reason = match status.map(|status| (status.signal(), status.code())) {
            Some((Some(signal), _)) => format!("QEMU was killed by signal {signal}"),
            Some((None, Some(code))) => format!("QEMU ended with status {code}"),
            _ => "QEMU ended".to_owned(),
        };
        let told = self.told.as_ref().map(|told| told.reason.clone());
        let words = Some(self.slot.folder().qemu_words()).filter(|words| !words.is_empty());
        for detail in [told, words].into_iter().flatten() {
            reason.push_str(": ");
            reason.push_str(&detail);
        }
        Exit { by_guest: false, reason }
    }
}
