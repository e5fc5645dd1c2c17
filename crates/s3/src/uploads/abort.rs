//! `s3:AbortMultipartUpload`: an upload goes, and the bytes of its parts after it.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html>.

use api::s3::{AbortMultipartUpload, AbortMultipartUploadOutput, AbortMultipartUploadRequest};
use jiff::Timestamp;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, KeyPrefix, Record, StoreError, View};

use super::complete::made_of;
use super::record::{AssemblyRecord, UploadRecord, known_upload};
use crate::access::Grounds;
use crate::buckets::known_bucket;
use crate::config::charged;
use crate::garbage::GarbagePartsRecord;
use crate::unbuilt::refuse_given;
use crate::{S3, S3Error};

/// The most uploads that go with their bucket in one change.
const MAX_OF_BUCKET: usize = 1000;

impl Operation<S3> for AbortMultipartUpload {
    type Error = S3Error;

    fn needs(input: &AbortMultipartUploadRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        let grounds = Grounds::of(view, scope, &input.bucket)?;
        Ok(vec![grounds.upload("s3:AbortMultipartUpload", view, &input.key, &input.upload_id)?])
    }

    fn apply(
        input: &AbortMultipartUploadRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<AbortMultipartUploadOutput>, S3Error> {
        refuse_given(&[("x-amz-if-match-initiated-time", input.if_match_initiated_time.is_some())])?;
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let request_charged = charged(&bucket, &cx.call.caller, input.request_payer.as_deref())?;
        // Aborting an upload that became this key's object changes nothing, and S3 says yes, also when the object is gone
        // since: clients rely on it that clean up in any case (boto3's own tests of S3 among them).
        let became = view.get::<AssemblyRecord>(&input.upload_id)?.and_then(|assembly| assembly.became);
        if became.is_some_and(|(of, key)| of == bucket.name && key == input.key)
            || made_of(view, &bucket.name, &input.key, &input.upload_id)?.is_some()
        {
            return Ok(Applied::read(AbortMultipartUploadOutput {
                request_charged,
                ..AbortMultipartUploadOutput::default()
            }));
        }
        let upload = known_upload(view, &bucket.name, &input.key, &input.upload_id)?;
        let mut changes = Changes::new();
        abort(&mut changes, &upload, cx.now)?;
        Ok(Applied::with(
            AbortMultipartUploadOutput { request_charged, ..AbortMultipartUploadOutput::default() },
            changes,
        ))
    }
}

/// Adds what aborts an upload: one change, however many parts it has.
///
/// # Errors
/// The store's.
pub(crate) fn abort(changes: &mut Changes, upload: &UploadRecord, now: Timestamp) -> Result<(), StoreError> {
    changes.delete::<UploadRecord>(&upload.key());
    changes.put(&GarbagePartsRecord { upload: upload.id.clone(), since: now, is_of_spares: false })
}

/// Adds what aborts all uploads of a bucket that goes. S3 deletes a bucket with uploads as if they weren't there.
///
/// # Errors
/// [`S3Error::BucketNotEmpty`] if they are more than one change should hold; the store's.
pub(crate) fn abort_all(view: &View, changes: &mut Changes, bucket: &str, now: Timestamp) -> Result<(), S3Error> {
    let uploads = view.scan::<UploadRecord>(&KeyPrefix::of(bucket), None, MAX_OF_BUCKET + 1)?;
    if uploads.len() > MAX_OF_BUCKET {
        return Err(S3Error::BucketNotEmpty(bucket.to_owned()));
    }
    uploads.iter().try_for_each(|upload| Ok(abort(changes, upload, now)?))
}
