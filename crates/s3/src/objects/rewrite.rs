//! What operations need that change what is said of an object, and not its bytes.

use store::{Changes, Record, View};

use super::record::ObjectRecord;
use super::versions::{Version, VersionRecord, current};
use crate::S3Error;

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
