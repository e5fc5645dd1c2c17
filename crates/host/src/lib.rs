//! What a node can do to its machine, as traits over plain data, and what a node is asked to do.
//! Not here: any effect. `host-linux` has the real ones, `host-sim` the simulated ones.
#![forbid(unsafe_code)]

mod assignment;
#[cfg(feature = "conformance")]
pub mod conformance;
mod machines;
mod networks;

pub use assignment::{Assignment, Node, NodeError, Report, WorkloadReport};
pub use machines::{BootSpec, DiskSpec, MachineSpec, MachineState, Machines, NicSpec, SeenMachine};
pub use networks::{
    FirewallRule, InterfaceSpec, MetadataSpec, NetworkSpec, Networks, Peer, Ports, Protocol, SubnetSpec,
};

/// Why an effect did not happen. Whether to try again is the reconciler's business: every effect is idempotent.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A program, kernel feature or file that the effect needs is not on this machine.
    #[error("{what} is missing; {remedy}")]
    Missing {
        /// What was looked for, such as `qemu-system-x86_64`.
        what: String,
        /// The command or setting that mends it.
        remedy: String,
    },
    /// What was asked for cannot be done with this specification, now or later.
    #[error("{0}")]
    Refused(String),
    /// The kernel, a program or a peer failed; the next try may succeed.
    #[error("{doing}: {cause}")]
    Failed {
        /// What was being done, such as `start machine i-0123456789abcdef0`.
        doing: String,
        /// What went wrong, with the last lines that the program printed where there are any.
        cause: String,
    },
}

impl HostError {
    /// A [`HostError::Failed`] from anything that can be shown.
    pub fn failed(doing: impl Into<String>, cause: impl std::fmt::Display) -> Self {
        Self::Failed { doing: doing.into(), cause: cause.to_string() }
    }
}
