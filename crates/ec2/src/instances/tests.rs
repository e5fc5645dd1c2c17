//! Instances over a store in memory and a simulated host: what callers get, and what becomes of the machines.

mod launching;
mod life;
mod needs;
mod profiles;
mod rig;
