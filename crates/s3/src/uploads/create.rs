//! `s3:CreateMultipartUpload`: says what an object will be beside its bytes, which come in parts.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html>.

use api::s3::{CreateMultipartUpload, CreateMultipartUploadOutput, CreateMultipartUploadRequest, PutObjectRequest};
use async_trait::async_trait;
use jiff::Timestamp;
use service::{Applied, Cx, Need, Scope, Streaming};
use store::{Changes, View};

use super::checksums::read_choice;
use super::record::{Before, UploadRecord};
use crate::access::Grounds;
use crate::buckets::{BucketRecord, known_bucket};
use crate::config::charged;
use crate::encryption::{Encryption, Place, Shown, Wanted};
use crate::lifecycle::abortion;
use crate::objects::{ChecksumKind, ObjectTraits, check_described, description, put_needs, versions, with_access};
use crate::{S3, S3Error};

#[async_trait]
impl Streaming<S3> for CreateMultipartUpload {
    type Error = S3Error;
    type Staged = Encryption;
    type Found = CreateMultipartUploadOutput;

    fn needs(input: &CreateMultipartUploadRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(put_needs(&as_put(input), &Grounds::of(view, scope, &input.bucket)?, scope))
    }

    fn check(input: &CreateMultipartUploadRequest, view: &View, cx: &Cx) -> Result<(), S3Error> {
        check_described(&as_put(input))?;
        choice(input)?;
        allowed(input, view, cx).map(drop)
    }

    /// No bytes come, but the service has the keys that theirs will be under.
    async fn stage(service: &S3, input: &mut CreateMultipartUploadRequest, cx: &Cx) -> Result<Encryption, S3Error> {
        let place = Place { bucket: &input.bucket, key: &input.key };
        Ok(Wanted::from(&*input).seal(service, place, cx)?.encryption)
    }

    fn apply(
        input: &CreateMultipartUploadRequest,
        encryption: &Encryption,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<CreateMultipartUploadOutput>, S3Error> {
        let bucket = allowed(input, view, cx)?;
        let (checksum, is_composite) = choice(input)?;
        let upload = UploadRecord {
            bucket: bucket.name.clone(),
            key: input.key.clone(),
            id: new_id(cx),
            initiated: cx.now,
            initiator: cx.account.clone(),
            initiator_arn: cx.call.caller.arn().unwrap_or_default(),
            checksum,
            is_composite,
            before: match versions::current(view, &bucket.name, &input.key)? {
                Some(object) => Before::Object(object.content),
                None => Before::Nothing,
            },
            traits: ObjectTraits {
                encryption: encryption.clone(),
                ..with_access(&as_put(input), description!(input).traits()?, &bucket, view, cx)?
            },
        };
        let mut changes = Changes::new();
        changes.put(&upload)?;
        let (abort_date, abort_rule_id) = abortion(view, &bucket, &upload.key, upload.initiated)?.unzip();
        let shown = Shown::of(encryption, input.into());
        let output = CreateMultipartUploadOutput {
            abort_date,
            abort_rule_id,
            server_side_encryption: shown.algorithm,
            sse_customer_algorithm: shown.customer_algorithm,
            sse_customer_key_md5: shown.customer_key_md5,
            checksum_algorithm: checksum.map(|kind| kind.name().to_owned()),
            checksum_type: checksum.map(|_| upload.type_name().to_owned()),
            bucket: Some(upload.bucket),
            key: Some(upload.key),
            upload_id: Some(upload.id),
            request_charged: charged(&bucket, &cx.call.caller, input.request_payer.as_deref())?,
            ..CreateMultipartUploadOutput::default()
        };
        Ok(Applied::with(output, changes))
    }

    async fn abandon(_service: &S3, _staged: &Encryption) {}

    async fn finish(
        _service: &S3,
        _input: &CreateMultipartUploadRequest,
        found: CreateMultipartUploadOutput,
    ) -> Result<CreateMultipartUploadOutput, S3Error> {
        Ok(found)
    }
}

/// The bucket, if the upload may be begun.
fn allowed(input: &CreateMultipartUploadRequest, view: &View, cx: &Cx) -> Result<BucketRecord, S3Error> {
    let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
    charged(&bucket, &cx.call.caller, input.request_payer.as_deref())?;
    Wanted::from(input).check(&bucket, &input.key, "s3:PutObject", cx)?;
    with_access(&as_put(input), ObjectTraits::default(), &bucket, view, cx)?;
    Ok(bucket)
}

fn choice(input: &CreateMultipartUploadRequest) -> Result<(Option<ChecksumKind>, bool), S3Error> {
    read_choice(input.checksum_algorithm.as_deref(), input.checksum_type.as_deref())
}

/// What ids are written in. The order of the letters is that of their bytes.
const LETTERS: &[u8; 64] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// Whether a text could be the id of an upload, of one that is over too.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 48 && text.bytes().all(|byte| LETTERS.contains(&byte))
}

/// An id that sorts by the time; nobody can guess it.
fn new_id(cx: &Cx) -> String {
    let mut bytes = [0; 36];
    let nanoseconds = cx.now.duration_since(Timestamp::UNIX_EPOCH).as_nanos();
    bytes[..8].copy_from_slice(&u64::try_from(nanoseconds).unwrap_or_default().to_be_bytes());
    bytes[8..].copy_from_slice(&cx.random::<28>());
    let digits = bytes.chunks(3).flat_map(|three| {
        let number = three.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(LETTERS[(number >> shift & 63) as usize]))
    });
    digits.collect()
}

/// The `PutObject` that says the same of its object: whatever that checks, needs and keeps, holds here too.
fn as_put(input: &CreateMultipartUploadRequest) -> PutObjectRequest {
    PutObjectRequest {
        acl: input.acl.clone(),
        bucket: input.bucket.clone(),
        cache_control: input.cache_control.clone(),
        content_disposition: input.content_disposition.clone(),
        content_encoding: input.content_encoding.clone(),
        content_language: input.content_language.clone(),
        content_type: input.content_type.clone(),
        expires: input.expires.clone(),
        grant_full_control: input.grant_full_control.clone(),
        grant_read: input.grant_read.clone(),
        grant_read_acp: input.grant_read_acp.clone(),
        grant_write_acp: input.grant_write_acp.clone(),
        key: input.key.clone(),
        metadata: input.metadata.clone(),
        server_side_encryption: input.server_side_encryption.clone(),
        storage_class: input.storage_class.clone(),
        website_redirect_location: input.website_redirect_location.clone(),
        sse_customer_algorithm: input.sse_customer_algorithm.clone(),
        sse_customer_key: input.sse_customer_key.clone(),
        sse_customer_key_md5: input.sse_customer_key_md5.clone(),
        ssekms_key_id: input.ssekms_key_id.clone(),
        ssekms_encryption_context: input.ssekms_encryption_context.clone(),
        bucket_key_enabled: input.bucket_key_enabled,
        request_payer: input.request_payer.clone(),
        tagging: input.tagging.clone(),
        object_lock_mode: input.object_lock_mode.clone(),
        object_lock_retain_until_date: input.object_lock_retain_until_date,
        object_lock_legal_hold_status: input.object_lock_legal_hold_status.clone(),
        object_lock_event_hold: input.object_lock_event_hold.clone(),
        object_lock_event_hold_duration_days: input.object_lock_event_hold_duration_days,
        object_lock_event_hold_duration_years: input.object_lock_event_hold_duration_years,
        expected_bucket_owner: input.expected_bucket_owner.clone(),
        ..PutObjectRequest::default()
    }
}
