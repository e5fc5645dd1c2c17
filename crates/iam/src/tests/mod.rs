//! Tests of operations through the services themselves, in memory.

mod account;
mod certificates;
mod federation;
pub(crate) mod fixture;
mod groups;
mod guesses;
mod keys;
mod login;
mod mfa;
mod pages;
mod passwords;
mod policies;
mod profiles;
mod report;
mod roles;
mod sts;
mod users;
