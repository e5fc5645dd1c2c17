//! Roles: who may assume them, their tags, and those that are linked to services.

mod create;
mod delete;
mod get;
mod linked;
mod linked_names;
mod list;
mod record;
mod tags;
mod trust;
mod update;

pub(crate) use get::{find, need, shown};
pub use linked::RoleDeletionRecord;
pub(crate) use linked::check_own;
pub use record::RoleRecord;
pub use trust::TrustedRecord;
pub(crate) use trust::in_force;
