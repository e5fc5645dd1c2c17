//! Cases for the plan of a node: what is assigned and what is seen on one side, the steps on the other.

use std::collections::{BTreeMap, BTreeSet};

use host::conformance::empty_network;
use host::{Assignment, BootSpec, MachineSpec, MachineState, NicSpec, SeenMachine};
use ids::{InstanceId, NetworkInterfaceId, VpcId};

use super::{Key, Wanted, plan};

fn instance(number: u8) -> InstanceId {
    InstanceId::from_random([number; 8])
}

fn machine(number: u8, vpc: u8) -> MachineSpec {
    let boot = BootSpec { kernel: None, initrd: None, command_line: String::new(), root: None, root_bytes: 1 << 30 };
    let nic = NicSpec {
        id: NetworkInterfaceId::from_random([number; 8]),
        vpc: VpcId::from_random([vpc; 8]),
        mac: "02:00:00:00:00:01".into(),
    };
    MachineSpec { id: instance(number), vcpus: 1, memory_mib: 64, boot, nics: vec![nic], disks: Vec::new() }
}

/// A situation in words. Assigned: `m1/9` is machine 1 on VPC 9, `v9` VPC 9, `v9'` the same with other contents, `r1=2`
/// the second reboot of machine 1. Seen: `p1` prepared, `u1` running, `u1=2` running after reset 2, `x1` exited, `v9` a
/// network. Applied: as assigned. Held: `m1`, `v9`. The steps come out the same way.
#[track_caller]
fn check(assigned: &str, seen: &str, applied: &str, held: &str, expected: &str) {
    let number = |text: &str| text.parse::<u8>().unwrap();
    let network = |text: &str| {
        let mut spec = empty_network(number(text.trim_end_matches('\'')));
        spec.cidr.1 += u8::from(text.ends_with('\''));
        spec
    };
    let mut assignment = Assignment::default();
    for word in assigned.split_whitespace() {
        match word.split_at(1) {
            ("m", rest) => {
                let (id, vpc) = rest.split_once('/').unwrap();
                assignment.machines.push(machine(number(id), number(vpc)));
            }
            ("v", rest) => assignment.networks.push(network(rest)),
            ("r", rest) => {
                let (id, count) = rest.split_once('=').unwrap();
                assignment.reboots.push((instance(number(id)), count.parse().unwrap()));
            }
            _ => panic!("{word}"),
        }
    }
    let (mut machines, mut vpcs) = (Vec::new(), Vec::new());
    for word in seen.split_whitespace() {
        let (kind, rest) = word.split_at(1);
        let (id, resets) = rest.split_once('=').unwrap_or((rest, "0"));
        let state = match kind {
            "p" => MachineState::Prepared,
            "u" => MachineState::Running,
            "x" => MachineState::Exited { by_guest: false, reason: "killed".into() },
            _ => {
                vpcs.push(VpcId::from_random([number(id); 8]));
                continue;
            }
        };
        machines.push(SeenMachine { id: instance(number(id)), state, resets: resets.parse().unwrap() });
    }
    let applied: BTreeMap<_, _> =
        applied.split_whitespace().map(|word| network(&word[1..])).map(|spec| (spec.vpc.clone(), spec)).collect();
    let held: BTreeSet<Key> = held
        .split_whitespace()
        .map(|word| match word.split_at(1) {
            ("m", id) => Key::Machine(instance(number(id))),
            (_, id) => Key::Network(VpcId::from_random([number(id); 8])),
        })
        .collect();
    let last = |id: &str| u8::from_str_radix(&id[id.len() - 2..], 16).unwrap();
    let steps: Vec<String> = plan(&Wanted::new(&assignment), &machines, &vpcs, &applied, &held)
        .iter()
        .map(|step| match step {
            super::Step::ApplyNetwork(spec) => format!("apply v{}", last(spec.vpc.as_str())),
            super::Step::RemoveNetwork(vpc) => format!("remove v{}", last(vpc.as_str())),
            super::Step::Prepare(spec) => format!("prepare m{}", last(spec.id.as_str())),
            super::Step::BringUp(spec, resets) => format!("up m{}={resets}", last(spec.id.as_str())),
            super::Step::Reset(id, number) => format!("reset m{}={number}", last(id.as_str())),
            super::Step::Retire(id) => format!("retire m{}", last(id.as_str())),
        })
        .collect();
    assert_eq!(steps.join(", "), expected, "assigned {assigned:?}, seen {seen:?}, applied {applied:?}, held {held:?}");
}

#[test]
fn networks_come_before_the_machines_on_them() {
    check("m1/9 v9", "p1", "", "", "apply v9");
    check("m1/9 v9", "v9 p1", "", "", "apply v9");
    check("m1/9 v9'", "v9 p1", "v9", "", "apply v9");
    check("m1/9 v9", "v9", "v9", "", "up m1=0");
    check("m1/9 m2/8 v9 v8", "v9 p2", "v9", "", "apply v8, up m1=0");
    check("m1/9 m2/8 v9 v8", "v9 p2", "v9", "v8", "up m1=0");
}

#[test]
fn a_machine_is_prepared_while_its_network_is_made() {
    check("m1/9 v9", "", "", "", "apply v9, prepare m1");
    check("m1/9 v9", "", "", "v9", "prepare m1");
    check("m1/9 v9", "v9", "", "", "apply v9, prepare m1");
    check("m1/9 v9", "", "", "v9 m1", "");
    check("m1/9 v9", "x1", "", "v9", "");
    check("m1/9", "", "", "", "");
}

#[test]
fn a_machine_without_its_network_waits_for_another_assignment() {
    check("m1/9", "", "", "", "");
    check("m1/9 v8", "v8", "v8", "", "");
}

#[test]
fn machines_are_brought_up_once() {
    check("m1/9 v9", "v9 p1", "v9", "", "up m1=0");
    check("m1/9 v9", "v9 u1", "v9", "", "");
    check("m1/9 v9", "v9", "v9", "m1", "");
    check("m1/9 m2/9 v9", "v9 u1", "v9", "", "up m2=0");
}

#[test]
fn a_machine_that_exited_is_never_started_again() {
    check("m1/9 v9", "v9 x1", "v9", "", "");
    check("m1/9 v9 r1=1", "v9 x1", "v9", "", "");
    check("m1/9 v9", "v9 x1", "", "", "apply v9");
}

#[test]
fn reboots_are_done_once() {
    check("m1/9 v9 r1=2", "v9 u1=1", "v9", "", "reset m1=2");
    check("m1/9 v9 r1=2", "v9 u1=2", "v9", "", "");
    check("m1/9 v9 r1=2", "v9 u1=3", "v9", "", "");
    check("m1/9 v9 r1=2", "v9", "v9", "", "up m1=2");
    check("m1/9 v9 r2=2", "v9 u1", "v9", "", "");
}

#[test]
fn what_is_not_assigned_goes_machines_before_networks() {
    check("", "v9 u1 p2 x3", "v9", "", "retire m1, retire m2, retire m3");
    check("", "v9 u1", "v9", "m1", "");
    check("", "v9", "v9", "m1", "");
    check("", "v9", "v9", "", "remove v9");
    check("v8", "v9 v8 u1", "v8", "", "retire m1");
    check("m1/8 v8", "v9 v8 u1", "v8", "", "remove v9");
    check("", "v9", "", "v9", "");
}

#[test]
fn a_running_machine_does_not_wait_for_its_network() {
    check("m1/9 v9' r1=1", "v9 u1", "v9", "v9", "reset m1=1");
}
