//! Tests of operations through the services themselves, in memory.

pub(crate) mod fixture;
mod groups;
mod keys;
mod login;
mod mfa;
mod pages;
mod passwords;
mod policies;
mod sts;
mod users;
