//! What IAM says of an account as a whole: its alias, and the summary of what it has.
//! Not here: what an account is, which is in `accounts`.

mod aliases;
mod summary;

pub use aliases::AliasRecord;
