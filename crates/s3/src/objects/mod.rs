//! Objects and their versions: put, read, listed, deleted.

mod checksums;
mod conditions;
mod delete;
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
mod stack;
mod staging;
mod token;
mod versions;

pub(crate) use checksums::read_md5;
pub use checksums::{ChecksumKind, StoredChecksum};
pub use error::ObjectError;
pub use record::{Content, ObjectHeaders, ObjectRecord, ObjectTraits};
pub(crate) use token::Token;
pub use versions::{DeleteMarker, Version, VersionRecord};
pub(crate) use versions::{Found, find};
