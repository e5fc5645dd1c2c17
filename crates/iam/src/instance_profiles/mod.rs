//! Instance profiles: what hands a role to an instance.

mod create;
mod delete;
mod get;
mod list;
mod record;
mod role;
mod tags;

pub(crate) use get::shown;
pub use record::InstanceProfileRecord;
