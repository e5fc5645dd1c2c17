//! Tests of operations through the services themselves, in memory.

mod federation;
pub(crate) mod fixture;
mod login;
mod mfa;
mod passwords;
mod policies;
mod sts;
