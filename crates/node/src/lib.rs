//! The agent of one node: makes its host what the region assigned, and reports what it sees.
//! Not here: any decision about what should run (the region's), the effects themselves (the host's), and any state of
//! its own on disk. What must survive the agent is kept by the host beside the machine it is about.
#![forbid(unsafe_code)]

mod agent;
mod down;
mod pass;
mod plan;

pub use agent::Agent;
pub use down::down;
pub use plan::{Key, Step, Wanted, plan};
