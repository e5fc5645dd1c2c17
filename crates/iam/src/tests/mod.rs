//! Tests of operations through the services themselves, in memory.

mod certificates;
mod federation;
pub(crate) mod fixture;
mod groups;
mod keys;
mod login;
mod mfa;
mod pages;
mod passwords;
mod policies;
mod report;
mod sts;
mod users;
