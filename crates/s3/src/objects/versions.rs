//! The versions of a key. The current object is the [`ObjectRecord`] under its key; what lies below it, and a delete
//! marker even if it is the newest, are [`VersionRecord`]s, so that a listing of what is there meets neither.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html>.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use service::Cx;
use store::{Changes, IndexEntry, KeyPrefix, Record, StoreError, View};

use super::error::ObjectError;
use super::record::{NULL_VERSION, ObjectRecord};
use super::stack::Stack;
use crate::S3Error;
use crate::buckets::{BucketRecord, Versioning};

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

    /// Its place among the versions of its key.
    pub(crate) fn order(&self) -> u64 {
        self.place().3
    }
}

impl VersionRecord {
    /// The index by bucket, key and version id.
    pub(super) const BY_ID: &'static str = "id";
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

pub(super) fn by_id(view: &View, bucket: &str, key: &str, id: &str) -> Result<Option<VersionRecord>, StoreError> {
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
    new: ObjectRecord,
    cx: &Cx,
) -> Result<ObjectRecord, S3Error> {
    let mut stack = Stack::of(view, bucket, &new.key)?;
    let new = stack.put(changes, new, cx)?;
    stack.write(changes)?;
    Ok(new)
}

/// What a deletion did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Deleted {
    /// The id of the version that it made or took away; none where there are no versions.
    pub version: Option<String>,
    /// Whether that version is, or was, a delete marker.
    pub is_marker: bool,
}

/// Adds what deletes a key without naming a version: its object, or by a marker, where there are versions. For several
/// deletions of one key in one call use [`Stack`].
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
    let mut stack = Stack::of(view, bucket, key)?;
    let deleted = stack.delete(changes, cx)?;
    stack.write(changes)?;
    Ok(deleted)
}

/// Adds what deletes this version for good; the next one below becomes the current one. That there is none is as good.
/// Whether a lock keeps it is asked before. For several of one key in one call use [`Stack`].
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
    let mut stack = Stack::of(view, bucket, key)?;
    let deleted = stack.delete_version(changes, id, cx)?;
    stack.write(changes)?;
    Ok(deleted)
}

/// The object that a request may read which names a key and perhaps a version.
///
/// # Errors
/// [`S3Error::NoSuchKey`]; [`ObjectError`] for a version that is none, that is not there, or that is a delete marker.
pub(crate) fn readable(
    view: &View,
    bucket: &BucketRecord,
    key: &str,
    id: Option<&str>,
    method: &'static str,
) -> Result<ObjectRecord, S3Error> {
    check_id(bucket, id)?;
    match (find(view, bucket, key, id)?, id) {
        (Found::Object(object), _) => Ok(*object),
        (Found::Marker(marker), None) => {
            Err(ObjectError::Deleted { key: key.to_owned(), version: marker.version }.into())
        }
        (Found::Marker(marker), Some(_)) => Err(refused_marker(marker, method)),
        (Found::Nothing, Some(id)) => {
            Err(ObjectError::NoSuchVersion { key: key.to_owned(), version: id.to_owned() }.into())
        }
        (Found::Nothing, None) => Err(S3Error::NoSuchKey(key.to_owned())),
    }
}

/// As [`readable`], for what is asked of the object beside its bytes and headers, such as its tags: of these S3 says that a
/// delete marker has none, also where it is the newest version and none was named.
///
/// # Errors
/// Those of [`readable`].
pub(crate) fn describable(
    view: &View,
    bucket: &BucketRecord,
    key: &str,
    id: Option<&str>,
    method: &'static str,
) -> Result<ObjectRecord, S3Error> {
    if id.is_none()
        && let Found::Marker(marker) = find(view, bucket, key, None)?
    {
        return Err(refused_marker(marker, method));
    }
    readable(view, bucket, key, id, method)
}

fn refused_marker(marker: DeleteMarker, method: &'static str) -> S3Error {
    ObjectError::IsMarker { method, version: marker.version, last_modified: marker.last_modified }.into()
}

/// Refuses what can be no version of the bucket: ids have 32 characters, and a bucket that never had versions has only
/// the one called `null`.
///
/// # Errors
/// `InvalidArgument`.
pub(crate) fn check_id(bucket: &BucketRecord, id: Option<&str>) -> Result<(), S3Error> {
    match id {
        None | Some(NULL_VERSION) => Ok(()),
        Some("") => Err(S3Error::argument("versionId", "", "Version id cannot be the empty string")),
        Some(id) if bucket.versioning != Versioning::Never && order_of(id).is_some() => Ok(()),
        Some(id) => Err(S3Error::argument("versionId", id, "Invalid version id specified")),
    }
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";

/// An id of 32 characters, as S3's have; nobody can guess it.
pub(super) fn new_id(order: u64, cx: &Cx) -> String {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&order.to_be_bytes());
    bytes[8..].copy_from_slice(&cx.random::<16>());
    let digits = bytes.chunks(3).flat_map(|three| {
        let number = three.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(LETTERS[(number >> shift & 63) as usize]))
    });
    digits.collect()
}

/// The order that an id was made of, so that a listing goes on at its place when its version is gone; none for a text
/// that is no id, or the null version's.
pub(super) fn order_of(id: &str) -> Option<u64> {
    if id.len() != 32 {
        return None;
    }
    let digit = |byte: u8| LETTERS.iter().position(|letter| *letter == byte).and_then(|at| u128::try_from(at).ok());
    let digits: Option<Vec<u128>> = id.bytes().map(digit).collect();
    // Eleven digits hold the first 66 bits.
    let first = digits?.iter().take(11).fold(0, |number, digit| number << 6 | digit);
    u64::try_from(first >> 2).ok()
}
