//! The simulator keeps the promises that the real host keeps.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, which clippy finds only below #[test]")]

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use async_trait::async_trait;
use host::conformance::{self, MachineHost};
use host::metadata::{MetadataRequest, TokenKey, answer};
use host::{BootSpec, InterfaceSpec, MachineSpec, Machines, MetadataSpec, Networks};
use host_sim::{CutPoint, Faults, SimMachines, SimNetworks};
use ids::{InstanceId, NetworkInterfaceId, SubnetId};

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
async fn credentials_come_rotate_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let networks = SimNetworks::open(folder.path(), Faults::default()).unwrap();
    let mut network = conformance::empty_network(1);
    network.interfaces.push(interface());
    let key = TokenKey::new(&[7; 32]);
    for (network, expected) in conformance::rotation(&network) {
        networks.apply(&network).await.unwrap();
        let applied = networks.applied(&network.vpc).unwrap();
        let path = format!("/latest/{}", conformance::CREDENTIALS);
        let request = MetadataRequest { method: "GET", path: &path, ..MetadataRequest::default() };
        let reply = answer(&request, &applied.interfaces[0].metadata, &key, 0);
        let found = (reply.status == 200).then(|| String::from_utf8(reply.body).unwrap());
        assert_eq!(found.as_deref(), expected);
        assert!(!format!("{applied:?}").contains("the second ones"), "credentials are not for logs");
    }
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "credentials are for nobody else's eyes");
    }
}

fn interface() -> InterfaceSpec {
    InterfaceSpec {
        id: NetworkInterfaceId::from_random([1; 8]),
        subnet: SubnetId::from_random([1; 8]),
        mac: "02:00:00:00:00:01".into(),
        private_ip: Ipv4Addr::new(10, 1, 0, 10),
        public_ip: None,
        host_name: "ip-10-1-0-10.ec2.internal".into(),
        ingress: Vec::new(),
        egress: Vec::new(),
        metadata: MetadataSpec {
            instance: InstanceId::from_random([1; 8]),
            leaves: BTreeMap::new(),
            user_data: None,
            token_required: false,
            hop_limit: 1,
            is_enabled: true,
        },
    }
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
