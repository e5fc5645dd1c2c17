//! Sessions: temporary credentials that STS gave.

mod find;
mod record;

pub(crate) use find::find;
pub use record::{SessionHolder, SessionPolicyText, SessionRecord};
