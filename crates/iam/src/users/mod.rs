//! Users.

mod create;
mod delete;
pub(crate) mod get;
mod list;
mod record;
mod tags;
mod update;

pub(crate) use get::{Holder, boundary, find, holder, need};
pub(crate) use list::listed;
pub use record::UserRecord;
