//! Objects: put, read, listed, deleted.
//! Not here yet: versions, parts, copies, tags.

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
mod token;

pub(crate) use checksums::read_md5;
pub use checksums::{ChecksumKind, StoredChecksum};
pub use record::{BlobRefRecord, GarbageRecord, ObjectHeaders, ObjectRecord, named_blob};
pub(crate) use token::Token;
