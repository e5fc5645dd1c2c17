//! What is stored of an object, of the blob that holds its bytes, and of blobs to be deleted.
//!
//! Every blob that is safe has either a [`BlobRefRecord`] and the [`ObjectRecord`] it points to, or a
//! [`GarbageRecord`]; each change of an object writes both sides in one commit. A blob with neither is an upload under
//! way, or what is left of one.

use std::collections::BTreeMap;

use blobs::BlobId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Changes, IndexEntry, Record, StoreError, View};

use super::checksums::StoredChecksum;
use crate::S3Error;
use crate::error::MAX_KEY_BYTES;

/// An object, as stored. Keys sort by their UTF-8 bytes, as S3 lists them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRecord {
    /// The bucket it is in.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its bytes; none for an empty object.
    pub blob: Option<BlobId>,
    /// How many bytes it has.
    pub length: u64,
    /// The entity tag, without quotes: the MD5 of the bytes in hexadecimal.
    pub etag: String,
    /// When it was put, in whole seconds, as HTTP dates have them.
    pub last_modified: Timestamp,
    /// The checksum of the whole.
    pub checksum: StoredChecksum,
    /// The headers that come back with it.
    pub headers: ObjectHeaders,
    /// The user metadata: names in lower case, without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// The storage class; `STANDARD` for now.
    pub storage_class: String,
}

/// The headers of an object that S3 keeps and gives back as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectHeaders {
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Encoding`, without `aws-chunked`.
    pub content_encoding: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Expires`.
    pub expires: Option<String>,
}

impl Record for ObjectRecord {
    const TABLE: &'static str = "s3/object";
    const VERSION: u16 = 1;
    type Key = (String, String);

    fn key(&self) -> Self::Key {
        (self.bucket.clone(), self.key.clone())
    }
}

/// Which object a blob belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRefRecord {
    /// The blob.
    pub blob: BlobId,
    /// The object's bucket.
    pub bucket: String,
    /// The object's key.
    pub key: String,
}

impl Record for BlobRefRecord {
    const TABLE: &'static str = "s3/blob-ref";
    const VERSION: u16 = 1;
    type Key = String;

    fn key(&self) -> String {
        self.blob.to_string()
    }
}

/// A blob that nothing may name any more, and that is to be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GarbageRecord {
    /// The blob.
    pub blob: BlobId,
    /// Since when it is garbage.
    pub since: Timestamp,
}

impl GarbageRecord {
    /// The index by age, the oldest first.
    pub(crate) const BY_AGE: &'static str = "age";
}

impl Record for GarbageRecord {
    const TABLE: &'static str = "s3/garbage";
    const VERSION: u16 = 1;
    type Key = String;
    const INDEXES: &'static [&'static str] = &[Self::BY_AGE];

    fn key(&self) -> String {
        self.blob.to_string()
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new(Self::BY_AGE, u64::try_from(self.since.as_second()).unwrap_or(0))]
    }
}

/// The blob that a row of the store names, if it is a row that names one: what a copy of the store must take along. A
/// blob that is garbage is not among them.
///
/// # Errors
/// A row that doesn't decode.
pub fn named_blob(key: &[u8], value: &[u8]) -> Result<Option<BlobId>, StoreError> {
    if !key.starts_with(&store::table_prefix::<BlobRefRecord>()) {
        return Ok(None);
    }
    store::decode::<BlobRefRecord>(value).map(|named| Some(named.blob))
}

/// The object of this name, if there is one.
pub(super) fn find(view: &View, bucket: &str, key: &str) -> Result<Option<ObjectRecord>, StoreError> {
    view.get::<ObjectRecord>(&(bucket.to_owned(), key.to_owned()))
}

/// Adds what puts `new` in the place of `old`, if there is one.
///
/// # Errors
/// [`S3Error::Reclaimed`] when the blob of `new` was taken for a leftover meanwhile; the read that finds this out also
/// keeps a later reclaim from slipping in before the commit.
pub(super) fn replace(
    view: &View,
    changes: &mut Changes,
    old: Option<&ObjectRecord>,
    new: &ObjectRecord,
    now: Timestamp,
) -> Result<(), S3Error> {
    if let Some(old) = old {
        drop_blob(changes, old, now)?;
    }
    if let Some(blob) = new.blob {
        if view.contains::<GarbageRecord>(&blob.to_string())? {
            return Err(S3Error::Reclaimed);
        }
        changes.put(&BlobRefRecord { blob, bucket: new.bucket.clone(), key: new.key.clone() })?;
    }
    Ok(changes.put(new)?)
}

/// Adds what deletes `old`.
pub(super) fn remove(changes: &mut Changes, old: &ObjectRecord, now: Timestamp) -> Result<(), StoreError> {
    changes.delete::<ObjectRecord>(&old.key());
    drop_blob(changes, old, now)
}

fn drop_blob(changes: &mut Changes, old: &ObjectRecord, now: Timestamp) -> Result<(), StoreError> {
    let Some(blob) = old.blob else { return Ok(()) };
    changes.delete::<BlobRefRecord>(&blob.to_string());
    changes.put(&GarbageRecord { blob, since: now })
}

/// Refuses keys that S3 refuses.
pub(super) fn check_key(key: &str) -> Result<(), S3Error> {
    if key.len() > MAX_KEY_BYTES { Err(S3Error::KeyTooLong(key.len())) } else { Ok(()) }
}
