//! Groups, and who is in them.

mod create;
mod delete;
mod get;
mod list;
mod members;
mod record;
mod update;

pub use record::{GroupRecord, MembershipRecord};
