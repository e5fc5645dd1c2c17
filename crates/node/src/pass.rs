//! The agent's work: look, plan, start the steps, and again when something happened. A step that fails is not tried
//! again before the timer or another assignment says so, one that is refused not before its own assignment changes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use host::{Assignment, HostError, Machines, NetworkSpec, Networks, Report, SeenMachine, WorkloadReport};
use ids::{InstanceId, VpcId};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};

use crate::agent::Desk;
use crate::plan::{Key, Step, Wanted, plan};

/// How often the host is looked at when nothing wakes us, and the least time between two tries of a step.
const TICK: Duration = Duration::from_secs(10);
/// How long a guest has to shut down after its instance is gone.
const GRACE: Duration = Duration::from_secs(5);
/// The longest that a step may take. It is given up then and planned again from what is seen.
const STEP_LIMIT: Duration = Duration::from_secs(60);
/// How long bringing a machine up may fail before it is reported as refused. It is still tried; the region takes the
/// word for an instance that has never run, and lets others wait for better times.
const PATIENCE: Duration = Duration::from_secs(120);
/// How many steps run at a time. Machines that leave mostly wait for their guests, and so have places of their own.
const CONCURRENT: usize = 8;
const CONCURRENT_LEAVING: usize = 32;

/// The task behind an agent.
pub(crate) struct Worker {
    machines: Arc<dyn Machines>,
    networks: Arc<dyn Networks>,
    desk: Arc<Desk>,
    /// The assignment that the fields below are about.
    assignment: Option<Arc<Assignment>>,
    /// Network specifications known to be in force.
    applied: BTreeMap<VpcId, NetworkSpec>,
    steps: JoinSet<Result<(), HostError>>,
    running: HashMap<Id, Step>,
    /// The last step that succeeded for a key. If the host does not show its effect, it waits for the next tick too:
    /// otherwise it would be planned again at once, for ever.
    done: BTreeMap<Key, Step>,
    failed: BTreeMap<Key, Failure>,
    refused: BTreeMap<Key, String>,
}

struct Failure {
    message: String,
    /// When the first of the failures in a row was.
    since: Instant,
    /// True until the next activation.
    is_held: bool,
}

impl Worker {
    pub(crate) fn new(machines: Arc<dyn Machines>, networks: Arc<dyn Networks>, desk: Arc<Desk>) -> Self {
        Self {
            machines,
            networks,
            desk,
            assignment: None,
            applied: BTreeMap::new(),
            steps: JoinSet::new(),
            running: HashMap::new(),
            done: BTreeMap::new(),
            failed: BTreeMap::new(),
            refused: BTreeMap::new(),
        }
    }

    /// Works until dropped.
    pub(crate) async fn run(mut self) {
        let desk = self.desk.clone();
        let mut host_changed = self.machines.changed();
        let mut host_is_open = true;
        let mut tick = tokio::time::interval_at(Instant::now() + TICK, TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            host_changed.borrow_and_update();
            self.take_assignment();
            self.pass().await;
            tokio::select! {
                () = desk.bell.notified() => {}
                changed = host_changed.changed(), if host_is_open => host_is_open = changed.is_ok(),
                Some(ended) = self.steps.join_next_with_id(), if !self.steps.is_empty() => self.note(ended),
                _ = tick.tick() => self.activate(),
            }
            while let Some(ended) = self.steps.try_join_next_with_id() {
                self.note(ended);
            }
        }
    }

    /// Lets failed steps be tried again, and lets what the host lost be seen.
    fn activate(&mut self) {
        self.failed.values_mut().for_each(|failure| failure.is_held = false);
        self.done.clear();
    }

    /// Takes over a new assignment. Refusals stand where what was refused is still what is assigned.
    fn take_assignment(&mut self) {
        let fresh = self.desk.assignment();
        if fresh == self.assignment {
            return;
        }
        let old = self.assignment.take().unwrap_or_default();
        if let Some(fresh) = &fresh {
            let (old, new) = (Wanted::new(&old), Wanted::new(fresh));
            self.refused.retain(|key, _| old.get(key) == new.get(key));
        }
        self.assignment = fresh;
        self.activate();
    }

    /// One look at the host, and the steps that follow from it. Returns when they are under way.
    async fn pass(&mut self) {
        let (machines, vpcs) = match tokio::try_join!(self.machines.list(), self.networks.list()) {
            Ok(seen) => seen,
            Err(cause) => {
                tracing::warn!(%cause, "cannot see what this host has");
                self.publish(None, Some(cause.to_string()));
                return;
            }
        };
        if let Some(assignment) = self.assignment.clone() {
            self.start_steps(&Wanted::new(&assignment), &machines, &vpcs);
        }
        let failure = self.failed.values().next().map(|failure| failure.message.clone());
        self.publish(Some(machines), failure);
    }

    fn start_steps(&mut self, wanted: &Wanted<'_>, machines: &[SeenMachine], vpcs: &[VpcId]) {
        if self.done.is_empty() {
            self.applied.retain(|vpc, _| vpcs.contains(vpc));
        }
        let busy: BTreeSet<Key> = self.running.values().map(Step::key).collect();
        let held_back = self.failed.iter().filter(|(_, failure)| failure.is_held).map(|(key, _)| key);
        let held: BTreeSet<Key> = busy.iter().chain(held_back).chain(self.refused.keys()).cloned().collect();
        let mut steps = plan(wanted, machines, vpcs, &self.applied, &held);

        let is_planned = |key: &Key| steps.iter().any(|step| &step.key() == key);
        self.failed.retain(|key, failure| failure.is_held || busy.contains(key) || is_planned(key));
        steps.retain(|step| self.done.get(&step.key()) != Some(step));
        for step in steps {
            let is_leaving = |step: &Step| matches!(step, Step::Retire(_));
            let places = if is_leaving(&step) { CONCURRENT_LEAVING } else { CONCURRENT };
            let taken = self.running.values().filter(|other| is_leaving(other) == is_leaving(&step)).count();
            if taken >= places {
                continue;
            }
            tracing::debug!(?step, "begins");
            let task = self.steps.spawn(perform(self.machines.clone(), self.networks.clone(), step.clone()));
            self.running.insert(task.id(), step);
        }
    }

    /// Takes in how a step ended.
    fn note(&mut self, ended: Result<(Id, Result<(), HostError>), JoinError>) {
        let (id, outcome) = match ended {
            Ok(ended) => ended,
            Err(cause) => (cause.id(), Err(HostError::failed("a step", cause))),
        };
        let Some(step) = self.running.remove(&id) else { return };
        let key = step.key();
        let since = self.failed.remove(&key).map_or_else(Instant::now, |failure| failure.since);
        match outcome {
            Ok(()) => {
                match &step {
                    Step::ApplyNetwork(spec) => drop(self.applied.insert(spec.vpc.clone(), spec.clone())),
                    Step::RemoveNetwork(vpc) => drop(self.applied.remove(vpc)),
                    Step::Prepare(_) | Step::BringUp(..) | Step::Reset(..) | Step::Retire(_) => {}
                }
                self.done.insert(key, step);
            }
            Err(HostError::Refused(reason)) if self.is_wanted(&step) => {
                tracing::warn!(?key, reason, "refused");
                self.refused.insert(key, reason);
            }
            Err(cause) => {
                tracing::warn!(?key, %cause, "failed");
                self.failed.insert(key, Failure { message: cause.to_string(), since, is_held: true });
            }
        }
    }

    /// True if what the step brings about is still assigned. A refusal of anything else says nothing about the
    /// assignment and is a failure like any other.
    fn is_wanted(&self, step: &Step) -> bool {
        let assignment = self.assignment.clone().or_else(|| self.desk.assignment());
        let Some(assignment) = assignment else { return false };
        match step {
            Step::ApplyNetwork(spec) => assignment.networks.contains(spec),
            Step::Prepare(spec) | Step::BringUp(spec, _) => assignment.machines.contains(spec),
            Step::Reset(..) | Step::Retire(_) | Step::RemoveNetwork(_) => false,
        }
    }

    /// Publishes what is seen; `None` if the host could not be looked at, then the workloads stay as last reported.
    fn publish(&self, machines: Option<Vec<SeenMachine>>, last_error: Option<String>) {
        match machines {
            Some(machines) => {
                let generation = self.assignment.as_ref().map(|assignment| assignment.generation);
                let assignment = self.assignment.clone().unwrap_or_default();
                let mut workloads = workloads(&Wanted::new(&assignment), machines, &self.given_up());
                self.add_unseen(&mut workloads);
                let workloads = workloads.into_values().collect();
                self.desk.publish(Report { generation, workloads, last_error });
            }
            None => self.desk.publish_error(last_error),
        }
    }

    /// What is refused, and what has failed for so long that it is as good as refused.
    fn given_up(&self) -> BTreeMap<Key, String> {
        let lasting = self.failed.iter().filter(|(_, failure)| failure.since.elapsed() >= PATIENCE);
        let mut given_up: BTreeMap<Key, String> =
            lasting.map(|(key, failure)| (key.clone(), failure.message.clone())).collect();
        given_up.extend(self.refused.clone());
        given_up
    }

    /// Adds machines that are not seen but worked on: a step that began under an earlier assignment may yet make one.
    fn add_unseen(&self, workloads: &mut BTreeMap<InstanceId, WorkloadReport>) {
        for step in self.running.values() {
            if let Key::Machine(id) = step.key() {
                let unseen = || WorkloadReport { id: id.clone(), state: None, refused: None };
                workloads.entry(id.clone()).or_insert_with(unseen);
            }
        }
    }
}

/// Every machine that is assigned or seen, by id.
fn workloads(
    wanted: &Wanted<'_>,
    seen: Vec<SeenMachine>,
    refused: &BTreeMap<Key, String>,
) -> BTreeMap<InstanceId, WorkloadReport> {
    let report = |id: &InstanceId, state| WorkloadReport { id: id.clone(), state, refused: None };
    let seen = seen.into_iter().map(|machine| (machine.id.clone(), report(&machine.id, Some(machine.state))));
    let mut all: BTreeMap<InstanceId, WorkloadReport> = seen.collect();
    for (id, spec) in wanted.machines() {
        let own = refused.get(&Key::Machine((*id).clone())).cloned();
        let missing = || wanted.missing_network(spec).map(|vpc| format!("the network of {vpc} is not assigned here"));
        let of_network = || {
            let mut nics = spec.nics.iter();
            nics.find_map(|nic| refused.get(&Key::Network(nic.vpc.clone())).map(|why| format!("{}: {why}", nic.vpc)))
        };
        let reason = own.or_else(missing).or_else(of_network);
        all.entry((*id).clone()).or_insert_with(|| report(id, None)).refused = reason;
    }
    all
}

/// Runs one step to its end.
async fn perform(machines: Arc<dyn Machines>, networks: Arc<dyn Networks>, step: Step) -> Result<(), HostError> {
    let effects = async {
        match &step {
            Step::ApplyNetwork(spec) => networks.apply(spec).await,
            Step::Prepare(spec) => machines.prepare(spec).await,
            Step::BringUp(spec, reboots) => {
                machines.prepare(spec).await?;
                if *reboots > 0 {
                    machines.reset(&spec.id, *reboots).await?;
                }
                machines.start(&spec.id).await
            }
            Step::Reset(id, number) => machines.reset(id, *number).await,
            Step::Retire(id) => {
                machines.stop(id, GRACE).await?;
                machines.remove(id).await
            }
            Step::RemoveNetwork(vpc) => networks.remove(vpc).await,
        }
    };
    let limit = format!("gave up after {} s", STEP_LIMIT.as_secs());
    match tokio::time::timeout(STEP_LIMIT, effects).await {
        Ok(outcome) => outcome,
        Err(_) => Err(HostError::failed(format!("{:?}", step.key()), limit)),
    }
}
