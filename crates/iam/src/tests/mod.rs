//! Tests of operations through the services themselves, in memory.

pub(crate) mod fixture;
