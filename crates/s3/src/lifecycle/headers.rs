//! What answers tell of the lifecycle of an object: `x-amz-expiration`, and for uploads `x-amz-abort-date`. Days are
//! always whole ones here.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html>.

use jiff::Timestamp;
use store::View;

use super::record::Lifecycle;
use super::rules::{DAY, Subject, applying, due};
use crate::S3Error;
use crate::buckets::BucketRecord;
use crate::config::config;
use crate::objects::ObjectRecord;

/// The value of `x-amz-expiration` for a current object: when it goes, and by which rule; none if by none.
///
/// # Errors
/// The store's.
pub(crate) fn expiration(view: &View, bucket: &BucketRecord, object: &ObjectRecord) -> Result<Option<String>, S3Error> {
    let Some(lifecycle) = lifecycle_of(view, bucket)? else { return Ok(None) };
    let subject = Subject { key: &object.key, tags: Some(&object.traits.tags), size: object.length };
    let ends = applying(&lifecycle.rules.0.rules, subject).filter_map(|rule| {
        let expiration = rule.expiration.as_ref()?;
        let end = expiration.date.or_else(|| Some(due(object.last_modified, expiration.days?, DAY)))?;
        Some((end, rule.id.as_deref().unwrap_or_default()))
    });
    // Of those that come at the same time, the first.
    let first = ends.reduce(|first, other| if other.0 < first.0 { other } else { first });
    Ok(first.map(|(end, id)| format!("expiry-date=\"{}\", rule-id=\"{id}\"", http_date(end))))
}

/// When an upload is aborted that was begun at `initiated`, and by which rule.
///
/// # Errors
/// The store's.
pub(crate) fn abortion(
    view: &View,
    bucket: &BucketRecord,
    key: &str,
    initiated: Timestamp,
) -> Result<Option<(Timestamp, String)>, S3Error> {
    let Some(lifecycle) = lifecycle_of(view, bucket)? else { return Ok(None) };
    let ends = applying(&lifecycle.rules.0.rules, Subject { key, tags: None, size: 0 }).filter_map(|rule| {
        let days = rule.abort_incomplete_multipart_upload.as_ref()?.days_after_initiation?;
        Some((due(initiated, days, DAY), rule.id.clone().unwrap_or_default()))
    });
    Ok(ends.reduce(|first, other| if other.0 < first.0 { other } else { first }))
}

fn lifecycle_of(view: &View, bucket: &BucketRecord) -> Result<Option<Lifecycle>, S3Error> {
    if bucket.has_lifecycle { config::<Lifecycle>(view, &bucket.name, "") } else { Ok(None) }
}

fn http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
