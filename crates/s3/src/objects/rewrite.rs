//! What operations need that change what is said of an object, and not its bytes.

use store::{Changes, Record, View};

use super::record::ObjectRecord;
use super::versions::{Found, Version, VersionRecord, current, find};
use crate::S3Error;
use crate::acl::AclError;
use crate::buckets::{BucketRecord, Versioning};

/// The object that a request means which names a key and perhaps a version.
///
/// # Errors
/// [`S3Error::NoSuchKey`], [`AclError::NoSuchVersion`], [`S3Error::MethodNotAllowed`] for a delete marker.
pub(crate) fn chosen(
    view: &View,
    bucket: &BucketRecord,
    key: &str,
    id: Option<&str>,
    method: &'static str,
) -> Result<ObjectRecord, S3Error> {
    match (find(view, bucket, key, id)?, id) {
        (Found::Object(object), _) => Ok(*object),
        (Found::Marker(_), Some(_)) => Err(S3Error::MethodNotAllowed { method, resource_type: "DeleteMarker" }),
        (Found::Nothing, Some(id)) if bucket.versioning != Versioning::Never => {
            Err(AclError::NoSuchVersion { key: key.to_owned(), version: id.to_owned() }.into())
        }
        (Found::Marker(_) | Found::Nothing, _) => Err(S3Error::NoSuchKey(key.to_owned())),
    }
}

/// Adds what writes an object that is there again, in its place among the versions of its key.
///
/// # Errors
/// The store's.
pub(crate) fn rewrite(view: &View, changes: &mut Changes, object: &ObjectRecord) -> Result<(), S3Error> {
    if current(view, &object.bucket, &object.key)?.is_some_and(|current| current.version == object.version) {
        return Ok(changes.put(object)?);
    }
    let record = VersionRecord { version: Version::Object(Box::new(object.clone())), noncurrent_since: None };
    let noncurrent_since = view.get::<VersionRecord>(&record.key())?.and_then(|old| old.noncurrent_since);
    Ok(changes.put(&VersionRecord { noncurrent_since, ..record })?)
}
