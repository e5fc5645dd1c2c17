//! Users.

pub(crate) mod get;
mod record;

pub use record::UserRecord;
