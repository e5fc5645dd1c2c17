//! Objects and their versions: put, read, listed, deleted.

mod attributes;
mod bytes;
mod checksums;
mod conditions;
mod copy;
mod copy_source;
mod delete;
mod description;
mod error;
mod get_head;
mod list;
mod list_operations;
mod list_versions;
mod list_versions_operation;
mod listing;
mod metadata;
mod put;
mod put_needs;
mod range;
mod read;
mod record;
mod restore;
mod rewrite;
mod stack;
mod staging;
mod tagging;
mod tags;
mod token;
pub(crate) mod versions;

pub(crate) use checksums::read_md5;
pub use checksums::{ChecksumKind, StoredChecksum};
#[allow(unused_imports)]
pub(crate) use description::{Description, description};
pub use error::ObjectError;
pub use record::{Content, ObjectHeaders, ObjectRecord, ObjectTraits};
pub(crate) use rewrite::rewrite;
pub(crate) use token::Token;
pub use versions::{DeleteMarker, Version, VersionRecord};
pub(crate) use versions::{Found, find, readable};
