//! EC2 over the memory engine, called through its generated trait.
#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod common;
mod key_pairs_and_tags;
mod network;
mod security_groups;
