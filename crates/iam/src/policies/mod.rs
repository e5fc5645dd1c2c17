//! Policies: managed ones with their versions, inline ones, what they are attached to, and boundaries.

pub(crate) mod attached;
mod boundary;
mod create;
mod delete;
pub(crate) mod encode;
mod entities;
mod get;
pub(crate) mod inline;
mod list;
pub(crate) mod managed;
pub(crate) mod owner;
mod quotas;
mod record;
mod tag;
pub(crate) mod versions;

#[allow(unused_imports, reason = "CreateUser and CreateRole come")]
pub(crate) use boundary::check_boundary;
pub use record::{AttachmentRecord, InlinePolicyRecord, PolicyRecord, PolicyVersionRecord};
