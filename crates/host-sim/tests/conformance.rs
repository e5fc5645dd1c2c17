//! The simulator keeps the promises that the real host keeps.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use async_trait::async_trait;
use host::conformance::{self, MachineHost};
use host::{BootSpec, MachineSpec, Machines, Networks};
use host_sim::{CutPoint, Faults, SimMachines, SimNetworks};
use ids::InstanceId;

struct SimHost {
    folder: PathBuf,
    /// The opened host, as a crash has to be told to the one that is open.
    opened: Mutex<Weak<SimMachines>>,
}

#[async_trait]
impl MachineHost for SimHost {
    async fn open(&self) -> Arc<dyn Machines> {
        let opened = Arc::new(SimMachines::open(&self.folder, Faults::default()).unwrap());
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&opened);
        opened
    }

    fn spec(&self, id: InstanceId) -> MachineSpec {
        spec(id)
    }

    async fn crash(&self, id: &InstanceId) {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        let opened = opened.unwrap_or_else(|| Arc::new(SimMachines::open(&self.folder, Faults::default()).unwrap()));
        assert!(opened.die(id, false, "killed by the test"));
    }
}

fn spec(id: InstanceId) -> MachineSpec {
    let boot = BootSpec { kernel: None, initrd: None, command_line: String::new(), root: None, root_bytes: 1 << 30 };
    MachineSpec { id, vcpus: 1, memory_mib: 64, boot, nics: Vec::new(), disks: Vec::new() }
}

#[tokio::test]
async fn machines_conform() {
    let folder = tempfile::tempdir().unwrap();
    conformance::machines(&SimHost { folder: folder.path().to_owned(), opened: Mutex::default() }).await;
}

#[tokio::test]
async fn networks_conform() {
    let folder = tempfile::tempdir().unwrap();
    let open = || -> Arc<dyn Networks> { Arc::new(SimNetworks::open(folder.path(), Faults::default()).unwrap()) };
    conformance::networks(&open).await;
}

#[tokio::test]
async fn faults_hit_the_effect_they_are_meant_for() {
    let faults = Faults::default();
    let machines = SimMachines::in_memory(faults.clone());
    let id = InstanceId::from_random([1; 8]);
    faults.fail_nth(2);
    machines.prepare(&spec(id.clone())).await.unwrap();
    machines.start(&id).await.unwrap_err();
    machines.start(&id).await.unwrap();
    faults.cut_nth(1, CutPoint::After);
    machines.remove(&id).await.unwrap_err();
    assert!(faults.is_cut());
    assert_eq!(machines.list().await.unwrap(), [], "the effect happened before the cut");
    machines.prepare(&spec(id.clone())).await.unwrap_err();
    faults.heal();
    machines.prepare(&spec(id)).await.unwrap();
    assert_eq!(faults.effects(), 6);
}
