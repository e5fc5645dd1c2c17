//! Credentials of users for one service alone: a name and a password for CodeCommit and Keyspaces, a key for Bedrock.
//! Not here: those services. The credentials are kept, and nothing takes them yet.

mod change;
mod create;
mod list;
mod record;

pub(crate) use list::has_service_credentials;
pub use record::ServiceCredentialRecord;
