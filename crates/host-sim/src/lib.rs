//! A simulated host: machines and networks that exist in name only, for tests and for trying the API on a machine that
//! can run no virtual machines (`--host sim`). What it simulates: the life of a machine (prepared, running, exited),
//! the list of networks, faults and cuts. What it does not: nothing boots, no packet moves, no disk is made, and no
//! console says anything but that.
#![forbid(unsafe_code)]

mod faults;
mod folder;
mod machines;
mod networks;

pub use faults::{CutPoint, Faults};
pub use machines::SimMachines;
pub use networks::SimNetworks;
