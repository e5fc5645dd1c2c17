//! Policies: managed ones with their versions, inline ones, and what they are attached to.

mod record;

pub use record::{AttachmentRecord, InlinePolicyRecord, PolicyRecord, PolicyVersionRecord};
