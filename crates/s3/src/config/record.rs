//! What is stored of a configuration.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Changes, Direction, IndexEntry, KeyPrefix, Position, Record, StoreError, View};

use crate::S3Error;

/// A configuration of a bucket, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketConfigRecord {
    /// The bucket.
    pub bucket: String,
    /// The kind of configuration: [`BucketConfig::KIND`].
    pub kind: String,
    /// Which one, of kinds that a bucket may have several of; else empty.
    pub id: String,
    /// What is configured.
    pub value: Value,
}

impl Record for BucketConfigRecord {
    const TABLE: &'static str = "s3/bucket-config";
    const VERSION: u16 = 1;
    type Key = (String, String, String);
    const INDEXES: &'static [&'static str] = &[Self::BY_KIND];

    fn key(&self) -> Self::Key {
        (self.bucket.clone(), self.kind.clone(), self.id.clone())
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new(Self::BY_KIND, (&self.kind, &self.bucket, &self.id))]
    }
}

impl BucketConfigRecord {
    /// The index by kind: which buckets have one.
    const BY_KIND: &'static str = "kind";
}

/// A kind of configuration. What was stored once must be read for ever: new fields have defaults.
pub(crate) trait BucketConfig: Serialize + DeserializeOwned {
    /// Its name, such as `cors`. It never changes.
    const KIND: &'static str;
}

fn key<C: BucketConfig>(bucket: &str, id: &str) -> (String, String, String) {
    (bucket.to_owned(), C::KIND.to_owned(), id.to_owned())
}

fn read<C: BucketConfig>(record: BucketConfigRecord) -> Result<C, S3Error> {
    let (bucket, id) = (record.bucket, record.id);
    serde_json::from_value(record.value)
        .map_err(|cause| S3Error::Internal(format!("configuration {}/{id} of {bucket}: {cause}", C::KIND)))
}

/// The configuration of this kind and id, if there is one.
///
/// # Errors
/// The store's, or one that doesn't read.
pub(crate) fn config<C: BucketConfig>(view: &View, bucket: &str, id: &str) -> Result<Option<C>, S3Error> {
    view.get::<BucketConfigRecord>(&key::<C>(bucket, id))?.map(read).transpose()
}

/// At most `limit` configurations of this kind with ids after `after`, by id.
///
/// # Errors
/// As [`config`].
pub(crate) fn configs<C: BucketConfig>(
    view: &View,
    bucket: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, C)>, S3Error> {
    let after = after.map(|after| Position::after((bucket, C::KIND, after)));
    let found = view.scan::<BucketConfigRecord>(&KeyPrefix::of((bucket, C::KIND)), after.as_ref(), limit)?;
    found.into_iter().map(|record| Ok((record.id.clone(), read(record)?))).collect()
}

/// At most `limit` configurations of this kind, of buckets by name after `after`; each with its bucket.
///
/// # Errors
/// As [`config`].
pub(crate) fn configured<C: BucketConfig>(
    view: &View,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, C)>, S3Error> {
    let after = after.map(|after| Position::after_prefix(&KeyPrefix::of((C::KIND, after))));
    let (index, prefix) = (BucketConfigRecord::BY_KIND, KeyPrefix::of(C::KIND));
    let found = view.scan_index::<BucketConfigRecord>(index, &prefix, after.as_ref(), Direction::Ascending, limit)?;
    found.into_iter().map(|(_, record)| Ok((record.bucket.clone(), read(record)?))).collect()
}

/// Adds what configures a bucket so.
///
/// # Errors
/// One that has no stored form.
pub(crate) fn put_config<C: BucketConfig>(
    changes: &mut Changes,
    bucket: &str,
    id: &str,
    value: &C,
) -> Result<(), S3Error> {
    let value = serde_json::to_value(value).map_err(|cause| S3Error::Internal(cause.to_string()))?;
    let (bucket, kind, id) = key::<C>(bucket, id);
    Ok(changes.put(&BucketConfigRecord { bucket, kind, id, value })?)
}

/// Adds what takes a configuration away; none is as good.
pub(crate) fn delete_config<C: BucketConfig>(changes: &mut Changes, bucket: &str, id: &str) {
    changes.delete::<BucketConfigRecord>(&key::<C>(bucket, id));
}

/// Adds what takes all configurations of a bucket away.
///
/// # Errors
/// The store's.
pub(crate) fn delete_all(view: &View, changes: &mut Changes, bucket: &str) -> Result<(), StoreError> {
    /// More than S3 lets a bucket have of all kinds together.
    const MOST: usize = 10_000;
    for record in view.scan::<BucketConfigRecord>(&KeyPrefix::of(bucket), None, MOST)? {
        changes.delete::<BucketConfigRecord>(&record.key());
    }
    Ok(())
}
