//! The life of a region with its instances, in one process after another on the same store and the same simulated
//! host: what is asked for comes about however often and wherever a process is cut off, and nothing is left behind.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, which clippy finds only below #[test]")]

mod cuts;
mod ends;
mod network;
mod random;
mod world;
