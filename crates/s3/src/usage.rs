//! What each bucket has, counted for the operator: all records are read, some at a time.

use std::collections::BTreeMap;

use blobs::BlobId;
use serde::{Deserialize, Serialize};
use store::{KeyPrefix, Position, Record, Store, StoreError, View};

use crate::buckets::BucketRecord;
use crate::garbage::{BlobRefRecord, GarbageRecord};
use crate::objects::{ObjectRecord, Version, VersionRecord};
use crate::uploads::{PartRecord, UploadRecord};

/// Records that are read from one view.
const PAGE: usize = 1000;

/// What a bucket has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BucketUsage {
    /// Its name.
    pub bucket: String,
    /// The account that owns it.
    pub account: String,
    /// Objects that a listing shows.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Older versions.
    pub versions: u64,
    /// Their bytes.
    pub version_bytes: u64,
    /// Delete markers.
    pub delete_markers: u64,
    /// Uploads that are neither completed nor aborted.
    pub uploads: u64,
    /// Bytes of their parts.
    pub upload_bytes: u64,
}

/// Counts what each bucket has, by name, and how many blobs wait to be deleted. Blocks on the store. What changes
/// meanwhile may be counted or not.
///
/// # Errors
/// The store's.
pub fn usage(store: &Store) -> Result<(Vec<BucketUsage>, u64), StoreError> {
    let mut buckets: BTreeMap<String, BucketUsage> = BTreeMap::new();
    each::<BucketRecord>(store, |_, record| {
        let account = record.owner.to_string();
        let usage = BucketUsage { bucket: record.name.clone(), account, ..BucketUsage::default() };
        buckets.insert(record.name, usage);
        Ok(())
    })?;
    // One whose bucket is being deleted is nobody's.
    each::<ObjectRecord>(store, |_, object| {
        if let Some(usage) = buckets.get_mut(&object.bucket) {
            usage.objects += 1;
            usage.bytes += object.length;
        }
        Ok(())
    })?;
    each::<VersionRecord>(store, |_, record| {
        match record.version {
            Version::Object(object) => {
                if let Some(usage) = buckets.get_mut(&object.bucket) {
                    usage.versions += 1;
                    usage.version_bytes += object.length;
                }
            }
            Version::Marker(marker) => {
                if let Some(usage) = buckets.get_mut(&marker.bucket) {
                    usage.delete_markers += 1;
                }
            }
        }
        Ok(())
    })?;
    each::<UploadRecord>(store, |view, upload| {
        let Some(usage) = buckets.get_mut(&upload.bucket) else { return Ok(()) };
        usage.uploads += 1;
        let prefix = KeyPrefix::of(store::KeyBuf::from(upload.id.clone()));
        // An upload has ten thousand parts at most.
        for part in view.scan::<PartRecord>(&prefix, None, usize::MAX)? {
            usage.upload_bytes += part.length;
        }
        Ok(())
    })?;
    let mut garbage = 0;
    each::<GarbageRecord>(store, |_, _| {
        garbage += 1;
        Ok(())
    })?;
    Ok((buckets.into_values().collect(), garbage))
}

/// Whose a blob is: bucket and key. Of an id that ends in zeros, only the first ten bytes count.
///
/// # Errors
/// The store's.
pub fn name_of_blob(view: &View, blob: &BlobId) -> Result<Option<(String, String)>, StoreError> {
    let name = blob.to_string();
    if let Some(found) = view.get::<BlobRefRecord>(&name)? {
        return Ok(Some((found.bucket, found.key)));
    }
    let Some(beginning) = name.strip_suffix("000000000000") else { return Ok(None) };
    let prefix = KeyPrefix::of_text(store::KeyBuf::new(), beginning);
    let found = view.scan::<BlobRefRecord>(&prefix, None, 1)?;
    Ok(found.into_iter().next().map(|found| (found.bucket, found.key)))
}

fn each<R: Record>(store: &Store, mut count: impl FnMut(&View, R) -> Result<(), StoreError>) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let view = store.view()?;
        let records = view.scan::<R>(&KeyPrefix::all(), after.as_ref(), PAGE)?;
        let is_end = records.len() < PAGE;
        for record in records {
            after = Some(Position::after(store::KeyBuf::new().push(record.key())));
            count(&view, record)?;
        }
        if is_end {
            return Ok(());
        }
    }
}
