//! Machines where several processes share a data folder: one of them drives them, the one that holds the region's lease.
//! A file lock is its proof on this machine: one that lost the lease while it stood still keeps the others from the
//! machines until it has let go, or has ended.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use host::{Assignment, Node, NodeError, Report};
use node::Agent;
use region::Duty;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use crate::console;
use crate::data_dir::{DataDir, Identity};
use crate::hosts::{self, Hosts};
use crate::processes::Slot;
use crate::settings::HostKind;

/// The machines of a folder, while they are this process's and while they are not.
pub struct Driver {
    kind: HostKind,
    data: DataDir,
    identity: Identity,
    slot: Slot,
    address: OnceLock<SocketAddr>,
    driving: Mutex<Option<Driving>>,
    changed: watch::Sender<u64>,
}

/// What a process has while it drives.
struct Driving {
    agent: Arc<Agent>,
    _hosts: Hosts,
    signals: JoinHandle<()>,
    consoles: JoinHandle<()>,
    _lock: File,
}

impl Driver {
    /// Drives nothing yet.
    pub fn new(kind: HostKind, data: DataDir, identity: Identity, slot: Slot) -> Self {
        let (address, driving, changed) = Default::default();
        Self { kind, data, identity, slot, address, driving, changed }
    }

    /// Tells the others where this process is reached.
    pub fn set_address(&self, address: SocketAddr) {
        let _ = self.address.set(address);
    }

    async fn agent(&self) -> Result<Arc<Agent>, NodeError> {
        let driving = self.driving.lock().await;
        let agent = driving.as_ref().map(|driving| Arc::clone(&driving.agent));
        agent.ok_or_else(|| NodeError("another process drives the machines".into()))
    }

    fn lock(&self) -> Result<File, String> {
        let path = self.data.root().join("machines.lock");
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let mut options = File::options();
        let mut file = options.read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        if file.try_lock().is_err() {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            return Err(format!("process {} still has the machines of this folder; end it if it hangs", holder.trim()));
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(file)
    }
}

#[async_trait]
impl Duty for Driver {
    fn name(&self) -> String {
        let address = self.address.get().map_or_else(String::new, |address| format!(", {address}"));
        format!("{} (pid {}{address})", self.slot.name(), std::process::id())
    }

    fn has_ended(&self, name: &str) -> bool {
        self.slot.has_ended(name)
    }

    async fn take_on(&self) -> Result<(), String> {
        let mut driving = self.driving.lock().await;
        if driving.is_some() {
            return Ok(());
        }
        let lock = self.lock()?;
        let hosts = hosts::open(self.kind, &self.data, &self.identity).await.map_err(|error| format!("{error:#}"))?;
        let agent = Arc::new(Agent::new(Arc::clone(&hosts.machines), Arc::clone(&hosts.networks)));
        let (mut signal, changed) = (agent.changed(), self.changed.clone());
        let signals = tokio::spawn(async move {
            while signal.changed().await.is_ok() {
                changed.send_modify(|count| *count += 1);
            }
        });
        let listener = console::bind(self.data.root()).map_err(|error| format!("machines.sock: {error}"))?;
        let consoles = tokio::spawn(console::serve(listener, Arc::clone(&agent)));
        *driving = Some(Driving { agent, _hosts: hosts, signals, consoles, _lock: lock });
        Ok(())
    }

    async fn let_go(&self) {
        let taken = self.driving.lock().await.take();
        if let Some(driving) = taken {
            driving.agent.stop().await;
            driving.signals.abort();
            driving.consoles.abort();
        }
    }
}

#[async_trait]
impl Node for Driver {
    async fn assign(&self, assignment: Assignment) -> Result<(), NodeError> {
        self.agent().await?.assign(assignment).await
    }

    async fn report(&self) -> Result<Report, NodeError> {
        self.agent().await?.report().await
    }

    async fn console(&self, id: &ids::InstanceId) -> Result<Vec<u8>, NodeError> {
        match self.agent().await {
            Ok(agent) => agent.console(id).await,
            Err(_) => {
                let asked = console::ask(self.data.root(), id).await;
                asked.map_err(|error| NodeError(format!("the process that drives the machines: {error}")))
            }
        }
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}
