//! Makes instances real: hands the node what should run, and writes down what it sees.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use host::{Assignment, Node, Report};
use service::{Effects, Pass, ReconcileError, Reconciler, RegionFacts};
use store::{CommitError, Record, Store, StoreError, Watch};
use tokio::sync::watch;

use super::assignment::{assignment, live};
use super::observe::{Seen, affected, forget, observe};
use super::profiles::{AssociationRecord, InstanceCredentialsRecord};
use super::record::InstanceRecord;
use super::states::InstanceState;
use crate::images::record::ImageRecord;
use crate::network::record::SubnetRecord;
use crate::security_groups::record::SecurityGroupRecord;
use crate::tags::record::TagRecord;

/// The longest wait for the node to take an assignment in, or to report.
const NODE_LIMIT: Duration = Duration::from_secs(10);
/// How often a commit is decided anew within one activation when somebody else changed the same instances.
const TRIES: usize = 4;

/// The reconciler of instances, for a region with one node. It keeps nothing but the assignment that the node last
/// took in, so as not to repeat itself; the first activation always hands one over.
pub struct InstanceReconciler {
    store: Store,
    node: Arc<dyn Node>,
    effects: Arc<dyn Effects>,
    region: Arc<RegionFacts>,
    watches: Vec<Watch>,
    handed: Mutex<Option<Arc<Assignment>>>,
}

impl InstanceReconciler {
    /// A reconciler of the instances in `store`, which run on `node`.
    pub fn new(store: Store, node: Arc<dyn Node>, effects: Arc<dyn Effects>, region: Arc<RegionFacts>) -> Self {
        let watches = vec![
            store.watch::<InstanceRecord>(),
            store.watch::<SecurityGroupRecord>(),
            store.watch::<SubnetRecord>(),
            store.watch::<ImageRecord>(),
            store.watch::<TagRecord>(),
            store.watch::<AssociationRecord>(),
            store.watch::<InstanceCredentialsRecord>(),
        ];
        Self { store, node, effects, region, watches, handed: Mutex::default() }
    }

    /// Hands over what is wanted, unless the node has it already. Under which generation the node has it then.
    async fn hand_over(&self, mut wanted: Assignment) -> Result<u64, ReconcileError> {
        let generation = wanted.generation;
        if let Some(handed) = self.handed() {
            wanted.generation = handed.generation;
            if *handed == wanted {
                return Ok(handed.generation);
            }
            wanted.generation = generation;
        }
        let wanted = Arc::new(wanted);
        // Until the node has said yes nobody knows what it holds.
        self.set_handed(None);
        within(self.node.assign(Assignment::clone(&wanted))).await?;
        self.set_handed(Some(wanted));
        Ok(generation)
    }

    async fn report(&self) -> Result<Report, ReconcileError> {
        let report = within(self.node.report()).await;
        if report.is_err() {
            // A node that cannot report may have begun anew, with nothing assigned.
            self.set_handed(None);
        }
        report
    }

    /// Commits what the report changes. How many instances that were.
    async fn write_down(
        &self,
        keys: &[<InstanceRecord as Record>::Key],
        seen: &Seen<'_>,
    ) -> Result<usize, ReconcileError> {
        for _ in 0..TRIES {
            let view = self.store.view().map_err(ReconcileError::new)?;
            let changes = observe(&view, keys, seen, self.effects.now()).map_err(ReconcileError::new)?;
            if changes.is_empty() {
                return Ok(0);
            }
            match self.store.commit(Some(&view), changes).await {
                Ok(_) => return Ok(keys.len()),
                Err(CommitError::Conflict) => {}
                Err(error @ CommitError::Store(_)) => return Err(ReconcileError::new(error)),
            }
        }
        // Whoever changed them has woken us again.
        Ok(0)
    }

    async fn forget_old(&self) -> Result<usize, ReconcileError> {
        let view = self.store.view().map_err(ReconcileError::new)?;
        let changes = forget(&view, self.effects.now()).map_err(ReconcileError::new)?;
        if changes.is_empty() {
            return Ok(0);
        }
        let count = changes.len();
        match self.store.commit(Some(&view), changes).await {
            Ok(_) => Ok(count),
            Err(CommitError::Conflict) => Ok(0),
            Err(error @ CommitError::Store(_)) => Err(ReconcileError::new(error)),
        }
    }

    /// What is wanted now, and the instances it is about. Reads all of them, so it keeps off the reactor.
    async fn wanted(&self) -> Result<(Vec<InstanceRecord>, Assignment), ReconcileError> {
        let (store, region) = (self.store.clone(), self.region.clone());
        let read = move || {
            let view = store.view()?;
            let live = live(&view)?;
            let wanted = assignment(&view, &region, &live)?;
            Ok::<_, StoreError>((live, wanted))
        };
        tokio::task::spawn_blocking(read).await.map_err(ReconcileError::new)?.map_err(ReconcileError::new)
    }

    fn handed(&self) -> Option<Arc<Assignment>> {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_handed(&self, assignment: Option<Arc<Assignment>>) {
        *self.handed.lock().unwrap_or_else(PoisonError::into_inner) = assignment;
    }
}

#[async_trait]
impl Reconciler for InstanceReconciler {
    fn name(&self) -> &'static str {
        "ec2 instances"
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(15)
    }

    fn signals(&self) -> Vec<watch::Receiver<u64>> {
        let mut signals: Vec<_> = self.watches.iter().map(Watch::receiver).collect();
        signals.push(self.node.changed());
        signals
    }

    async fn activate(&self) -> Result<Pass, ReconcileError> {
        let (live, wanted) = self.wanted().await?;
        let generation = self.hand_over(wanted).await?;
        let report = self.report().await?;
        let seen = Seen::of(&report, generation);
        let keys = affected(&live, &seen);
        let changed = if keys.is_empty() { 0 } else { self.write_down(&keys, &seen).await? };
        let forgotten = self.forget_old().await?;
        let waits = |record: &&InstanceRecord| record.status.state != InstanceState::Running;
        let waiting = live.iter().filter(waits).count().saturating_sub(changed);
        let trouble = trouble(&report);
        Ok(Pass { examined: live.len(), changed: changed + forgotten, waiting, trouble })
    }
}

/// What the node fails at, or else what it refuses: a machine that ran before may be refused later, and stays so.
fn trouble(report: &Report) -> Option<String> {
    let failed = report.last_error.as_ref().map(|cause| format!("the node: {cause}"));
    let refused = |seen: &host::WorkloadReport| seen.refused.as_ref().map(|why| format!("{}: {why}", seen.id));
    failed.or_else(|| report.workloads.iter().find_map(refused))
}

async fn within<T>(answer: impl Future<Output = Result<T, host::NodeError>>) -> Result<T, ReconcileError> {
    match tokio::time::timeout(NODE_LIMIT, answer).await {
        Ok(answer) => answer.map_err(ReconcileError::new),
        Err(_) => Err(ReconcileError::new("the node did not answer in time")),
    }
}
