//! Machines in name only.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use host::{HostError, MachineSpec, MachineState, Machines, SeenMachine};
use ids::InstanceId;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::Faults;
use crate::folder::Folder;

/// Simulated machines. A machine "runs" until it is stopped, removed or made to die; with a folder it does so across
/// our processes.
#[derive(Debug)]
pub struct SimMachines {
    machines: Mutex<BTreeMap<InstanceId, Machine>>,
    folder: Folder,
    faults: Faults,
    changed: watch::Sender<u64>,
}

/// What is saved of a machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Machine {
    spec: MachineSpec,
    state: MachineState,
    resets: u64,
    /// How often it was really reset, for tests: below `resets` where several were asked for at once.
    reset_count: u64,
    /// How often it was started.
    start_count: u64,
}

impl SimMachines {
    /// Machines that are forgotten with this value. `faults` is asked before each effect.
    pub fn in_memory(faults: Faults) -> Self {
        Self { machines: Mutex::default(), folder: Folder::default(), faults, changed: watch::Sender::new(0) }
    }

    /// Machines kept in `folder`, which is made where it is missing. Fails if it cannot be read.
    pub fn open(folder: &Path, faults: Faults) -> Result<Self, HostError> {
        let folder = Folder::open(folder)?;
        let machines = folder.load::<Machine>()?.into_iter().map(|machine| (machine.spec.id.clone(), machine));
        let machines = Mutex::new(machines.collect());
        Ok(Self { machines, folder, faults, changed: watch::Sender::new(0) })
    }

    /// Makes a running machine end by itself. False if it does not run.
    pub fn die(&self, id: &InstanceId, by_guest: bool, reason: &str) -> bool {
        let mut machines = self.lock();
        let Some(machine) = machines.get_mut(id).filter(|machine| machine.state == MachineState::Running) else {
            return false;
        };
        machine.state = MachineState::Exited { by_guest, reason: reason.to_owned() };
        // A test that cannot write its folder sees that at its next effect.
        let _ = self.folder.save(id.as_str(), machine);
        drop(machines);
        self.changed.send_modify(|count| *count += 1);
        true
    }

    /// True if the machine is there and runs.
    pub fn is_running(&self, id: &InstanceId) -> bool {
        self.lock().get(id).is_some_and(|machine| machine.state == MachineState::Running)
    }

    /// The specification that a machine was last prepared with.
    pub fn spec(&self, id: &InstanceId) -> Option<MachineSpec> {
        self.lock().get(id).map(|machine| machine.spec.clone())
    }

    /// How often a machine was started and how often it was really reset.
    pub fn counts(&self, id: &InstanceId) -> (u64, u64) {
        self.lock().get(id).map(|machine| (machine.start_count, machine.reset_count)).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<InstanceId, Machine>> {
        self.machines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a machine that is there and saves it. `None` from `change` means that nothing is to be done.
    fn change(
        &self,
        id: &InstanceId,
        change: impl FnOnce(&mut Machine) -> Option<()>,
    ) -> Result<Option<()>, HostError> {
        let mut machines = self.lock();
        let Some(machine) = machines.get_mut(id) else { return Ok(None) };
        let mut changed = machine.clone();
        if change(&mut changed).is_some() {
            self.folder.save(id.as_str(), &changed)?;
            *machine = changed;
        }
        Ok(Some(()))
    }
}

#[async_trait]
impl Machines for SimMachines {
    async fn list(&self) -> Result<Vec<SeenMachine>, HostError> {
        let seen = |(id, machine): (&InstanceId, &Machine)| SeenMachine {
            id: id.clone(),
            state: machine.state.clone(),
            resets: machine.resets,
        };
        self.faults.paused().await;
        let all = self.lock().iter().map(seen).collect();
        self.faults.paused().await;
        Ok(all)
    }

    async fn prepare(&self, spec: &MachineSpec) -> Result<(), HostError> {
        self.faults
            .run(&format!("prepare machine {}", spec.id), || {
                let mut machines = self.lock();
                let machine = match machines.get(&spec.id) {
                    Some(known) if known.state == MachineState::Running || &known.spec == spec => return Ok(()),
                    Some(known) => Machine { spec: spec.clone(), ..known.clone() },
                    None => Machine {
                        spec: spec.clone(),
                        state: MachineState::Prepared,
                        resets: 0,
                        reset_count: 0,
                        start_count: 0,
                    },
                };
                self.folder.save(spec.id.as_str(), &machine)?;
                machines.insert(spec.id.clone(), machine);
                Ok(())
            })
            .await
    }

    async fn start(&self, id: &InstanceId) -> Result<(), HostError> {
        let doing = format!("start machine {id}");
        self.faults
            .run(&doing, || {
                let started = self.change(id, |machine| {
                    (machine.state != MachineState::Running).then(|| {
                        machine.state = MachineState::Running;
                        machine.start_count += 1;
                    })
                })?;
                started.ok_or_else(|| HostError::failed(&doing, "it was not prepared"))
            })
            .await
    }

    async fn stop(&self, id: &InstanceId, _grace: Duration) -> Result<(), HostError> {
        self.faults
            .run(&format!("stop machine {id}"), || {
                self.change(id, |machine| {
                    (machine.state == MachineState::Running).then(|| {
                        let reason = "stopped on request".to_owned();
                        machine.state = MachineState::Exited { by_guest: false, reason };
                    })
                })?;
                Ok(())
            })
            .await
    }

    async fn park(&self, id: &InstanceId, _grace: Duration) -> Result<(), HostError> {
        self.faults
            .run(&format!("park machine {id}"), || {
                self.change(id, |machine| {
                    (machine.state == MachineState::Running).then(|| machine.state = MachineState::Prepared)
                })?;
                Ok(())
            })
            .await
    }

    async fn reset(&self, id: &InstanceId, number: u64) -> Result<(), HostError> {
        let doing = format!("reset machine {id}");
        self.faults
            .run(&doing, || {
                let reset = self.change(id, |machine| {
                    (number > machine.resets).then(|| {
                        machine.resets = number;
                        machine.reset_count += u64::from(machine.state == MachineState::Running);
                    })
                })?;
                reset.ok_or_else(|| HostError::failed(&doing, "it was not prepared"))
            })
            .await
    }

    async fn remove(&self, id: &InstanceId) -> Result<(), HostError> {
        self.faults
            .run(&format!("remove machine {id}"), || {
                let mut machines = self.lock();
                self.folder.remove(id.as_str())?;
                machines.remove(id);
                Ok(())
            })
            .await
    }

    async fn console(&self, id: &InstanceId) -> Result<Vec<u8>, HostError> {
        match self.lock().get(id) {
            Some(machine) if machine.start_count > 0 => {
                Ok(format!("This is the simulated machine {id}: nothing was booted.\r\n").into_bytes())
            }
            _ => Ok(Vec::new()),
        }
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}
