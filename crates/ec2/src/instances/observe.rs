//! What a node's report means for the instances: pure functions, from what is stored and what is seen to changes.

use std::collections::HashMap;

use host::{MachineState, Report, WorkloadReport};
use ids::InstanceId;
use jiff::Timestamp;
use store::{Changes, Direction, KeyPrefix, Record, StoreError, View};

use super::profiles;
use super::record::InstanceRecord;
use super::states::InstanceState;
use crate::network::record::{PrivateAddressRecord, PublicAddressRecord};
use crate::tags::delete_tags_of;

/// How long a terminated instance stays visible. Source: the EC2 user guide on terminating instances.
const VISIBLE_SECONDS: i64 = 3600;
/// Most records that one activation forgets.
const FORGET_AT_ONCE: usize = 100;

/// AWS's codes and texts for the ways in which an instance ends. Source: the EC2 type `StateReason`.
const BY_GUEST: (&str, &str) =
    ("Client.InstanceInitiatedShutdown", "Client.InstanceInitiatedShutdown: Instance initiated shutdown");
const BY_CRASH: (&str, &str) = ("Server.InternalError", "Server.InternalError: Internal error");
const AT_LAUNCH: (&str, &str) = ("Server.InternalError", "Server.InternalError: Internal error on launch");

/// A report by instance.
pub(crate) struct Seen<'a> {
    workloads: HashMap<&'a InstanceId, &'a WorkloadReport>,
    is_current: bool,
}

impl<'a> Seen<'a> {
    /// Of a report, after the assignment `generation` was handed over. A report that has not seen that assignment says
    /// what there is, but neither that something is gone nor that it is refused.
    pub(crate) fn of(report: &'a Report, generation: u64) -> Self {
        let workloads = report.workloads.iter().map(|workload| (&workload.id, workload)).collect();
        Self { workloads, is_current: report.generation == Some(generation) }
    }

    /// What the report means for an instance in this state.
    fn transition(&self, state: InstanceState, id: &InstanceId) -> Option<Transition> {
        transition(state, self.workloads.get(id).copied(), self.is_current)
    }
}

/// A change of an instance's state that a report calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Transition {
    /// The new state.
    pub(crate) state: InstanceState,
    /// Why, unless the reason that is stored stands.
    pub(crate) reason: Option<(&'static str, &'static str)>,
}

/// What the node's word on an instance's machine makes of its state; none if it stays. `is_current` says whether the
/// node has seen the last assignment.
fn transition(state: InstanceState, seen: Option<&WorkloadReport>, is_current: bool) -> Option<Transition> {
    let machine = seen.and_then(|seen| seen.state.as_ref());
    let is_refused = is_current && seen.is_some_and(|seen| seen.refused.is_some());
    let is_gone = is_current && seen.is_none();
    let to = |state, reason| Some(Transition { state, reason });
    match (state, machine) {
        (InstanceState::Pending, Some(MachineState::Running)) => to(InstanceState::Running, None),
        (InstanceState::Pending | InstanceState::Running, Some(MachineState::Exited { by_guest, .. })) => {
            to(InstanceState::Terminated, Some(if *by_guest { BY_GUEST } else { BY_CRASH }))
        }
        (InstanceState::Pending, None | Some(MachineState::Prepared)) if is_refused => {
            to(InstanceState::Terminated, Some(AT_LAUNCH))
        }
        (InstanceState::ShuttingDown, None) if is_gone => to(InstanceState::Terminated, None),
        (InstanceState::Pending, None | Some(MachineState::Prepared))
        | (InstanceState::Running, None | Some(MachineState::Prepared | MachineState::Running))
        | (InstanceState::ShuttingDown, _)
        | (InstanceState::Terminated | InstanceState::Stopping | InstanceState::Stopped, _) => None,
    }
}

/// The keys of the live instances whose state a report changes.
pub(crate) fn affected(live: &[InstanceRecord], seen: &Seen<'_>) -> Vec<<InstanceRecord as Record>::Key> {
    let is_affected = |record: &&InstanceRecord| seen.transition(record.status.state, &record.id).is_some();
    live.iter().filter(is_affected).map(Record::key).collect()
}

/// What a report changes of the instances with these keys: states, and for those that end the release of their
/// addresses. Only they are read, so that launches of others meanwhile do not conflict.
///
/// # Errors
/// The store's.
pub(crate) fn observe(
    view: &View,
    keys: &[<InstanceRecord as Record>::Key],
    seen: &Seen<'_>,
    now: Timestamp,
) -> Result<Changes, StoreError> {
    let mut changes = Changes::new();
    for key in keys {
        let Some(mut record) = view.get::<InstanceRecord>(key)? else { continue };
        let Some(transition) = seen.transition(record.status.state, &record.id) else { continue };
        record.status.state = transition.state;
        record.status.since = now;
        match transition.reason {
            Some((code, message)) => record.status.reason = Some((code.to_owned(), message.to_owned())),
            None if transition.state == InstanceState::Running => record.status.reason = None,
            None => {}
        }
        if transition.state == InstanceState::Terminated {
            record.spec.is_wanted = false;
            release(view, &record, &mut changes)?;
        }
        changes.put(&record)?;
    }
    Ok(changes)
}

/// What removes terminated instances whose hour is over, with their tags.
///
/// # Errors
/// The store's.
pub(crate) fn forget(view: &View, now: Timestamp) -> Result<Changes, StoreError> {
    let mut changes = Changes::new();
    let ended =
        view.scan_index::<InstanceRecord>("ended", &KeyPrefix::all(), None, Direction::Ascending, FORGET_AT_ONCE)?;
    for (_, record) in ended {
        if now.as_second() - record.status.since.as_second() < VISIBLE_SECONDS {
            break;
        }
        changes.delete::<InstanceRecord>(&record.key());
        delete_tags_of(view, &mut changes, &record.account, record.id.as_str())?;
    }
    Ok(changes)
}

fn release(view: &View, record: &InstanceRecord, changes: &mut Changes) -> Result<(), StoreError> {
    let interface = &record.spec.interface;
    changes.delete::<PrivateAddressRecord>(&(interface.subnet.clone(), u64::from(interface.private_ip.to_bits())));
    if let Some(address) = interface.public_ip {
        changes.delete::<PublicAddressRecord>(&u64::from(address.to_bits()));
    }
    profiles::release(view, record, changes)?;
    delete_tags_of(view, changes, &record.account, interface.id.as_str())
}

#[cfg(test)]
mod tests {
    use host::{MachineState, Report, WorkloadReport};
    use ids::InstanceId;

    use super::super::states::InstanceState::{self, Pending, Running, ShuttingDown, Stopped, Terminated};
    use super::{Seen, transition};

    #[test]
    fn what_a_report_makes_of_a_state() {
        let exited = |by_guest| Some(MachineState::Exited { by_guest, reason: String::new() });
        let (guest, crash) = ("Client.InstanceInitiatedShutdown", "Server.InternalError");
        type Next = Option<(InstanceState, Option<&'static str>)>;
        let table: &[(InstanceState, Option<MachineState>, bool, Next)] = &[
            (Pending, None, false, None),
            (Pending, Some(MachineState::Prepared), false, None),
            (Pending, Some(MachineState::Running), false, Some((Running, None))),
            (Pending, None, true, Some((Terminated, Some(crash)))),
            (Pending, Some(MachineState::Running), true, Some((Running, None))),
            (Pending, exited(true), false, Some((Terminated, Some(guest)))),
            (Running, Some(MachineState::Running), false, None),
            (Running, Some(MachineState::Running), true, None),
            (Running, None, false, None),
            (Running, exited(true), false, Some((Terminated, Some(guest)))),
            (Running, exited(false), false, Some((Terminated, Some(crash)))),
            (ShuttingDown, Some(MachineState::Running), false, None),
            (ShuttingDown, exited(false), false, None),
            (ShuttingDown, None, false, None),
            (Terminated, Some(MachineState::Running), false, None),
            (Stopped, None, false, None),
        ];
        for (state, machine, is_refused, expected) in table {
            let seen = WorkloadReport {
                id: InstanceId::from_random([1; 8]),
                state: machine.clone(),
                refused: is_refused.then(|| "no".to_owned()),
            };
            let next = transition(*state, Some(&seen), true);
            let next = next.map(|next| (next.state, next.reason.map(|(code, _)| code)));
            assert_eq!(next, *expected, "{state:?} {machine:?} {is_refused}");
        }
        assert_eq!(transition(ShuttingDown, None, true).map(|next| next.state), Some(Terminated));
        assert_eq!(transition(Running, None, true), None);
    }

    #[test]
    fn a_report_of_an_earlier_assignment_ends_nothing_by_silence() {
        let id = InstanceId::from_random([1; 8]);
        let refused = WorkloadReport { id: id.clone(), state: None, refused: Some("no".to_owned()) };
        for (generation, expected) in [(None, None), (Some(3), None), (Some(4), Some(Terminated))] {
            let silent = Report { generation, ..Report::default() };
            let next = Seen::of(&silent, 4).transition(ShuttingDown, &id);
            assert_eq!(next.map(|next| next.state), expected, "{generation:?}");
            let report = Report { workloads: vec![refused.clone()], ..silent };
            let next = Seen::of(&report, 4).transition(Pending, &id);
            assert_eq!(next.map(|next| next.state), expected, "{generation:?}");
        }
    }
}
