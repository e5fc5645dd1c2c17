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
use crate::acl::{self, AclHeaders};
use crate::buckets::{BucketRecord, known_bucket};
use crate::config::charged;
use crate::encryption::{Place, Shown, Wanted};
use crate::lifecycle::expiration;
use crate::lock;
use crate::unbuilt::refuse_given;
use crate::{S3, S3Error};

#[async_trait]
impl Streaming<S3> for PutObject {
    type Error = S3Error;
    type Staged = StagedBytes;
    type Found = PutObjectOutput;

    fn needs(input: &PutObjectRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(needs(input, &Grounds::of(view, scope, &input.bucket)?, scope))
    }

    fn check(input: &PutObjectRequest, view: &View, cx: &Cx) -> Result<(), S3Error> {
        check_described(input)?;
        Promises::of_put(input)?;
        check_length(input.body.as_ref(), input.content_length)?;
        refuse_unsummed(input, &allowed(input, view, cx)?, cx)
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
        staged.check_age(cx)?;
        let traits = with_access(input, description!(input).traits()?, &bucket, view, cx)?;
        let object = object_of(input, staged, traits, cx);
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
            checksum_sha512: checksum.sha512,
            checksum_md5: checksum.md5,
            checksum_xxhash64: checksum.xxhash64,
            checksum_xxhash3: checksum.xxhash3,
            checksum_xxhash128: checksum.xxhash128,
            checksum_type: checksum.kind,
            version_id: bucket.made_version(&object.version),
            request_charged: charged(&bucket, &cx.call.caller, input.request_payer.as_deref())?,
            expiration: expiration(view, &bucket, &object)?,
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
pub(crate) fn check_described(input: &PutObjectRequest) -> Result<(), S3Error> {
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
/// Those of [`known_bucket`], [`check_write`] and [`with_access`].
pub(super) fn allowed(input: &PutObjectRequest, view: &View, cx: &Cx) -> Result<BucketRecord, S3Error> {
    let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
    charged(&bucket, &cx.call.caller, input.request_payer.as_deref())?;
    let old = versions::current(view, &bucket.name, &input.key)?;
    Wanted::from(input).check(&bucket, &input.key, "s3:PutObject", cx)?;
    check_write(input.if_match.as_deref(), input.if_none_match.as_deref(), &input.key, old.as_ref())?;
    with_access(input, ObjectTraits::default(), &bucket, view, cx)?;
    Ok(bucket)
}

/// The headers that say the list of a new object.
pub(super) fn acl_headers(input: &PutObjectRequest) -> AclHeaders<'_> {
    AclHeaders {
        canned: input.acl.as_deref(),
        full_control: input.grant_full_control.as_deref(),
        read: input.grant_read.as_deref(),
        read_acp: input.grant_read_acp.as_deref(),
        write: None,
        write_acp: input.grant_write_acp.as_deref(),
    }
}

/// Who locks an object says what it is, so that not the wrong one is locked.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html> (`Content-MD5`).
fn refuse_unsummed(input: &PutObjectRequest, bucket: &BucketRecord, cx: &Cx) -> Result<(), S3Error> {
    let is_locking = input.object_lock_mode.is_some()
        || input.object_lock_retain_until_date.is_some()
        || input.object_lock_legal_hold_status.is_some();
    if is_locking && cx.call.caller.account.is_none() {
        let text = "Put Object requests with Object Lock parameters require AWS Signature Version 4";
        return Err(S3Error::argument("Authorization", "", text));
    }
    let is_locked = is_locking || bucket.lock.as_ref().is_some_and(|lock| lock.default.is_some());
    let sums = [
        &input.content_md5,
        &input.checksum_algorithm,
        &input.checksum_crc32,
        &input.checksum_crc32_c,
        &input.checksum_crc64_nvme,
        &input.checksum_sha1,
        &input.checksum_sha256,
        &input.checksum_sha512,
        &input.checksum_md5,
        &input.checksum_xxhash64,
        &input.checksum_xxhash3,
        &input.checksum_xxhash128,
    ];
    let has_trailer = input.body.as_ref().is_some_and(|body| body.trailers().is_some());
    if is_locked && !has_trailer && sums.iter().all(|sum| sum.is_none()) {
        let text = "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters";
        return Err(S3Error::InvalidRequest(text.to_owned()));
    }
    Ok(())
}

/// The traits with whose the object will be, what its list says, and what locks it.
///
/// # Errors
/// Those of [`acl::from_headers`] and [`lock::from_headers`].
pub(crate) fn with_access(
    input: &PutObjectRequest,
    traits: ObjectTraits,
    bucket: &BucketRecord,
    view: &View,
    cx: &Cx,
) -> Result<ObjectTraits, S3Error> {
    let acl = acl::from_headers(view, cx, bucket, &input.key, &acl_headers(input))?;
    let (mode, hold) = (input.object_lock_mode.as_deref(), input.object_lock_legal_hold_status.as_deref());
    let lock = lock::from_headers(bucket, mode, input.object_lock_retain_until_date, hold, cx.now)?;
    Ok(ObjectTraits { owner: acl.owner, acl: acl.acl, lock, ..traits })
}

fn refuse_unbuilt(input: &PutObjectRequest) -> Result<(), S3Error> {
    refuse_given(&[
        ("x-amz-write-offset-bytes", input.write_offset_bytes.is_some()),
        ("x-amz-object-lock-event-hold", input.object_lock_event_hold.is_some()),
        ("x-amz-object-lock-event-hold-duration-days", input.object_lock_event_hold_duration_days.is_some()),
        ("x-amz-object-lock-event-hold-duration-years", input.object_lock_event_hold_duration_years.is_some()),
    ])
}
