//! Roles.

mod record;

pub use record::RoleRecord;
