//! Passwords of users, and what an account demands of them.
//! Not here: who signs in with one, which is `login`.

mod change;
mod hash;
mod policy;
mod profiles;
mod record;
mod rules;

pub(crate) use hash::{Hashed, hash, is_hash_of, nobody};
pub(crate) use profiles::has_password;
pub use record::{LoginProfileRecord, PasswordPolicyRecord, PasswordUseRecord};
pub(crate) use record::{last_used, policy_of, profile_of};
pub(crate) use rules::{check_new, is_expired};
