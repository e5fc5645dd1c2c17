//! `s3:RestoreObject`, and which objects cannot be read before it.
//!
//! A copy in the active tier is there at once: the bytes lie on the same disks whatever their storage class, so there is
//! nothing to wait for. When its days are over the object is archived again.
//! Not here: `SELECT` requests, which S3 itself no longer takes.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html>.

use api::s3::RestoreStatus;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use super::error::ObjectError;
use super::record::ObjectRecord;
use crate::S3Error;

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
