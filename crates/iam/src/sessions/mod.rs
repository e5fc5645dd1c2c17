//! Sessions: temporary credentials that STS gave.

mod clear;
mod find;
mod key_id;
mod new;
mod of_instance;
mod record;

pub use clear::SessionReconciler;
pub(crate) use find::find;
pub use key_id::{access_key_id, account_of_access_key};
pub(crate) use new::{MAX_TOKEN, keep};
pub use new::{SESSION_BYTES, new_session};
pub use of_instance::InstanceRole;
pub use record::{SessionHolder, SessionPolicyText, SessionRecord};
