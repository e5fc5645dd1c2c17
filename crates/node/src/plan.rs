//! What to do next, from what is assigned and what is seen. Pure: no effects, no clock, no state.

use std::collections::{BTreeMap, BTreeSet};

use host::{Assignment, MachineSpec, MachineState, NetworkSpec, SeenMachine};
use ids::{InstanceId, VpcId};

/// What a step works on. No two steps for one key run at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The network of a VPC.
    Network(VpcId),
    /// A machine.
    Machine(InstanceId),
}

/// One thing to do. Steps of one plan do not depend on each other: what depends on a step is planned once that step's
/// outcome is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make a VPC's network as specified.
    ApplyNetwork(NetworkSpec),
    /// Prepare a machine, its disk above all, while its network is being made.
    Prepare(MachineSpec),
    /// Prepare a machine and start it, all reboots asked for so far being answered by that start.
    BringUp(MachineSpec, u64),
    /// Reset a running machine: the number of the reboot.
    Reset(InstanceId, u64),
    /// Stop a machine with grace and remove it.
    Retire(InstanceId),
    /// Remove a VPC's network.
    RemoveNetwork(VpcId),
}

impl Step {
    /// What the step works on.
    pub fn key(&self) -> Key {
        match self {
            Self::ApplyNetwork(spec) => Key::Network(spec.vpc.clone()),
            Self::RemoveNetwork(vpc) => Key::Network(vpc.clone()),
            Self::Prepare(spec) | Self::BringUp(spec, _) => Key::Machine(spec.id.clone()),
            Self::Reset(id, _) | Self::Retire(id) => Key::Machine(id.clone()),
        }
    }
}

/// An assignment, looked up by key.
#[derive(Debug, Default)]
pub struct Wanted<'a> {
    machines: BTreeMap<&'a InstanceId, &'a MachineSpec>,
    networks: BTreeMap<&'a VpcId, &'a NetworkSpec>,
    reboots: BTreeMap<&'a InstanceId, u64>,
}

impl<'a> Wanted<'a> {
    /// Sorts an assignment by key.
    pub fn new(assignment: &'a Assignment) -> Self {
        Self {
            machines: assignment.machines.iter().map(|spec| (&spec.id, spec)).collect(),
            networks: assignment.networks.iter().map(|spec| (&spec.vpc, spec)).collect(),
            reboots: assignment.reboots.iter().map(|(id, number)| (id, *number)).collect(),
        }
    }

    /// The assigned machines by id.
    pub fn machines(&self) -> &BTreeMap<&'a InstanceId, &'a MachineSpec> {
        &self.machines
    }

    /// The network that one of the machine's interfaces needs and the assignment does not have. Such a machine cannot
    /// be brought up until the region assigns something else.
    pub fn missing_network(&self, spec: &'a MachineSpec) -> Option<&'a VpcId> {
        spec.nics.iter().map(|nic| &nic.vpc).find(|vpc| !self.networks.contains_key(vpc))
    }

    /// What is assigned for a key, to tell whether it changed.
    pub fn get(&self, key: &Key) -> (Option<&'a MachineSpec>, Option<&'a NetworkSpec>) {
        match key {
            Key::Machine(id) => (self.machines.get(id).copied(), None),
            Key::Network(vpc) => (None, self.networks.get(vpc).copied()),
        }
    }
}

/// What to do now.
///
/// `machines` and `vpcs` are what the host has, `applied` the network specifications that are known to be in force, and
/// `held` the keys to leave alone: a step for them runs, or has failed and waits for its next activation.
///
/// Networks come before the machines on them, and go after them; only disks are made beside them. A machine that has exited is left as it is for as
/// long as it is assigned: whether an instance whose machine died lives again is the region's decision.
pub fn plan(
    wanted: &Wanted<'_>,
    machines: &[SeenMachine],
    vpcs: &[VpcId],
    applied: &BTreeMap<VpcId, NetworkSpec>,
    held: &BTreeSet<Key>,
) -> Vec<Step> {
    let seen: BTreeMap<&InstanceId, &SeenMachine> = machines.iter().map(|machine| (&machine.id, machine)).collect();
    // Compared once a network, not once a machine: a network's specification is as large as all its interfaces.
    let in_force: BTreeSet<&VpcId> =
        wanted.networks.iter().filter(|(vpc, spec)| applied.get(vpc) == Some(spec)).map(|(vpc, _)| *vpc).collect();
    let mut steps = Vec::new();

    for (vpc, spec) in &wanted.networks {
        if !in_force.contains(vpc) {
            steps.push(Step::ApplyNetwork((*spec).clone()));
        }
    }
    for (id, spec) in &wanted.machines {
        let reboots = wanted.reboots.get(id).copied().unwrap_or(0);
        let state = seen.get(id).map(|machine| &machine.state);
        match state {
            None | Some(MachineState::Prepared) => {
                if spec.nics.iter().all(|nic| in_force.contains(&nic.vpc)) {
                    steps.push(Step::BringUp((*spec).clone(), reboots));
                } else if state.is_none() && wanted.missing_network(spec).is_none() {
                    steps.push(Step::Prepare((*spec).clone()));
                }
            }
            Some(MachineState::Running) => {
                if seen.get(id).is_some_and(|machine| machine.resets < reboots) {
                    steps.push(Step::Reset((*id).clone(), reboots));
                }
            }
            Some(MachineState::Exited { .. }) => {}
        }
    }
    let is_leaving = |id: &InstanceId| !wanted.machines.contains_key(id);
    for id in seen.keys().filter(|id| is_leaving(id)) {
        steps.push(Step::Retire((*id).clone()));
    }
    let some_machine_leaves = seen.keys().any(|id| is_leaving(id))
        || held.iter().any(|key| matches!(key, Key::Machine(id) if is_leaving(id)));
    if !some_machine_leaves {
        let unwanted = vpcs.iter().filter(|vpc| !wanted.networks.contains_key(vpc));
        steps.extend(unwanted.cloned().map(Step::RemoveNetwork));
    }
    steps.retain(|step| !held.contains(&step.key()));
    steps
}

#[cfg(test)]
mod tests;
