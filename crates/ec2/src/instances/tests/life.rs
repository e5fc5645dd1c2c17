//! From launch to oblivion, on a simulated host.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::ec2::{
    DescribeInstanceStatusRequest, Ec2Api, GetConsoleOutputRequest, InstanceMetadataOptionsRequest,
    RebootInstancesRequest, RunInstancesRequest, Tag, TagSpecification,
};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use host::{Assignment, Machines, Networks, Node, NodeError, Report, WorkloadReport};
use service::Reconciler;
use store::KeyPrefix;
use tokio::sync::watch;

use super::super::assignment::{assignment, live};
use super::rig::{Rig, root, state_of};
use crate::InstanceReconciler;
use crate::network::record::{PrivateAddressRecord, PublicAddressRecord};
use crate::tags::record::TagRecord;

#[tokio::test]
async fn an_instance_lives_and_is_forgotten() {
    let rig = Rig::new().await;
    let tag = Tag { key: Some("role".into()), value: Some("web".into()) };
    let tags = TagSpecification { resource_type: Some("instance".into()), tags: Some(vec![tag]) };
    let launched = rig.launch_one(RunInstancesRequest { tag_specifications: Some(vec![tags]), ..rig.request() }).await;
    assert_eq!(state_of(&launched), "pending");
    assert_eq!(launched.state_reason.unwrap().code.as_deref(), Some("pending"));
    let id = launched.instance_id.unwrap();
    let machine: ids::InstanceId = id.parse().unwrap();

    let running = rig.until(&id, "running").await;
    assert_eq!(running.state_reason, None);
    let spec = rig.machines.spec(&machine).unwrap();
    assert_eq!((spec.vcpus, spec.memory_mib, spec.boot.root_bytes), (2, 512, 1 << 28));
    let status = rig.ec2.describe_instance_status(root(1), DescribeInstanceStatusRequest::default()).await.unwrap();
    assert_eq!(status.instance_statuses.unwrap().len(), 1);
    let console = GetConsoleOutputRequest { instance_id: id.clone(), ..Default::default() };
    let output = rig.ec2.get_console_output(root(1), console).await.unwrap().output.unwrap();
    assert!(STANDARD.decode(output).unwrap().starts_with(b"This is the simulated machine"));

    let reboot = RebootInstancesRequest { instance_ids: vec![id.clone()], dry_run: None };
    rig.ec2.reboot_instances(root(1), reboot.clone()).await.unwrap();
    rig.reconcile_until(async || (rig.machines.counts(&machine) == (1, 1)).then_some(())).await;

    rig.terminate(root(1), &id).await.unwrap();
    assert_eq!(state_of(&rig.instance(&id).await), "shutting-down");
    assert_eq!(rig.ec2.reboot_instances(root(1), reboot).await.unwrap_err().code, "IncorrectState");
    let ended = rig.until(&id, "terminated").await;
    assert_eq!(ended.state_reason.unwrap().code.as_deref(), Some("Client.UserInitiatedShutdown"));
    assert_eq!(ended.state_transition_reason.as_deref(), Some("User initiated (2026-11-21 08:00:00 GMT)"));
    assert_eq!((ended.vpc_id, ended.private_ip_address, ended.public_ip_address), (None, None, None));
    assert_eq!(ended.tags.unwrap().len(), 1);
    assert!(rig.machines.list().await.unwrap().is_empty());
    rig.terminate(root(1), &id).await.unwrap();
    let view = rig.store.view().unwrap();
    assert!(view.scan::<PrivateAddressRecord>(&KeyPrefix::all(), None, 1).unwrap().is_empty());
    assert!(view.scan::<PublicAddressRecord>(&KeyPrefix::all(), None, 1).unwrap().is_empty());

    rig.effects.advance(Duration::from_secs(3599));
    rig.reconciler.activate().await.unwrap();
    assert_eq!(rig.instances(root(1)).await.len(), 1);
    rig.effects.advance(Duration::from_secs(1));
    rig.reconciler.activate().await.unwrap();
    assert!(rig.instances(root(1)).await.is_empty());
    assert!(rig.store.view().unwrap().scan::<TagRecord>(&KeyPrefix::all(), None, 1).unwrap().is_empty());
    rig.reconcile_until(async || rig.networks.list().await.unwrap().is_empty().then_some(())).await;
}

#[tokio::test]
async fn a_machine_that_ends_ends_its_instance() {
    let rig = Rig::new().await;
    for (by_guest, code) in [(true, "Client.InstanceInitiatedShutdown"), (false, "Server.InternalError")] {
        let id = rig.launch_one(rig.request()).await.instance_id.unwrap();
        rig.until(&id, "running").await;
        assert!(rig.machines.die(&id.parse().unwrap(), by_guest, "test"));
        let ended = rig.until(&id, "terminated").await;
        assert_eq!(ended.state_reason.unwrap().code.as_deref(), Some(code));
        rig.reconcile_until(async || rig.machines.list().await.unwrap().is_empty().then_some(())).await;
    }
}

#[tokio::test]
async fn the_assignment_says_all_that_a_node_must_know() {
    let rig = Rig::new().await;
    let options =
        InstanceMetadataOptionsRequest { instance_metadata_tags: Some("enabled".into()), ..Default::default() };
    let tag = Tag { key: Some("role".into()), value: Some("web".into()) };
    let tags = TagSpecification { resource_type: Some("instance".into()), tags: Some(vec![tag]) };
    let input = RunInstancesRequest {
        max_count: 2,
        key_name: Some("mine".into()),
        user_data: Some(STANDARD.encode("#!/bin/sh\n")),
        metadata_options: Some(options),
        tag_specifications: Some(vec![tags]),
        ..rig.request()
    };
    rig.launch(root(1), input).await.unwrap();
    rig.launch(root(2), rig.request()).await.unwrap();
    let view = rig.store.view().unwrap();
    let region = rig.ec2.runner.region().clone();
    let given = assignment(&view, &region, &live(&view).unwrap()).unwrap();
    assert_eq!((given.networks.len(), given.machines.len(), given.reboots.len()), (2, 3, 0));
    let network = given.networks.iter().find(|network| network.interfaces.len() == 2).unwrap();
    assert_eq!(network.subnets.len(), 1);
    let mut addresses: Vec<Ipv4Addr> = network.interfaces.iter().map(|own| own.private_ip).collect();
    addresses.sort_unstable();
    assert_eq!(network.members.values().collect::<Vec<_>>(), [&addresses]);
    let own = &network.interfaces[0];
    assert_eq!((own.ingress.len(), own.egress.len()), (2, 1));
    let leaf = |path: &str| own.metadata.leaves.get(path).map(String::as_str);
    assert_eq!(leaf("meta-data/local-ipv4"), Some(own.private_ip.to_string().as_str()));
    assert_eq!(leaf("meta-data/public-keys/"), Some("0=mine"));
    assert_eq!(leaf("meta-data/public-keys/0/openssh-key"), Some("ssh-ed25519 AAAA"));
    assert_eq!(leaf("meta-data/tags/instance/role"), Some("web"));
    assert_eq!(leaf("meta-data/placement/availability-zone-id"), Some("use1-az1"));
    let subnet_block = format!("meta-data/network/interfaces/macs/{}/subnet-ipv4-cidr-block", own.mac);
    assert_eq!(leaf(&subnet_block), Some("172.31.0.0/20"));
    let document: serde_json::Value =
        serde_json::from_str(leaf("dynamic/instance-identity/document").unwrap()).unwrap();
    assert_eq!(document["accountId"], "111111111111");
    assert_eq!(document["pendingTime"], "2026-11-21T08:00:00Z");
    assert_eq!(own.metadata.user_data.as_deref(), Some(b"#!/bin/sh\n".as_slice()));
}

/// A node that says what the test wants it to.
#[derive(Default)]
struct Puppet {
    assignments: AtomicUsize,
    is_dumb: AtomicBool,
    report: Mutex<Report>,
    changed: watch::Sender<u64>,
}

#[async_trait]
impl Node for Puppet {
    async fn assign(&self, assignment: Assignment) -> Result<(), NodeError> {
        self.report.lock().unwrap().generation = Some(assignment.generation);
        self.assignments.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn report(&self) -> Result<Report, NodeError> {
        if self.is_dumb.load(Ordering::Relaxed) {
            return Err(NodeError("it began anew".into()));
        }
        Ok(self.report.lock().unwrap().clone())
    }

    async fn console(&self, _id: &ids::InstanceId) -> Result<Vec<u8>, NodeError> {
        Err(NodeError("it has none".into()))
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

#[tokio::test]
async fn an_assignment_is_handed_over_once_unless_the_node_began_anew() {
    let rig = Rig::new().await;
    let node = Arc::new(Puppet::default());
    let region = rig.ec2.runner.region().clone();
    let reconciler = InstanceReconciler::new(rig.store.clone(), node.clone(), rig.effects.clone(), region);
    let count = || node.assignments.load(Ordering::Relaxed);
    reconciler.activate().await.unwrap();
    reconciler.activate().await.unwrap();
    assert_eq!(count(), 1);
    rig.launch_one(rig.request()).await;
    reconciler.activate().await.unwrap();
    assert_eq!(count(), 2);
    node.is_dumb.store(true, Ordering::Relaxed);
    reconciler.activate().await.unwrap_err();
    node.is_dumb.store(false, Ordering::Relaxed);
    reconciler.activate().await.unwrap();
    assert_eq!(count(), 3);
}

#[tokio::test]
async fn a_launch_that_the_node_refuses_ends_and_gives_its_addresses_back() {
    let rig = Rig::new().await;
    let node = Arc::new(Puppet::default());
    let region = rig.ec2.runner.region().clone();
    let reconciler = InstanceReconciler::new(rig.store.clone(), node.clone(), rig.effects.clone(), region);
    let id = rig.launch_one(rig.request()).await.instance_id.unwrap();
    let workload = WorkloadReport { id: id.parse().unwrap(), state: None, refused: Some("no such kernel".into()) };
    *node.report.lock().unwrap() = Report { workloads: vec![workload], ..Report::default() };
    let pass = reconciler.activate().await.unwrap();
    assert_eq!((pass.changed, pass.trouble), (1, Some(format!("{id}: no such kernel"))));
    let ended = rig.instance(&id).await;
    assert_eq!(state_of(&ended), "terminated");
    assert_eq!(ended.state_reason.unwrap().message.unwrap(), "Server.InternalError: Internal error on launch");
    let view = rig.store.view().unwrap();
    assert!(view.scan::<PrivateAddressRecord>(&KeyPrefix::all(), None, 1).unwrap().is_empty());
}
