//! `s3:PutObject`: takes in the bytes of an object, checks every digest that was promised, then commits its record.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>.

use api::s3::{PutObject, PutObjectOutput, PutObjectRequest};
use async_trait::async_trait;
use jiff::Timestamp;
use service::{Applied, Cx, Need, Scope, Streaming};
use store::{Changes, View};

use super::checksums::ChecksumFields;
use super::conditions::check_write;
use super::description::description;
use super::put_needs::needs;
use super::record::{Content, NULL_VERSION, ObjectRecord, ObjectTraits, check_key};
use super::staging::{Promises, StagedBytes, check_length, take_in};
use super::versions;
use crate::access::Grounds;
use crate::buckets::{BucketRecord, known_bucket};
use crate::config::charged;
use crate::encryption::{Place, Shown, Wanted};
use crate::lifecycle::expiration;
use crate::unbuilt::{refuse_acl, refuse_given};
use crate::{S3, S3Error};

#[async_trait]
impl Streaming<S3> for PutObject {
    type Error = S3Error;
    type Staged = StagedBytes;
    type Found = PutObjectOutput;

    fn needs(input: &PutObjectRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(needs(input, &Grounds::of(view, scope, &input.bucket)?))
    }

    fn check(input: &PutObjectRequest, view: &View, cx: &Cx) -> Result<(), S3Error> {
        check_described(input)?;
        Promises::of_put(input)?;
        check_length(input.body.as_ref(), input.content_length)?;
        allowed(input, view, cx).map(drop)
    }

    async fn stage(service: &S3, input: &mut PutObjectRequest, cx: &Cx) -> Result<StagedBytes, S3Error> {
        let promises = Promises::of_put(input)?;
        let place = Place { bucket: &input.bucket, key: &input.key };
        let sealing = Wanted::from(&*input).seal(service, place, cx)?;
        take_in(service, input.body.take(), &promises, sealing).await
    }

    fn apply(
        input: &PutObjectRequest,
        staged: &StagedBytes,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<PutObjectOutput>, S3Error> {
        let bucket = allowed(input, view, cx)?;
        let request_charged = charged(&bucket, &cx.call.caller, input.request_payer.as_deref())?;
        staged.check_age(cx)?;
        let object = object_of(input, staged, description!(input).traits()?, cx);
        let mut changes = Changes::new();
        let object = versions::put(view, &mut changes, &bucket, object, cx)?;
        let checksum = ChecksumFields::of(object.checksum.clone());
        let encryption = Shown::of(&object.traits.encryption, input.into());
        let output = PutObjectOutput {
            server_side_encryption: encryption.algorithm,
            sse_customer_algorithm: encryption.customer_algorithm,
            sse_customer_key_md5: encryption.customer_key_md5,
            e_tag: Some(object.quoted_etag()),
            checksum_crc32: checksum.crc32,
            checksum_crc32_c: checksum.crc32c,
            checksum_crc64_nvme: checksum.crc64nvme,
            checksum_sha1: checksum.sha1,
            checksum_sha256: checksum.sha256,
            checksum_type: checksum.kind,
            version_id: bucket.shown_version(&object.version),
            expiration: expiration(view, &bucket, &object)?,
            request_charged,
            ..PutObjectOutput::default()
        };
        Ok(Applied::with(output, changes))
    }

    async fn abandon(service: &S3, staged: &StagedBytes) {
        staged.give_up(service).await;
    }

    async fn finish(
        _service: &S3,
        _input: &PutObjectRequest,
        found: PutObjectOutput,
    ) -> Result<PutObjectOutput, S3Error> {
        Ok(found)
    }
}

/// Refuses what can be refused whatever the bytes are.
///
/// # Errors
/// [`S3Error::KeyTooLong`], [`S3Error::NotImplemented`], those of the description.
pub(super) fn check_described(input: &PutObjectRequest) -> Result<(), S3Error> {
    check_key(&input.key)?;
    refuse_unbuilt(input)?;
    description!(input).traits().map(drop)
}

/// The object of a request, whose version [`versions::put`] sets.
pub(super) fn object_of(input: &PutObjectRequest, staged: &StagedBytes, traits: ObjectTraits, cx: &Cx) -> ObjectRecord {
    ObjectRecord {
        bucket: input.bucket.clone(),
        key: input.key.clone(),
        version: NULL_VERSION.to_owned(),
        order: 0,
        content: Content::of(staged.blob),
        length: staged.length,
        etag: staged.etag(),
        last_modified: Timestamp::from_second(cx.now.as_second()).unwrap_or(cx.now),
        checksum: Some(staged.checksum.clone()),
        traits: ObjectTraits { encryption: staged.encryption.clone(), ..traits },
        restored_until: None,
    }
}

/// The bucket, if the object may be put.
///
/// # Errors
/// Those of [`known_bucket`] and [`check_write`].
pub(super) fn allowed(input: &PutObjectRequest, view: &View, cx: &Cx) -> Result<BucketRecord, S3Error> {
    let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
    charged(&bucket, &cx.call.caller, input.request_payer.as_deref())?;
    let old = versions::current(view, &bucket.name, &input.key)?;
    Wanted::from(input).check(&bucket, &input.key, "s3:PutObject", cx)?;
    check_write(input.if_match.as_deref(), input.if_none_match.as_deref(), &input.key, old.as_ref())?;
    Ok(bucket)
}

fn refuse_unbuilt(input: &PutObjectRequest) -> Result<(), S3Error> {
    refuse_acl(input.acl.as_deref())?;
    let unknown = [
        &input.checksum_sha512,
        &input.checksum_md5,
        &input.checksum_xxhash64,
        &input.checksum_xxhash3,
        &input.checksum_xxhash128,
    ];
    if unknown.iter().any(|checksum| checksum.is_some()) {
        let text = "The algorithm type you specified in x-amz-checksum- header is invalid.";
        return Err(S3Error::InvalidRequest(text.to_owned()));
    }
    refuse_given(&[
        ("x-amz-grant-full-control", input.grant_full_control.is_some()),
        ("x-amz-grant-read", input.grant_read.is_some()),
        ("x-amz-grant-read-acp", input.grant_read_acp.is_some()),
        ("x-amz-grant-write-acp", input.grant_write_acp.is_some()),
        ("x-amz-write-offset-bytes", input.write_offset_bytes.is_some()),
        ("x-amz-object-lock-mode", input.object_lock_mode.is_some()),
        ("x-amz-object-lock-retain-until-date", input.object_lock_retain_until_date.is_some()),
        ("x-amz-object-lock-legal-hold", input.object_lock_legal_hold_status.is_some()),
        ("x-amz-object-lock-event-hold", input.object_lock_event_hold.is_some()),
        ("x-amz-object-lock-event-hold-duration-days", input.object_lock_event_hold_duration_days.is_some()),
        ("x-amz-object-lock-event-hold-duration-years", input.object_lock_event_hold_duration_years.is_some()),
    ])
}
