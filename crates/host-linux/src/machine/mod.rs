//! Virtual machines as QEMU processes that outlive us: a folder a machine, driven over QMP, found again by what their
//! command line names. Not here: networks (the taps must be there), and what should run (the agent's business).
//!
//! The serial console goes to a ring in QEMU's memory, which needs no reader and cannot grow; while we run, its content
//! is taken over into the folder every few seconds, when it is asked for, and before the process ends in order. A QEMU
//! that is killed takes what was not taken over yet with it.

mod accel;
mod command;
mod disk;
mod effects;
mod folder;
mod monitor;
mod process;
mod qmp;
mod slot;

use std::collections::BTreeMap;
use std::fs::File;
use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use host::{HostError, MachineSpec, MachineState, Machines, SeenMachine};
use ids::InstanceId;
use tokio::process::Child;
use tokio::sync::{OnceCell, watch};
use tokio::task::JoinHandle;

pub use accel::{Accel, probe};
use folder::{Exit, Folder};
use process::Process;
use slot::{Connection, Slot};

/// Called with the name of each step of an effect, before it returns; an error cuts the effect off there, as the death
/// of our process would.
pub type Steps = Arc<dyn Fn(&'static str) -> Result<(), HostError> + Send + Sync>;

/// How machines are kept and run.
#[derive(Clone)]
pub struct Config {
    /// The folder that has the machines' folders; made where it is missing. One process at a time may open it.
    pub root: PathBuf,
    /// Tells the regions on one machine apart; part of the namespaces' names.
    pub region_tag: String,
    /// The QEMU program.
    pub qemu: PathBuf,
    /// The accelerator; without it the machine is tested, see [`probe`].
    pub accel: Option<Accel>,
    /// For tests that cut effects off.
    pub steps: Option<Steps>,
}

impl Config {
    /// The usual configuration: `qemu-system-x86_64` from the path, and the accelerator that proves to work.
    pub fn new(root: impl Into<PathBuf>, region_tag: impl Into<String>) -> Self {
        let qemu = PathBuf::from("qemu-system-x86_64");
        Self { root: root.into(), region_tag: region_tag.into(), qemu, accel: None, steps: None }
    }
}

/// The machines of this host.
pub struct LinuxMachines {
    host: Arc<Host>,
    _probe: Task,
    /// The folder, locked against a second process.
    _lock: File,
}

/// What effects work on; they hold it for as long as they run.
struct Host {
    config: Config,
    slots: Mutex<BTreeMap<InstanceId, Arc<Slot>>>,
    changed: watch::Sender<u64>,
    accel: OnceCell<Accel>,
    /// Set when the owner is gone and only effects under way still hold this.
    is_closed: AtomicBool,
}

/// A task that ends with its owner.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl LinuxMachines {
    /// Opens the folder of machines, completes what an earlier process left half done, and takes over the machines that
    /// run. Must be called within a tokio runtime. Fails if the folder cannot be read or made, or is open already.
    pub async fn open(mut config: Config) -> Result<Self, HostError> {
        let doing = format!("open the machines in {}", config.root.display());
        let root = config.root.clone();
        let (root, lock, folders, running) = blocking(&doing, move || {
            let lock = folder::open_root(&root)?;
            let root = root.canonicalize()?;
            let folders = Folder::open_all(&root)?;
            let running = process::below(&root)?;
            Ok((root, lock, folders, running))
        })
        .await?;
        config.root = root;
        let accel = OnceCell::new_with(config.accel.clone());
        let (slots, changed, is_closed) = (Mutex::default(), watch::Sender::new(0), AtomicBool::new(false));
        let host = Arc::new(Host { config, slots, changed, accel, is_closed });
        for folder in folders {
            let slot = host.slot_or_new(folder.id());
            let pid_file = folder.pid_file();
            let process = match running.get(&pid_file) {
                Some(pid) => Process::hold(*pid, &pid_file).map_err(|cause| HostError::failed(&doing, cause))?,
                None => None,
            };
            let state = match process {
                Some(process) => {
                    host.attach(&slot, process, None, None);
                    MachineState::Running
                }
                None => {
                    let found = folder.clone();
                    blocking(&doing, move || Ok(state_of_ended(&found))).await?
                }
            };
            let mut now = slot.now();
            now.resets = folder.resets();
            now.state.get_or_insert(state);
        }
        let probing = host.clone();
        let probe = Task(tokio::spawn(async move {
            probing.accel().await;
        }));
        Ok(Self { host, _probe: probe, _lock: lock })
    }

    /// The accelerator that machines run on; waits for the test of this machine if it still runs.
    pub async fn accel(&self) -> Accel {
        self.host.accel().await.clone()
    }
}

/// The state of a machine whose process is not there. An end that nobody saw is noted now, so that it stays the same.
fn state_of_ended(folder: &Folder) -> MachineState {
    let exit = match folder.exit() {
        Some(exit) => exit,
        None if folder.has_run() => {
            let exit = Exit { by_guest: false, reason: "its process ended while no agent ran".into() };
            if let Err(cause) = folder.save_exit(&exit) {
                tracing::warn!(folder = %folder.path().display(), %cause, "cannot note how a machine ended");
            }
            exit
        }
        None => return MachineState::Prepared,
    };
    MachineState::Exited { by_guest: exit.by_guest, reason: exit.reason }
}

impl Drop for LinuxMachines {
    fn drop(&mut self) {
        self.host.is_closed.store(true, Ordering::SeqCst);
        for slot in self.host.slots().values() {
            slot.now().live = None;
        }
    }
}

impl Host {
    fn slots(&self) -> MutexGuard<'_, BTreeMap<InstanceId, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, id: &InstanceId) -> Option<Arc<Slot>> {
        self.slots().get(id).cloned()
    }

    fn slot_or_new(&self, id: &InstanceId) -> Arc<Slot> {
        let new = || Arc::new(Slot::new(Folder::new(&self.config.root, id)));
        self.slots().entry(id.clone()).or_insert_with(new).clone()
    }

    /// Watches a process, unless we are closed: the next owner takes it over then.
    fn attach(&self, slot: &Arc<Slot>, process: Process, child: Option<Child>, connection: Option<Connection>) {
        slot.attach(process, child, connection, &self.changed);
        if self.is_closed.load(Ordering::SeqCst) {
            slot.now().live = None;
        }
    }

    async fn accel(&self) -> &Accel {
        self.accel.get_or_init(|| probe(&self.config.root, &self.config.qemu)).await
    }

    fn step(&self, name: &'static str) -> Result<(), HostError> {
        self.config.steps.as_ref().map_or(Ok(()), |steps| steps(name))
    }
}

/// Runs file operations off the reactor.
async fn blocking<T: Send + 'static>(
    doing: &str,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, HostError> {
    let outcome = tokio::task::spawn_blocking(work).await.map_err(|cause| HostError::failed(doing, cause))?;
    outcome.map_err(|cause| HostError::failed(doing, cause))
}

/// Runs an effect to its end even if the caller gives up waiting: half an effect is for crashes only.
async fn whole(effect: impl Future<Output = Result<(), HostError>> + Send + 'static) -> Result<(), HostError> {
    tokio::spawn(effect).await.unwrap_or_else(|cause| Err(HostError::failed("an effect on a machine", cause)))
}

#[async_trait]
impl Machines for LinuxMachines {
    async fn list(&self) -> Result<Vec<SeenMachine>, HostError> {
        let slots = self.host.slots();
        let seen = slots.iter().filter_map(|(id, slot)| {
            let now = slot.now();
            Some(SeenMachine { id: id.clone(), state: now.state.clone()?, resets: now.resets })
        });
        Ok(seen.collect())
    }

    async fn prepare(&self, spec: &MachineSpec) -> Result<(), HostError> {
        let (host, spec) = (self.host.clone(), spec.clone());
        whole(async move { host.prepare(spec).await }).await
    }

    async fn start(&self, id: &InstanceId) -> Result<(), HostError> {
        let (host, id) = (self.host.clone(), id.clone());
        whole(async move { host.start(&id).await }).await
    }

    async fn stop(&self, id: &InstanceId, grace: Duration) -> Result<(), HostError> {
        let (host, id) = (self.host.clone(), id.clone());
        whole(async move { host.stop(&id, grace).await }).await
    }

    async fn park(&self, id: &InstanceId, grace: Duration) -> Result<(), HostError> {
        let (host, id) = (self.host.clone(), id.clone());
        whole(async move { host.park(&id, grace).await }).await
    }

    async fn reset(&self, id: &InstanceId, number: u64) -> Result<(), HostError> {
        let (host, id) = (self.host.clone(), id.clone());
        whole(async move { host.reset(&id, number).await }).await
    }

    async fn remove(&self, id: &InstanceId) -> Result<(), HostError> {
        let (host, id) = (self.host.clone(), id.clone());
        whole(async move { host.remove(&id).await }).await
    }

    async fn console(&self, id: &InstanceId) -> Result<Vec<u8>, HostError> {
        let Some(slot) = self.host.slot(id) else { return Ok(Vec::new()) };
        slot.take_over_console().await;
        let folder = slot.folder().clone();
        blocking(&format!("read the console of {id}"), move || folder.console()).await
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.host.changed.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use host::{MachineState, Machines};
    use ids::InstanceId;

    use super::folder::{Exit, Folder};
    use super::{Accel, Config, LinuxMachines};

    /// The folder of a machine that is not running now.
    fn folder(root: &Path, number: u8) -> Folder {
        let folder = Folder::new(root, &InstanceId::from_random([number; 8]));
        folder.make_empty().unwrap();
        folder
    }

    async fn states(root: &Path) -> Vec<MachineState> {
        let accel = Some(Accel::Tcg { why: "nothing starts here".into() });
        let machines = LinuxMachines::open(Config { accel, ..Config::new(root, "test") }).await.unwrap();
        machines.list().await.unwrap().into_iter().map(|seen| seen.state).collect()
    }

    #[tokio::test]
    async fn a_machine_that_went_down_with_its_host_did_not_end_by_itself() {
        let (root, another_boot) = (tempfile::tempdir().unwrap(), "00000000-0000-0000-0000-000000000000\n");
        let [_never, earlier, now, killed, ended] = [1, 2, 3, 4, 5].map(|number| folder(root.path(), number));
        // It ran in an earlier boot of the host. Its pid file, which a host that fails leaves, says nothing more.
        std::fs::write(earlier.file("ran"), another_boot).unwrap();
        std::fs::write(earlier.pid_file(), "1").unwrap();
        now.save_ran().unwrap();
        // QEMU was up, and we did not live to note it.
        std::fs::write(killed.pid_file(), "1").unwrap();
        // How a machine ended is known for good, whatever the host did since.
        std::fs::write(ended.file("ran"), another_boot).unwrap();
        ended.save_exit(&Exit { by_guest: true, reason: "it powered off".into() }).unwrap();

        let lost = MachineState::Exited { by_guest: false, reason: "its process ended while no agent ran".into() };
        let off = MachineState::Exited { by_guest: true, reason: "it powered off".into() };
        let expected = [MachineState::Prepared, MachineState::Prepared, lost.clone(), lost, off];
        assert_eq!(states(root.path()).await, expected);
        assert_eq!(states(root.path()).await, expected, "and it stays so");
        assert_eq!((earlier.exit(), now.exit().is_some()), (None, true), "only an end of its own is noted");
    }
}
