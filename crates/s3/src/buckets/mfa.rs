//! MFA delete: buckets whose versions go, and whose versioning changes, only if the root user of their owner shows the code of
//! a device.
//! Not here: devices and their codes, which IAM knows.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiFactorAuthenticationDelete.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMFADelete.html>.

use api::{Call, Principal};
use serde::{Deserialize, Serialize};
use service::Cx;
use store::{Changes, View};

use super::record::BucketRecord;
use crate::S3Error;
use crate::config::{BucketConfig, config, put_config};

/// What a request said of MFA delete: S3 shows it from then on.
#[derive(Debug, Serialize, Deserialize)]
struct MfaDelete {
    /// `Enabled` or `Disabled`.
    status: String,
}

impl BucketConfig for MfaDelete {
    const KIND: &'static str = "mfa-delete";
}

/// The header that shows a device: its serial number, a space, and the code.
const HEADER: &str = "x-amz-mfa";

/// What `MfaDelete` of a bucket is; none if nobody ever said.
///
/// # Errors
/// As [`config`].
pub(super) fn status(view: &View, bucket: &str) -> Result<Option<String>, S3Error> {
    Ok(config::<MfaDelete>(view, bucket, "")?.map(|mfa| mfa.status))
}

/// Whether versions of the bucket go only with a device.
///
/// # Errors
/// As [`config`].
pub(crate) fn is_needed(view: &View, bucket: &str) -> Result<bool, S3Error> {
    Ok(status(view, bucket)?.as_deref() == Some("Enabled"))
}

/// Adds what says so of a bucket from now on.
pub(super) fn put_status(changes: &mut Changes, bucket: &str, is_enabled: bool) -> Result<(), S3Error> {
    let status = if is_enabled { "Enabled" } else { "Disabled" };
    put_config(changes, bucket, "", &MfaDelete { status: status.to_owned() })
}

/// Refuses a call that does not show a device of the root user who owns the bucket. Adds to `changes` that its code was
/// taken: it is good once.
///
/// # Errors
/// `AccessDenied` without a device, or with one that is not the owner's; `InvalidArgument`, `InvalidRequest`.
pub(crate) fn show(
    view: &View,
    changes: &mut Changes,
    bucket: &BucketRecord,
    header: Option<&str>,
    cx: &Cx,
) -> Result<(), S3Error> {
    let Some(header) = header else {
        return Err(S3Error::Prevented("Mfa Authentication must be used for this request".to_owned()));
    };
    let device = read(header)?;
    // The text is S3's, whatever it has to do with DevPay.
    if cx.call.caller.session.is_some() {
        return Err(S3Error::InvalidRequest("DevPay and Mfa are mutually exclusive authorization methods.".to_owned()));
    }
    if !is_hidden(&cx.call) {
        return Err(S3Error::InvalidRequest("Requests that include x-amz-mfa must use HTTPS.".to_owned()));
    }
    if cx.call.caller.principal != Principal::Root || cx.call.caller.account.as_ref() != Some(&bucket.owner) {
        return Err(S3Error::Prevented("This operation may only be performed by the bucket owner".to_owned()));
    }
    let mut taken = Changes::new();
    if cx.directory().root_shows(view, &mut taken, &bucket.owner, device, cx.now)? {
        changes.merge(taken);
        return Ok(());
    }
    // A wrong code is counted although the call is refused.
    cx.despite.add(taken);
    Err(S3Error::AccessDenied)
}

fn read(header: &str) -> Result<(&str, &str), S3Error> {
    let text = "Mfa header is invalid -- the header should be formatted as {serialNumber}(space){tokenCode}";
    let is_code = |code: &str| code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
    match header.trim().rsplit_once(' ') {
        Some((serial, code)) if !serial.trim().is_empty() && is_code(code) => Ok((serial.trim(), code)),
        _ => Err(S3Error::argument(HEADER, header, text)),
    }
}

/// Whether nobody on the way sees the code: over TLS, or on this machine.
fn is_hidden(call: &Call) -> bool {
    call.is_secure || call.source_ip.is_none_or(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn headers() {
        for (header, expected) in [
            ("20899872 301749", Some(("20899872", "301749"))),
            ("arn:aws:iam::123456789012:mfa/phone 000001", Some(("arn:aws:iam::123456789012:mfa/phone", "000001"))),
            ("phone  000001", Some(("phone", "000001"))),
            ("970589", None),
            (" 970589", None),
            ("phone 97058", None),
            ("phone 97058x", None),
            ("", None),
        ] {
            assert_eq!(read(header).ok(), expected, "{header}");
        }
    }
}
