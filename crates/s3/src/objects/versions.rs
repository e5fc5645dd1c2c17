//! The versions of a key. The current object is the [`ObjectRecord`] under its key; what lies below it, and a delete
//! marker even if it is the newest, are [`VersionRecord`]s, so that a listing of what is there meets neither.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html>.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use service::Cx;
use store::{Changes, IndexEntry, KeyPrefix, Record, StoreError, View};

use super::record::{Content, NULL_VERSION, ObjectRecord};
use crate::S3Error;
use crate::buckets::{BucketRecord, Versioning};
use crate::garbage::{drop_content, name_blob};

/// A version that is not the current object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRecord {
    /// What it is.
    pub version: Version,
    /// Since when there is a newer one; none for a delete marker that is the newest itself.
    pub noncurrent_since: Option<Timestamp>,
}

/// A version of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Version {
    /// An object.
    Object(Box<ObjectRecord>),
    /// That there was none any more.
    Marker(DeleteMarker),
}

/// What stands in the place of an object that was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteMarker {
    /// The bucket it is in.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// Its version id.
    pub version: String,
    /// As [`ObjectRecord::order`].
    pub order: u64,
    /// When the object was deleted.
    pub last_modified: Timestamp,
}

impl Version {
    /// Its bucket, key, version id and order.
    pub(crate) fn place(&self) -> (&str, &str, &str, u64) {
        match self {
            Self::Object(object) => (&object.bucket, &object.key, &object.version, object.order),
            Self::Marker(marker) => (&marker.bucket, &marker.key, &marker.version, marker.order),
        }
    }

    /// Its id.
    pub(crate) fn id(&self) -> &str {
        self.place().2
    }
}

impl VersionRecord {
    /// The index by bucket, key and version id.
    const BY_ID: &'static str = "id";
}

impl Record for VersionRecord {
    const TABLE: &'static str = "s3/version";
    const VERSION: u16 = 1;
    /// Bucket, key, and the complement of the order: the newest version of a key is its first.
    type Key = (String, String, u64);
    const INDEXES: &'static [&'static str] = &[Self::BY_ID];

    fn key(&self) -> Self::Key {
        let (bucket, key, _, order) = self.version.place();
        (bucket.to_owned(), key.to_owned(), u64::MAX - order)
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        let (bucket, key, id, _) = self.version.place();
        vec![IndexEntry::new(Self::BY_ID, (bucket, key, id))]
    }
}

/// The current object of this key, if there is one.
///
/// # Errors
/// The store's.
pub(crate) fn current(view: &View, bucket: &str, key: &str) -> Result<Option<ObjectRecord>, StoreError> {
    view.get::<ObjectRecord>(&(bucket.to_owned(), key.to_owned()))
}

/// What a request finds that names a key and perhaps a version.
#[derive(Debug)]
pub(crate) enum Found {
    /// An object.
    Object(Box<ObjectRecord>),
    /// A delete marker; it is the newest version unless it was asked for by its id.
    Marker(DeleteMarker),
    /// Nothing.
    Nothing,
}

/// The version of this id, or else the newest.
///
/// # Errors
/// The store's.
pub(crate) fn find(view: &View, bucket: &BucketRecord, key: &str, id: Option<&str>) -> Result<Found, StoreError> {
    let current = current(view, &bucket.name, key)?;
    let found = match (current, id) {
        (Some(object), None) => return Ok(Found::Object(Box::new(object))),
        (Some(object), Some(id)) if object.version == id => return Ok(Found::Object(Box::new(object))),
        _ if bucket.versioning == Versioning::Never => return Ok(Found::Nothing),
        (None, None) => newest_below(view, &bucket.name, key)?,
        (_, Some(id)) => by_id(view, &bucket.name, key, id)?,
    };
    Ok(match found.map(|record| record.version) {
        Some(Version::Object(object)) => Found::Object(object),
        Some(Version::Marker(marker)) => Found::Marker(marker),
        None => Found::Nothing,
    })
}

fn by_id(view: &View, bucket: &str, key: &str, id: &str) -> Result<Option<VersionRecord>, StoreError> {
    Ok(view.by_index::<VersionRecord>(VersionRecord::BY_ID, (bucket, key, id), None, 1)?.pop())
}

/// The newest version that is not the current object.
fn newest_below(view: &View, bucket: &str, key: &str) -> Result<Option<VersionRecord>, StoreError> {
    Ok(view.scan::<VersionRecord>(&KeyPrefix::of((bucket, key)), None, 1)?.pop())
}

/// Adds what puts `new` on top of what its key has; its version and order are set here. Gives it as it is stored.
///
/// # Errors
/// [`S3Error::Reclaimed`], the store's.
pub(crate) fn put(
    view: &View,
    changes: &mut Changes,
    bucket: &BucketRecord,
    mut new: ObjectRecord,
    cx: &Cx,
) -> Result<ObjectRecord, S3Error> {
    let old = current(view, &bucket.name, &new.key)?;
    (new.version, new.order) = make_room(view, changes, bucket, &new.key, old.as_ref(), cx)?;
    if let Content::Blob(blob) = new.content {
        name_blob(view, changes, blob, &new.bucket, &new.key)?;
    }
    changes.put(&new)?;
    Ok(new)
}

/// What a deletion did.
#[derive(Debug, Default)]
pub(crate) struct Deleted {
    /// The id of the version that it made or took away; none where there are no versions.
    pub version: Option<String>,
    /// Whether that version is, or was, a delete marker.
    pub is_marker: bool,
}

/// Adds what deletes a key without naming a version: its object, or by a marker, where there are versions.
///
/// # Errors
/// The store's.
pub(crate) fn delete(
    view: &View,
    changes: &mut Changes,
    bucket: &BucketRecord,
    key: &str,
    cx: &Cx,
) -> Result<Deleted, S3Error> {
    let old = current(view, &bucket.name, key)?;
    if bucket.versioning == Versioning::Never {
        if let Some(old) = old {
            changes.delete::<ObjectRecord>(&old.key());
            drop_content(changes, &old.content, cx.now)?;
        }
        return Ok(Deleted::default());
    }
    let (version, order) = make_room(view, changes, bucket, key, old.as_ref(), cx)?;
    changes.delete::<ObjectRecord>(&(bucket.name.clone(), key.to_owned()));
    let marker = DeleteMarker {
        bucket: bucket.name.clone(),
        key: key.to_owned(),
        version: version.clone(),
        order,
        last_modified: Timestamp::from_second(cx.now.as_second()).unwrap_or(cx.now),
    };
    changes.put(&VersionRecord { version: Version::Marker(marker), noncurrent_since: None })?;
    Ok(Deleted { version: Some(version), is_marker: true })
}

/// Adds what deletes this version for good; the next one below becomes the current one. That there is none is as good.
/// Whether a lock keeps it is asked before.
///
/// # Errors
/// The store's.
pub(crate) fn delete_version(
    view: &View,
    changes: &mut Changes,
    bucket: &BucketRecord,
    key: &str,
    id: &str,
    cx: &Cx,
) -> Result<Deleted, S3Error> {
    let deleted = |is_marker| Deleted { version: Some(id.to_owned()), is_marker };
    if let Some(object) = current(view, &bucket.name, key)?
        && object.version == id
    {
        changes.delete::<ObjectRecord>(&object.key());
        drop_content(changes, &object.content, cx.now)?;
        promote(changes, newest_below(view, &bucket.name, key)?)?;
        return Ok(deleted(false));
    }
    let Some(found) = by_id(view, &bucket.name, key, id)? else { return Ok(deleted(false)) };
    changes.delete::<VersionRecord>(&found.key());
    let is_marker = match &found.version {
        Version::Object(object) => {
            drop_content(changes, &object.content, cx.now)?;
            false
        }
        Version::Marker(_) => true,
    };
    if found.noncurrent_since.is_none() {
        let below = view.scan::<VersionRecord>(&KeyPrefix::of((&bucket.name, key)), None, 2)?;
        promote(changes, below.into_iter().find(|record| record.version != found.version))?;
    }
    Ok(deleted(is_marker))
}

/// Adds what makes a version the newest of its key.
fn promote(changes: &mut Changes, below: Option<VersionRecord>) -> Result<(), StoreError> {
    let Some(mut below) = below else { return Ok(()) };
    match &below.version {
        Version::Object(object) => {
            changes.put(&**object)?;
            changes.delete::<VersionRecord>(&below.key());
        }
        Version::Marker(_) => {
            below.noncurrent_since = None;
            changes.put(&below)?;
        }
    }
    Ok(())
}

/// Adds what makes room for a new version on top of those that a key has, and gives its id and order. The row of the
/// current object is left to the caller, who writes or deletes it anyway.
fn make_room(
    view: &View,
    changes: &mut Changes,
    bucket: &BucketRecord,
    key: &str,
    old: Option<&ObjectRecord>,
    cx: &Cx,
) -> Result<(String, u64), S3Error> {
    let has_versions = bucket.versioning != Versioning::Never;
    let below = if has_versions { newest_below(view, &bucket.name, key)? } else { None };
    let last = old.map(|old| old.order).max(below.as_ref().map(|below| below.version.place().3));
    let now = u64::try_from(cx.now.as_nanosecond()).unwrap_or_default();
    let order = last.map_or(now, |last| now.max(last + 1));
    let is_kept = |id: &str| has_versions && (bucket.versioning == Versioning::Enabled || id != NULL_VERSION);
    match old {
        Some(old) if is_kept(&old.version) => changes
            .put(&VersionRecord { version: Version::Object(Box::new(old.clone())), noncurrent_since: Some(cx.now) })?,
        Some(old) => drop_content(changes, &old.content, cx.now)?,
        None => {}
    }
    if let Some(mut below) = below
        && below.noncurrent_since.is_none()
    {
        below.noncurrent_since = Some(cx.now);
        changes.put(&below)?;
    }
    if bucket.versioning == Versioning::Enabled {
        return Ok((new_id(order, cx), order));
    }
    // There is one null version at most.
    if has_versions && let Some(null) = by_id(view, &bucket.name, key, NULL_VERSION)? {
        changes.delete::<VersionRecord>(&null.key());
        if let Version::Object(object) = &null.version {
            drop_content(changes, &object.content, cx.now)?;
        }
    }
    Ok((NULL_VERSION.to_owned(), order))
}

/// An id of 32 characters, as S3's have; nobody can guess it.
fn new_id(order: u64, cx: &Cx) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&order.to_be_bytes());
    bytes[8..].copy_from_slice(&cx.random::<16>());
    let digits = bytes.chunks(3).flat_map(|three| {
        let number = three.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(LETTERS[(number >> shift & 63) as usize]))
    });
    digits.collect()
}
