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
mod owned;
pub(crate) mod owner;
mod quotas;
mod record;
mod tag;
pub(crate) mod versions;

pub(crate) use boundary::check_boundary;
pub(crate) use list::{of_aws, own};
pub(crate) use owned::{left, move_owner};
pub use record::{AttachmentRecord, InlinePolicyRecord, PolicyRecord, PolicyVersionRecord};
