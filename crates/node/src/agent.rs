//! The agent: takes assignments in, keeps the last report, and owns the task that does the work.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use host::{Assignment, Machines, Networks, Node, NodeError, Report};
use ids::InstanceId;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::pass::Worker;

/// A node agent. Works until it is dropped; what it was doing then is cut off in the middle, and completed by the next
/// agent on the same host.
pub struct Agent {
    machines: Arc<dyn Machines>,
    desk: Arc<Desk>,
    worker: JoinHandle<()>,
}

/// What the agent's face and its worker share.
#[derive(Default)]
pub(crate) struct Desk {
    papers: Mutex<Papers>,
    /// Wakes the worker.
    pub(crate) bell: Notify,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct Papers {
    /// None until the region first spoke: until then nothing is done, as what is not named would be removed.
    assignment: Option<Arc<Assignment>>,
    /// None until the host was first looked at.
    report: Option<Report>,
}

impl Desk {
    /// What was last assigned.
    pub(crate) fn assignment(&self) -> Option<Arc<Assignment>> {
        self.lock().assignment.clone()
    }

    /// Puts a report in place of the last one, and wakes whoever waits for a change if it is one.
    pub(crate) fn publish(&self, report: Report) {
        let mut papers = self.lock();
        if papers.report.as_ref() != Some(&report) {
            papers.report = Some(report);
            self.changed.send_modify(|count| *count += 1);
        }
    }

    /// Replaces only the error of the last report: nothing new is known of the machines.
    pub(crate) fn publish_error(&self, last_error: Option<String>) {
        let last = self.lock().report.clone();
        if let Some(last) = last {
            self.publish(Report { last_error, ..last });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Papers> {
        self.papers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Agent {
    /// An agent on this host, at work at once; must be called within a tokio runtime. It changes nothing before the
    /// first assignment.
    pub fn new(machines: Arc<dyn Machines>, networks: Arc<dyn Networks>) -> Self {
        let desk = Arc::new(Desk::default());
        let worker = Worker::new(machines.clone(), networks, desk.clone());
        Self { machines, desk, worker: tokio::spawn(worker.run()) }
    }
}

impl Agent {
    /// Ends the work and returns when nothing is begun any more. An effect that the host has already taken in may still
    /// complete.
    pub async fn stop(&self) {
        self.worker.abort();
        while !self.worker.is_finished() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.worker.abort();
    }
}

#[async_trait]
impl Node for Agent {
    async fn assign(&self, assignment: Assignment) -> Result<(), NodeError> {
        let mut papers = self.desk.lock();
        if papers.assignment.as_deref() != Some(&assignment) {
            papers.assignment = Some(Arc::new(assignment));
            self.desk.bell.notify_one();
        }
        Ok(())
    }

    async fn report(&self) -> Result<Report, NodeError> {
        let report = self.desk.lock().report.clone();
        report.ok_or_else(|| NodeError("the agent has not looked at its host yet".into()))
    }

    async fn console(&self, id: &InstanceId) -> Result<Vec<u8>, NodeError> {
        self.machines.console(id).await.map_err(|cause| NodeError(cause.to_string()))
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.desk.changed.subscribe()
    }
}
