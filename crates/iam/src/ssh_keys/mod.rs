//! Public keys of users for SSH, as CodeCommit takes them.
//! Not here: EC2's key pairs, and who lets anybody in by these.

mod format;
mod manage;
mod record;

pub(crate) use manage::has_ssh_keys;
pub use record::SshPublicKeyRecord;
