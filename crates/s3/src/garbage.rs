//! Which blobs are named by something, and which are to be deleted.

use blobs::BlobId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Changes, IndexEntry, Record, StoreError, View};

use crate::S3Error;
use crate::objects::Content;

/// Which key a blob belongs to, as the content of an object, of a version of it, or of a part of an upload.
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

/// An upload with parts that nothing names any more: they are to become garbage, and their records to go, a bounded
/// number at a time. So deleting an object of ten thousand parts is one change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GarbagePartsRecord {
    /// The upload.
    pub upload: String,
    /// Since when they are garbage.
    pub since: Timestamp,
    /// Whether only those are that no assembly names: the parts that a completion didn't list.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_of_spares: bool,
}

impl Record for GarbagePartsRecord {
    const TABLE: &'static str = "s3/garbage-parts";
    const VERSION: u16 = 1;
    type Key = String;

    fn key(&self) -> String {
        self.upload.clone()
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

/// Adds what makes `bucket/key` name a blob that was just written.
///
/// # Errors
/// [`S3Error::Reclaimed`] when the blob was taken for a leftover meanwhile; the read that finds this out also keeps a
/// later reclaim from slipping in before the commit.
pub(crate) fn name_blob(
    view: &View,
    changes: &mut Changes,
    blob: BlobId,
    bucket: &str,
    key: &str,
) -> Result<(), S3Error> {
    if view.contains::<GarbageRecord>(&blob.to_string())? {
        return Err(S3Error::Reclaimed);
    }
    Ok(changes.put(&BlobRefRecord { blob, bucket: bucket.to_owned(), key: key.to_owned() })?)
}

/// Adds what gives a blob up.
///
/// # Errors
/// The store's.
pub(crate) fn drop_blob(changes: &mut Changes, blob: BlobId, now: Timestamp) -> Result<(), StoreError> {
    changes.delete::<BlobRefRecord>(&blob.to_string());
    changes.put(&GarbageRecord { blob, since: now })
}

/// Adds what gives up all bytes of a content that nothing will name any more.
///
/// # Errors
/// The store's.
pub(crate) fn drop_content(changes: &mut Changes, content: &Content, now: Timestamp) -> Result<(), StoreError> {
    match content {
        Content::Empty => Ok(()),
        Content::Blob(blob) => drop_blob(changes, *blob, now),
        Content::Parts(upload) => {
            changes.put(&GarbagePartsRecord { upload: upload.clone(), since: now, is_of_spares: false })
        }
    }
}
