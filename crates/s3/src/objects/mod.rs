//! Objects and their versions: put, read, listed, deleted.

mod checksums;
mod conditions;
mod content;
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
pub(crate) mod versions;

pub(crate) use checksums::{ChecksumFields, computed, read_algorithm, read_given, read_md5};
pub use checksums::{ChecksumKind, StoredChecksum};
pub(crate) use conditions::{ReadConditions, check_write};
pub(crate) use content::open;
pub(crate) use list_operations::Encoding;
pub(crate) use metadata::{check_metadata, headers_of};
pub(crate) use put::refuse_unbuilt;
pub(crate) use put_needs::needs as put_needs;
pub use record::{Content, ObjectHeaders, ObjectRecord, ObjectTraits};
pub(crate) use record::{NULL_VERSION, check_key};
pub(crate) use staging::{Promises, StagedBytes, check_length, take_in};
pub(crate) use token::Token;
pub use versions::{DeleteMarker, Version, VersionRecord};
pub(crate) use versions::{Found, find};
