//! Tests of operations through the services themselves, in memory.

pub(crate) mod fixture;
mod groups;
mod keys;
mod pages;
mod users;
