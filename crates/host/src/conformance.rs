//! What every implementation of [`Machines`] and [`Networks`] must do, as tests that an implementation calls from its
//! own. They panic where a promise is broken. Not here: what only one implementation promises.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ids::{InstanceId, VpcId};

use crate::{MachineSpec, MachineState, Machines, NetworkSpec, Networks};

/// Far above what any of these waits takes, so that a loaded machine fails no test.
const PATIENCE: Duration = Duration::from_secs(30);

/// An implementation of [`Machines`], as the suite needs it.
#[async_trait]
pub trait MachineHost: Send + Sync {
    /// Opens the host; called again after the last opened one was dropped, it must find the same machines.
    async fn open(&self) -> Arc<dyn Machines>;

    /// A machine that runs until something ends it and ignores a request to shut down. Equal for equal ids.
    fn spec(&self, id: InstanceId) -> MachineSpec;

    /// Ends the machine's process behind the back of the opened host, as a crash would.
    async fn crash(&self, id: &InstanceId);
}

/// Runs every case for machines, one after the other, on one host.
pub async fn machines(host: &dyn MachineHost) {
    unknown_machines_are_gone_already(host).await;
    each_effect_twice_is_each_effect_once(host).await;
    a_crash_is_noticed_and_kept(host).await;
    a_host_opened_again_finds_its_machines(host).await;
    a_crash_while_no_one_looked_is_found(host).await;
    a_parked_machine_counts_as_never_started(host).await;
    resets_are_counted(host).await;
    machines_do_not_disturb_each_other(host).await;
}

fn instance(number: u8) -> InstanceId {
    InstanceId::from_random([number; 8])
}

/// The state of a machine as `list` gives it; none if it is not listed.
async fn state(machines: &dyn Machines, id: &InstanceId) -> Option<MachineState> {
    let listed = machines.list().await.expect("list");
    let mut found = listed.into_iter().filter(|seen| &seen.id == id);
    let state = found.next().map(|seen| seen.state);
    assert!(found.next().is_none(), "{id} is listed twice");
    state
}

/// Waits for `changed` until the machine has exited, and gives its state.
async fn exited(machines: &dyn Machines, id: &InstanceId) -> MachineState {
    let mut changed = machines.changed();
    let waiting = async {
        loop {
            changed.borrow_and_update();
            match state(machines, id).await {
                Some(state @ MachineState::Exited { .. }) => return state,
                _ => changed.changed().await.expect("the host is open"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("changed() wakes when a machine dies")
}

async fn unknown_machines_are_gone_already(host: &dyn MachineHost) {
    let machines = host.open().await;
    let id = instance(1);
    assert_eq!(state(&*machines, &id).await, None);
    machines.remove(&id).await.expect("remove of an unknown machine");
    machines.stop(&id, Duration::ZERO).await.expect("stop of an unknown machine");
    assert_eq!(machines.console(&id).await.expect("console of an unknown machine"), b"");
    machines.start(&id).await.expect_err("start of a machine that was not prepared");
    machines.reset(&id, 1).await.expect_err("reset of an unknown machine");
    assert_eq!(state(&*machines, &id).await, None, "nothing came of it");
}

async fn each_effect_twice_is_each_effect_once(host: &dyn MachineHost) {
    let machines = host.open().await;
    let id = instance(2);
    let spec = host.spec(id.clone());
    for _ in 0..2 {
        machines.prepare(&spec).await.expect("prepare");
        assert_eq!(state(&*machines, &id).await, Some(MachineState::Prepared));
    }
    machines.stop(&id, Duration::ZERO).await.expect("stop of a prepared machine");
    assert_eq!(state(&*machines, &id).await, Some(MachineState::Prepared));
    for _ in 0..2 {
        machines.start(&id).await.expect("start");
        assert_eq!(state(&*machines, &id).await, Some(MachineState::Running));
    }
    machines.prepare(&spec).await.expect("prepare of a running machine");
    assert_eq!(state(&*machines, &id).await, Some(MachineState::Running));
    for _ in 0..2 {
        machines.stop(&id, Duration::from_millis(50)).await.expect("stop");
        assert!(matches!(state(&*machines, &id).await, Some(MachineState::Exited { .. })));
    }
    machines.prepare(&spec).await.expect("prepare of an exited machine");
    machines.start(&id).await.expect("start of an exited machine");
    assert_eq!(state(&*machines, &id).await, Some(MachineState::Running));
    for _ in 0..2 {
        machines.remove(&id).await.expect("remove");
        assert_eq!(state(&*machines, &id).await, None);
    }
    machines.prepare(&spec).await.expect("prepare after remove");
    assert_eq!(state(&*machines, &id).await, Some(MachineState::Prepared));
    machines.remove(&id).await.expect("remove");
}

async fn a_crash_is_noticed_and_kept(host: &dyn MachineHost) {
    let machines = host.open().await;
    let id = instance(3);
    machines.prepare(&host.spec(id.clone())).await.expect("prepare");
    machines.start(&id).await.expect("start");
    host.crash(&id).await;
    let first = exited(&*machines, &id).await;
    assert!(matches!(first, MachineState::Exited { by_guest: false, .. }), "{first:?}");
    drop(machines);
    let machines = host.open().await;
    assert_eq!(state(&*machines, &id).await, Some(first), "the cause is kept");
    machines.remove(&id).await.expect("remove");
}

async fn a_parked_machine_counts_as_never_started(host: &dyn MachineHost) {
    let (parked, crashed) = (instance(20), instance(21));
    let machines = host.open().await;
    for id in [&parked, &crashed] {
        machines.prepare(&host.spec(id.clone())).await.expect("prepare");
        machines.start(id).await.expect("start");
    }
    host.crash(&crashed).await;
    let end = exited(&*machines, &crashed).await;
    for _ in 0..2 {
        machines.park(&parked, Duration::ZERO).await.expect("park");
        machines.park(&crashed, Duration::ZERO).await.expect("park of a machine that has exited");
    }
    machines.park(&instance(22), Duration::ZERO).await.expect("park of an unknown machine");
    drop(machines);
    let machines = host.open().await;
    assert_eq!(state(&*machines, &parked).await, Some(MachineState::Prepared));
    assert_eq!(state(&*machines, &crashed).await, Some(end), "parking does not hide a crash");
    machines.start(&parked).await.expect("start of a parked machine");
    for id in [&parked, &crashed] {
        machines.remove(id).await.expect("remove");
    }
}

async fn a_host_opened_again_finds_its_machines(host: &dyn MachineHost) {
    let (prepared, running, stopped) = (instance(4), instance(5), instance(6));
    let machines = host.open().await;
    for id in [&prepared, &running, &stopped] {
        machines.prepare(&host.spec(id.clone())).await.expect("prepare");
    }
    machines.start(&running).await.expect("start");
    machines.start(&stopped).await.expect("start");
    machines.stop(&stopped, Duration::ZERO).await.expect("stop");
    drop(machines);

    let machines = host.open().await;
    assert_eq!(state(&*machines, &prepared).await, Some(MachineState::Prepared));
    assert_eq!(state(&*machines, &running).await, Some(MachineState::Running));
    assert!(matches!(state(&*machines, &stopped).await, Some(MachineState::Exited { by_guest: false, .. })));
    host.crash(&running).await;
    exited(&*machines, &running).await;
    for id in [&prepared, &running, &stopped] {
        machines.remove(id).await.expect("remove");
    }
    drop(machines);
    assert_eq!(host.open().await.list().await.expect("list"), []);
}

async fn a_crash_while_no_one_looked_is_found(host: &dyn MachineHost) {
    let id = instance(7);
    let machines = host.open().await;
    machines.prepare(&host.spec(id.clone())).await.expect("prepare");
    machines.start(&id).await.expect("start");
    drop(machines);
    host.crash(&id).await;
    let machines = host.open().await;
    let first = exited(&*machines, &id).await;
    assert!(matches!(first, MachineState::Exited { by_guest: false, .. }), "{first:?}");
    machines.remove(&id).await.expect("remove");
}

async fn resets_are_counted(host: &dyn MachineHost) {
    let id = instance(8);
    let resets = async |machines: &dyn Machines| {
        machines.list().await.expect("list").into_iter().find(|seen| seen.id == id).map(|seen| seen.resets)
    };
    let machines = host.open().await;
    machines.prepare(&host.spec(id.clone())).await.expect("prepare");
    assert_eq!(resets(&*machines).await, Some(0));
    machines.reset(&id, 1).await.expect("reset of a prepared machine");
    machines.start(&id).await.expect("start");
    for (number, expected) in [(1, 1), (3, 3), (3, 3), (2, 3)] {
        machines.reset(&id, number).await.expect("reset");
        assert_eq!(resets(&*machines).await, Some(expected));
        assert_eq!(state(&*machines, &id).await, Some(MachineState::Running), "a reset ends nothing");
    }
    drop(machines);
    let machines = host.open().await;
    assert_eq!(resets(&*machines).await, Some(3), "the number is kept");
    machines.remove(&id).await.expect("remove");
}

async fn machines_do_not_disturb_each_other(host: &dyn MachineHost) {
    let machines = host.open().await;
    let all: Vec<InstanceId> = (20..24).map(instance).collect();
    let mut rising = tokio::task::JoinSet::new();
    for id in &all {
        let (machines, spec) = (machines.clone(), host.spec(id.clone()));
        rising.spawn(async move {
            machines.prepare(&spec).await.expect("prepare");
            machines.start(&spec.id).await.expect("start");
        });
    }
    rising.join_all().await;
    machines.remove(&all[0]).await.expect("remove");
    for (number, id) in all.iter().enumerate() {
        let expected = if number == 0 { None } else { Some(MachineState::Running) };
        assert_eq!(state(&*machines, id).await, expected, "{id}");
    }
    for id in &all {
        machines.remove(id).await.expect("remove");
    }
}

/// Runs every case for networks on a host that has none yet. `open` opens the host, and again after the last one was
/// dropped.
pub async fn networks(open: &(dyn Fn() -> Arc<dyn Networks> + Sync)) {
    let (first, second) = (empty_network(1), empty_network(2));
    let networks = open();
    let list = async |networks: &dyn Networks| {
        let mut vpcs = networks.list().await.expect("list");
        vpcs.sort();
        vpcs
    };
    assert_eq!(list(&*networks).await, []);
    networks.remove(&first.vpc).await.expect("remove of an unknown network");
    for _ in 0..2 {
        networks.apply(&first).await.expect("apply");
        assert_eq!(list(&*networks).await, std::slice::from_ref(&first.vpc));
    }
    networks.apply(&second).await.expect("apply of a second network");
    drop(networks);

    let networks = open();
    assert_eq!(list(&*networks).await, [first.vpc.clone(), second.vpc.clone()], "a host opened again finds them");
    networks.apply(&first).await.expect("apply after opening again");
    for _ in 0..2 {
        networks.remove(&first.vpc).await.expect("remove");
        assert_eq!(list(&*networks).await, std::slice::from_ref(&second.vpc));
    }
    networks.purge().await.expect("purge");
    networks.purge().await.expect("purge of nothing");
    assert_eq!(list(&*networks).await, []);
}

/// What a guest asks its metadata service for where the credentials of its role are.
pub const CREDENTIALS: &str = "meta-data/iam/security-credentials/web";

/// The same network while the credentials of a role come, are made anew, and go again: each with the leaf that a guest of
/// its first interface must then find at [`CREDENTIALS`], if any. A host must give them in turn, without anything else of
/// the network changing.
pub fn rotation(network: &NetworkSpec) -> [(NetworkSpec, Option<&'static str>); 4] {
    let with = |leaf: Option<&'static str>| {
        let mut network = network.clone();
        let leaves = &mut network.interfaces[0].metadata.leaves;
        leaves.remove(CREDENTIALS);
        leaves.extend(leaf.map(|leaf| (CREDENTIALS.to_owned(), leaf.to_owned())));
        (network, leaf)
    };
    [with(None), with(Some("the first ones")), with(Some("the second ones")), with(None)]
}

/// A VPC without subnets and interfaces, in a block of its own.
pub fn empty_network(number: u8) -> NetworkSpec {
    NetworkSpec {
        vpc: VpcId::from_random([number; 8]),
        cidr: (Ipv4Addr::new(10, number, 0, 0), 16),
        subnets: Vec::new(),
        interfaces: Vec::new(),
        members: BTreeMap::new(),
    }
}
