//! Passwords of users, and what an account demands of them.
//! Not here: who signs in with one, which is `login`.

mod change;
mod hash;
mod policy;
mod profiles;
mod record;
mod rules;

pub(crate) use change::changed;
#[cfg(test)]
pub(crate) use hash::hash;
pub(crate) use hash::{is_hash_of, nobody};
pub(crate) use profiles::has_password;
pub(crate) use record::last_used;
pub use record::{LoginProfileRecord, PasswordPolicyRecord, PasswordUseRecord};
pub(crate) use record::{policy_of, profile_of};
pub(crate) use rules::{expires, is_expired};
