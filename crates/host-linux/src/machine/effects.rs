//! The effects on one machine. Each takes its turn, and can be cut off between any two of its steps: the next try, in
//! this process or another, completes it.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use host::{HostError, MachineSpec, MachineState};
use ids::InstanceId;
use serde_json::json;
use tokio::process::{Child, Command};

use super::process::{self, Process};
use super::slot::{Now, Slot};
use super::{Host, blocking, command, disk};
use crate::names::{netns_name, tap_name};

/// How long QEMU may take to start. It takes 50 ms on a quiet machine.
const START_LIMIT: Duration = Duration::from_secs(10);
/// How long it may take to end, after it was told to and after it was killed.
const QUIT_LIMIT: Duration = Duration::from_secs(5);

impl Host {
    pub(crate) async fn prepare(self: Arc<Self>, spec: MachineSpec) -> Result<(), HostError> {
        let doing = format!("prepare machine {}", spec.id);
        command::check(&spec)?;
        disk::check(&spec.boot)?;
        let slot = self.slot_or_new(&spec.id);
        let _turn = slot.turn.lock().await;
        if slot.state() == Some(MachineState::Running) {
            return Ok(());
        }
        let (host, folder) = (self.clone(), slot.folder().clone());
        let work = move || -> Result<(), HostError> {
            let failed = |cause: std::io::Error| HostError::failed(&doing, cause);
            if folder.exists() {
                if folder.spec().ok().as_ref() != Some(&spec) {
                    folder.save_spec(&spec).map_err(failed)?;
                }
                return disk::make(&folder, &spec.boot).map_err(failed);
            }
            let fresh = folder.fresh();
            fresh.make_empty().map_err(failed)?;
            host.step("prepare: empty folder")?;
            fresh.save_spec(&spec).map_err(failed)?;
            host.step("prepare: specification")?;
            disk::make(&fresh, &spec.boot).map_err(failed)?;
            host.step("prepare: disk")?;
            folder.complete(&fresh).map_err(failed)?;
            host.step("prepare: complete")
        };
        let outcome = tokio::task::spawn_blocking(work).await;
        outcome.map_err(|cause| HostError::failed("prepare a machine", cause))??;
        slot.now().state.get_or_insert(MachineState::Prepared);
        Ok(())
    }

    pub(crate) async fn start(self: Arc<Self>, id: &InstanceId) -> Result<(), HostError> {
        let doing = format!("start machine {id}");
        let unknown = || HostError::failed(&doing, "it was not prepared");
        let slot = self.slot(id).ok_or_else(unknown)?;
        let _turn = slot.turn.lock().await;
        match slot.state() {
            None => return Err(unknown()),
            Some(MachineState::Running) => return Ok(()),
            Some(MachineState::Prepared | MachineState::Exited { .. }) => {}
        }
        if let Some(process) = find(&slot, &doing).await? {
            self.attach(&slot, process, None, None);
            return note_run(&slot, &doing).await;
        }
        let spec = slot.folder().spec()?;
        let (taps, accel) = tokio::join!(self.check_taps(&spec), self.accel());
        taps?;

        let folder = slot.folder().clone();
        let (socket, log) = blocking(&doing, move || {
            folder.forget_run()?;
            let (_folder, path) = folder.socket()?;
            Ok((UnixListener::bind(path)?, File::create(folder.file("qemu.log"))?))
        })
        .await?;
        slot.now().state = Some(MachineState::Prepared);
        self.step("start: socket")?;

        let (config, path) = (&self.config, slot.folder().path());
        let has_disk = disk::is_wanted(&spec.boot);
        let words = command::command(&spec, path, has_disk, accel, &config.qemu, &config.region_tag);
        let mut child = spawn(&words, socket, log).map_err(|cause| self.cannot_run(&words[0], &doing, cause))?;
        self.step("start: spawned")?;

        let connected = tokio::select! {
            connected = slot.connect(START_LIMIT) => connected.map_err(|cause| cause.to_string()),
            _ended = child.wait() => Err("QEMU ended".into()),
        };
        let pid_file = slot.folder().pid_file();
        let held = child.id().map(|pid| Process::hold(pid, &pid_file)).transpose();
        let (connection, process) = match (connected, held) {
            (Ok(connection), Ok(Some(Some(process)))) => (connection, process),
            (connected, held) => {
                let cause = connected.err().or(held.err().map(|cause| cause.to_string()));
                // It may have ended by itself.
                let _ = tokio::time::timeout(QUIT_LIMIT, child.kill()).await;
                let cause = cause.unwrap_or_else(|| "QEMU ended".into());
                let folder = slot.folder().clone();
                blocking(&doing, move || folder.forget_run()).await?;
                return Err(HostError::failed(doing, format!("{cause}: {}", slot.folder().qemu_words())));
            }
        };
        self.step("start: ready")?;
        self.attach(&slot, process, Some(child), Some(connection));
        note_run(&slot, &doing).await?;
        self.step("start: noted")
    }

    pub(crate) async fn stop(self: Arc<Self>, id: &InstanceId, grace: Duration) -> Result<(), HostError> {
        let Some(slot) = self.slot(id) else { return Ok(()) };
        let _turn = slot.turn.lock().await;
        end(&slot, grace, &format!("stop machine {id}")).await
    }

    pub(crate) async fn park(self: Arc<Self>, id: &InstanceId, grace: Duration) -> Result<(), HostError> {
        let doing = format!("park machine {id}");
        let Some(slot) = self.slot(id) else { return Ok(()) };
        let _turn = slot.turn.lock().await;
        // A guest that ended by itself stays ended.
        if slot.state() != Some(MachineState::Running) {
            return Ok(());
        }
        end(&slot, grace, &doing).await?;
        let folder = slot.folder().clone();
        blocking(&doing, move || folder.forget_run()).await?;
        slot.now().state = Some(MachineState::Prepared);
        Ok(())
    }

    pub(crate) async fn reset(self: Arc<Self>, id: &InstanceId, number: u64) -> Result<(), HostError> {
        let doing = format!("reset machine {id}");
        let unknown = || HostError::failed(&doing, "it was not prepared");
        let slot = self.slot(id).ok_or_else(unknown)?;
        let _turn = slot.turn.lock().await;
        let (state, resets) = {
            let now = slot.now();
            (now.state.clone().ok_or_else(unknown)?, now.resets)
        };
        if number <= resets {
            return Ok(());
        }
        if state == MachineState::Running {
            let qmp = slot.qmp().ok_or_else(|| HostError::failed(&doing, "the connection to QEMU is being made"))?;
            qmp.execute("system_reset", json!({})).await.map_err(|cause| HostError::failed(&doing, cause))?;
        }
        // Cut off here, the reset is done twice: better than not at all.
        self.step("reset: done")?;
        let folder = slot.folder().clone();
        blocking(&doing, move || folder.save_resets(number)).await?;
        slot.now().resets = number;
        Ok(())
    }

    pub(crate) async fn remove(self: Arc<Self>, id: &InstanceId) -> Result<(), HostError> {
        let doing = format!("remove machine {id}");
        let slot = self.slot_or_new(id);
        {
            let _turn = slot.turn.lock().await;
            end(&slot, Duration::ZERO, &doing).await?;
            self.step("remove: ended")?;
            let folder = slot.folder().clone();
            blocking(&doing, move || folder.retire()).await?;
            *slot.now() = Now::default();
            self.step("remove: out of the way")?;
            let folder = slot.folder().clone();
            blocking(&doing, move || folder.sweep()).await?;
        }
        let mut slots = self.slots();
        // Two: the map's and ours. Whoever else has it waits for the turn and must meet the same slot as the next.
        if Arc::strong_count(&slot) == 2 && slot.state().is_none() {
            slots.remove(id);
        }
        Ok(())
    }

    /// QEMU would make a tap that is missing, and the machine would be connected to nothing.
    async fn check_taps(&self, spec: &MachineSpec) -> Result<(), HostError> {
        for nic in &spec.nics {
            let (namespace, tap) = (netns_name(&self.config.region_tag, &nic.vpc), tap_name(&nic.id));
            let doing = format!("find {tap} in the network namespace {namespace}");
            let show = Command::new("ip").args(["-n", &namespace, "link", "show", "dev", &tap]).output();
            let output = show.await.map_err(|cause| self.cannot_run("ip", &doing, cause))?;
            if !output.status.success() {
                return Err(HostError::failed(doing, String::from_utf8_lossy(&output.stderr).trim()));
            }
        }
        Ok(())
    }

    fn cannot_run(&self, program: &str, doing: &str, cause: std::io::Error) -> HostError {
        if cause.kind() != std::io::ErrorKind::NotFound {
            return HostError::failed(doing, cause);
        }
        let package = if program == "ip" { "iproute2" } else { "qemu-system-x86" };
        HostError::Missing { what: program.to_owned(), remedy: format!("install it: apt-get install {package}") }
    }
}

/// Starts the program in a session of its own, so that nothing that ends ours ends it too.
fn spawn(words: &[String], socket: UnixListener, log: File) -> std::io::Result<Child> {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).current_dir("/");
    command.stdin(Stdio::from(OwnedFd::from(socket))).stdout(Stdio::from(log.try_clone()?)).stderr(Stdio::from(log));
    let own_session = || rustix::process::setsid().map(drop).map_err(std::io::Error::from);
    // SAFETY: between fork and exec only setsid(2) is called, which is async-signal-safe; the closure captures nothing
    // and allocates nothing.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(own_session)
    };
    command.spawn()
}

/// The machine's process, if there is one that we do not watch: left by an effect that was cut off.
async fn find(slot: &Slot, doing: &str) -> Result<Option<Process>, HostError> {
    let folder = slot.folder().clone();
    let found = blocking(doing, move || {
        // Made before any process is.
        if !folder.file("qmp.sock").exists() {
            return Ok(None);
        }
        Ok(process::below(folder.path())?.remove(&folder.pid_file()))
    });
    let Some(pid) = found.await? else { return Ok(None) };
    Process::hold(pid, &slot.folder().pid_file()).map_err(|cause| HostError::failed(doing, cause))
}

async fn note_run(slot: &Slot, doing: &str) -> Result<(), HostError> {
    let folder = slot.folder().clone();
    blocking(doing, move || folder.save_ran()).await
}

/// Ends the machine's process: asks the guest, then QEMU, then kills it.
async fn end(slot: &Slot, grace: Duration, doing: &str) -> Result<(), HostError> {
    let live = {
        let mut now = slot.now();
        let live = now.live.as_ref().map(|live| (live.process.clone(), live.qmp.clone(), live.over.clone()));
        now.ending = live.is_some().then(|| "it was stopped on request".into());
        live
    };
    let Some((process, qmp, mut over)) = live else { return end_unwatched(slot, doing).await };
    if let Some(qmp) = &qmp {
        if !grace.is_zero() && qmp.execute("system_powerdown", json!({})).await.is_ok() {
            // The monitor sees the guest shut down, and ends QEMU.
            let _ = tokio::time::timeout(grace, over.wait_for(|is_over| *is_over)).await;
        }
        if !*over.borrow() {
            slot.take_over_console().await;
            // It may have ended meanwhile; the wait tells.
            let _ = qmp.execute("quit", json!({})).await;
            let _ = tokio::time::timeout(QUIT_LIMIT, over.wait_for(|is_over| *is_over)).await;
        }
    }
    if !*over.borrow() && !process.kill(QUIT_LIMIT).await {
        return Err(HostError::failed(doing, "QEMU survived being killed: it waits for a disk or the kernel"));
    }
    let noted = tokio::time::timeout(QUIT_LIMIT, over.wait_for(|is_over| *is_over)).await;
    noted.map(drop).map_err(|_| HostError::failed(doing, "its end was not noted in time"))
}

async fn end_unwatched(slot: &Slot, doing: &str) -> Result<(), HostError> {
    match find(slot, doing).await? {
        Some(process) if !process.kill(QUIT_LIMIT).await => {
            Err(HostError::failed(doing, "QEMU survived being killed: it waits for a disk or the kernel"))
        }
        _ => Ok(()),
    }
}
