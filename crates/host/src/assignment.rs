//! What a region hands to a node, and what the node reports back. A node never reads the region's store.

use async_trait::async_trait;
use ids::InstanceId;
use serde::{Deserialize, Serialize};

use crate::{MachineSpec, MachineState, NetworkSpec};

/// All that one node should have. Handed over whole: what is not named should not be there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Names this assignment in the reports that follow from it. An assignment of other content has another number.
    pub generation: u64,
    /// Networks, at most one a VPC.
    pub networks: Vec<NetworkSpec>,
    /// Machines that should run. A machine whose process has ended is reported, not started again.
    pub machines: Vec<MachineSpec>,
    /// Counts the reboots asked for, by machine: a higher number than the node has seen is one reset.
    pub reboots: Vec<(InstanceId, u64)>,
}

/// What a node sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Which assignment the node looked at its host under; none before it had one. Only a report of the assignment that
    /// was handed over last says that a machine which is not named is gone.
    pub generation: Option<u64>,
    /// One for each machine that is assigned, still there, or worked on.
    pub workloads: Vec<WorkloadReport>,
    /// What the node last failed at, if the last pass did not complete.
    pub last_error: Option<String>,
}

/// What a node sees of one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadReport {
    /// The instance.
    pub id: InstanceId,
    /// Its state; none if it is assigned or worked on, but nothing of it is there yet.
    pub state: Option<MachineState>,
    /// Why the node cannot bring it up, if the cause will not go away by itself.
    pub refused: Option<String>,
}

/// The node did not answer, or not in time. The region tries again on its next activation.
#[derive(Debug, thiserror::Error)]
#[error("node: {0}")]
pub struct NodeError(pub String);

/// A node as a region talks to it. In one process this is the agent itself, between machines a client of it.
#[async_trait]
pub trait Node: Send + Sync {
    /// Hands over what the node should have. Returns as soon as the node has taken it in, not when it is done.
    async fn assign(&self, assignment: Assignment) -> Result<(), NodeError>;

    /// What the node sees now.
    async fn report(&self) -> Result<Report, NodeError>;

    /// The end of a machine's serial console, at most 64 KiB.
    async fn console(&self, id: &InstanceId) -> Result<Vec<u8>, NodeError>;

    /// Wakes when a report would differ from the last one.
    fn changed(&self) -> tokio::sync::watch::Receiver<u64>;
}
