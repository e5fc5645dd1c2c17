//! `s3:RestoreObject`, and which objects cannot be read before it.
//!
//! A copy in the active tier is there at once: the bytes lie on the same disks whatever their storage class, so there is
//! nothing to wait for. When its days are over the object is archived again.
//! Not here: `SELECT` requests, which S3 itself no longer takes.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html>.

use api::s3::{RestoreObject, RestoreObjectOutput, RestoreObjectRequest, RestoreRequest, RestoreStatus};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::error::ObjectError;
use super::record::ObjectRecord;
use super::rewrite::rewrite;
use super::versions::readable;
use crate::access::{Grounds, given};
use crate::buckets::known_bucket;
use crate::config::charged;
use crate::{S3, S3Error};

/// Whether objects of this class must be restored before they are read.
pub(super) fn is_archive(class: &str) -> bool {
    matches!(class, "GLACIER" | "DEEP_ARCHIVE")
}

/// Until when a restored object can be read; none for one that is not restored, or no longer.
fn restored_until(object: &ObjectRecord, now: Timestamp) -> Option<Timestamp> {
    object.restored_until.filter(|until| *until > now && is_archive(&object.traits.storage_class))
}

/// Refuses an archived object that is not restored.
///
/// # Errors
/// `InvalidObjectState`, with this text.
pub(crate) fn check_active(object: &ObjectRecord, now: Timestamp, text: &'static str) -> Result<(), S3Error> {
    if is_archive(&object.traits.storage_class) && restored_until(object, now).is_none() {
        let class = object.traits.storage_class.clone();
        return Err(ObjectError::InvalidObjectState { text, class }.into());
    }
    Ok(())
}

/// The text of the header `x-amz-restore`.
pub(super) fn restore_header(object: &ObjectRecord, now: Timestamp) -> Option<String> {
    let until = DateTimePrinter::new().timestamp_to_rfc9110_string(&restored_until(object, now)?).ok()?;
    Some(format!("ongoing-request=\"false\", expiry-date=\"{until}\""))
}

/// What listings show of an archived object that was restored.
pub(super) fn restore_status(object: &ObjectRecord, now: Timestamp) -> Option<RestoreStatus> {
    let until = restored_until(object, now)?;
    Some(RestoreStatus { is_restore_in_progress: Some(false), restore_expiry_date: Some(until) })
}

/// The longest time, in days: S3's dates end somewhere too.
const MAX_DAYS: i32 = 36_500;

impl Operation<S3> for RestoreObject {
    type Error = S3Error;

    fn needs(input: &RestoreObjectRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        let grounds = Grounds::of(view, scope, &input.bucket)?;
        let version = input.version_id.as_deref();
        Ok(vec![given(grounds.object("s3:RestoreObject", &input.key), &[("s3:VersionId", version)])])
    }

    fn apply(input: &RestoreObjectRequest, view: &View, cx: &Cx) -> Result<Applied<RestoreObjectOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let request_charged = charged(&bucket, &cx.call.caller, input.request_payer.as_deref())?;
        let days = read_days(input.restore_request.as_ref())?;
        let mut object = readable(view, &bucket, &input.key, input.version_id.as_deref(), "POST")?;
        if !is_archive(&object.traits.storage_class) {
            let text = "Restore is not allowed for the object's current storage class";
            let class = object.traits.storage_class;
            return Err(ObjectError::InvalidObjectState { text, class }.into());
        }
        // A copy that is there is kept longer, at once; a new one would be made in time.
        let status = if restored_until(&object, cx.now).is_some() { 200 } else { 202 };
        object.restored_until = Some(midnight_after(cx.now, days));
        let mut changes = Changes::new();
        rewrite(view, &mut changes, &object)?;
        Ok(Applied::with(
            RestoreObjectOutput { request_charged, restore_output_path: None, status: Some(status) },
            changes,
        ))
    }
}

/// How long the copy is wanted.
fn read_days(request: Option<&RestoreRequest>) -> Result<i32, S3Error> {
    let Some(request) = request else { return Err(S3Error::MalformedXml) };
    let is_select = request.select_parameters.is_some() || request.output_location.is_some();
    if is_select || request.r#type.is_some() {
        return Err(ObjectError::Discontinued { method: "POST", resource_type: "RESTORE" }.into());
    }
    let tiers = [request.tier.as_deref(), request.glacier_job_parameters.as_ref().map(|it| it.tier.as_str())];
    if tiers.into_iter().flatten().any(|tier| !["Standard", "Bulk", "Expedited"].contains(&tier)) {
        return Err(S3Error::MalformedXml);
    }
    match request.days {
        None => Err(S3Error::MalformedXml),
        Some(days @ 1..=MAX_DAYS) => Ok(days),
        Some(days) => {
            let text = "restoration days should be at least 1";
            Err(S3Error::argument("Days", days.to_string(), text))
        }
    }
}

/// The first midnight in UTC when so many days are over.
fn midnight_after(now: Timestamp, days: i32) -> Timestamp {
    const DAY: i64 = 86_400;
    let end = now.as_second() + i64::from(days) * DAY;
    Timestamp::from_second(end.div_euclid(DAY) * DAY + DAY).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::midnight_after;

    #[test]
    fn days_end_at_midnight() {
        for (now, days, expected) in [
            ("2026-11-22T09:30:00Z", 1, "2026-11-24T00:00:00Z"),
            ("2026-12-31T23:59:59Z", 3, "2027-01-04T00:00:00Z"),
            ("2026-11-22T00:00:00Z", 1, "2026-11-24T00:00:00Z"),
        ] {
            let (now, expected): (Timestamp, Timestamp) = (now.parse().unwrap(), expected.parse().unwrap());
            assert_eq!(midnight_after(now, days), expected);
        }
    }
}
