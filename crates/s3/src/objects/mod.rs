//! Objects and their versions: put, read, listed, deleted.

mod checksums;
mod conditions;
mod delete;
mod get_head;
mod list;
mod list_operations;
mod metadata;
mod put;
mod put_needs;
mod range;
mod record;
mod staging;
mod token;
mod versions;

pub(crate) use checksums::read_md5;
pub use checksums::{ChecksumKind, StoredChecksum};
pub use record::{Content, ObjectHeaders, ObjectRecord, ObjectTraits};
pub(crate) use token::Token;
pub use versions::{DeleteMarker, Version, VersionRecord};
