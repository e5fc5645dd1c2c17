//! Groups, and who is in them.

mod record;

pub use record::{GroupRecord, MembershipRecord};
