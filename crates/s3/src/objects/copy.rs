//! `s3:CopyObject`: a new object out of the bytes of another, which are read and written in one pass.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>.

use api::s3::{CopyObject, CopyObjectOutput, CopyObjectRequest, CopyObjectResult, PutObjectRequest};
use async_trait::async_trait;
use jiff::Timestamp;
use service::{Applied, Cx, Need, Scope, Streaming};
use store::{Changes, View};

use super::bytes;
use super::checksums::{ChecksumFields, ChecksumKind, read_algorithm};
use super::conditions::ReadConditions;
use super::copy_source::{CopySource, Source};
use super::description::description;
use super::put::{allowed, check_described, object_of, with_access};
use super::put_needs;
use super::record::ObjectTraits;
use super::staging::{Promises, StagedBytes, take_copy};
use super::versions;
use crate::access::{Grounds, given};
use crate::config::charged;
use crate::encryption::{CopySource as _, Place, Shown, Wanted, reading};
use crate::error::MAX_PUT_BYTES;
use crate::lifecycle::expiration;
use crate::unbuilt::refuse_given;
use crate::uploads::with_view;
use crate::{S3, S3Error};

/// The bytes of a copy, and what they were copied from.
pub struct StagedCopy {
    bytes: StagedBytes,
    source: Source,
}

#[async_trait]
impl Streaming<S3> for CopyObject {
    type Error = S3Error;
    type Staged = StagedCopy;
    type Found = CopyObjectOutput;

    fn needs(input: &CopyObjectRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        let target = Grounds::of(view, scope, &input.bucket)?;
        let mut needs = put_needs::needs(&as_put(input), &target, scope);
        // One that names nothing is refused in the check.
        let Ok(source) = CopySource::read(&input.copy_source) else { return Ok(needs) };
        let named = format!("{}/{}", source.bucket, source.key);
        let keys = [
            ("s3:x-amz-copy-source", Some(named.as_str())),
            ("s3:x-amz-metadata-directive", input.metadata_directive.as_deref()),
        ];
        if let Some(first) = needs.first_mut() {
            *first = given(first.clone(), &keys);
        }
        let takes_tags = !is_replacing(input.tagging_directive.as_deref());
        needs.extend(source.needs(view, scope, takes_tags)?);
        if takes_tags && source.has_tags(view)? {
            needs.push(target.object("s3:PutObjectTagging", &input.key));
        }
        Ok(needs)
    }

    fn check(input: &CopyObjectRequest, view: &View, cx: &Cx) -> Result<(), S3Error> {
        refuse_unbuilt(input)?;
        read_algorithm(input.checksum_algorithm.as_deref())?;
        directive(input.metadata_directive.as_deref(), "x-amz-metadata-directive", "Unknown metadata directive.")?;
        directive(input.tagging_directive.as_deref(), "x-amz-tagging-directive", "Unknown tagging directive.")?;
        let put = as_put(input);
        check_described(&put)?;
        let source = look_up(input, view, cx.now)?;
        reading(&source.object.traits.encryption, source.object.place(), input.source_headers(), &cx.call)?;
        let bucket = allowed(&put, view, cx)?;
        // A default that was set counts as a change, even if the object has it already: as S3 was seen to do.
        if bucket.encryption.is_none() {
            check_change(input, &source)?;
        }
        Ok(())
    }

    async fn stage(service: &S3, input: &mut CopyObjectRequest, cx: &Cx) -> Result<StagedCopy, S3Error> {
        // The source may have changed since it was checked: what is copied is what is found now.
        let (wanted, now) = (input.clone(), cx.now);
        let source = with_view(service, move |view| look_up(&wanted, view, now)).await?;
        let kept = source.object.checksum.as_ref().map_or(ChecksumKind::DEFAULT, |checksum| checksum.kind);
        let kind = read_algorithm(input.checksum_algorithm.as_deref())?.unwrap_or(kept);
        let body = bytes::open(service, &source.object, input.source_headers(), None).await?;
        let sealing = Wanted::from(&*input).seal(service, Place { bucket: &input.bucket, key: &input.key }, cx)?;
        let bytes = take_copy(service, body, &Promises::default().or_else(Some(kind)), sealing).await?;
        Ok(StagedCopy { bytes, source })
    }

    fn apply(
        input: &CopyObjectRequest,
        staged: &StagedCopy,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<CopyObjectOutput>, S3Error> {
        let put = as_put(input);
        let bucket = allowed(&put, view, cx)?;
        staged.bytes.check_age(cx)?;
        let traits = traits(input, &put, &staged.source.object.traits)?;
        let traits = with_access(&put, traits, &bucket, view, cx)?;
        let mut changes = Changes::new();
        let object = object_of(&put, &staged.bytes, traits, cx);
        let object = versions::put(view, &mut changes, &bucket, object, cx)?;
        let checksum = ChecksumFields::of(object.checksum.clone());
        let result = CopyObjectResult {
            e_tag: Some(object.quoted_etag()),
            last_modified: Some(object.last_modified),
            checksum_type: checksum.kind,
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
        };
        let encryption = Shown::of(&object.traits.encryption, (&put).into());
        let output = CopyObjectOutput {
            server_side_encryption: encryption.algorithm,
            sse_customer_algorithm: encryption.customer_algorithm,
            sse_customer_key_md5: encryption.customer_key_md5,
            copy_object_result: Some(result),
            copy_source_version_id: staged.source.version.clone(),
            version_id: bucket.made_version(&object.version),
            request_charged: charged(&bucket, &cx.call.caller, input.request_payer.as_deref())?,
            expiration: expiration(view, &bucket, &object)?,
            ..CopyObjectOutput::default()
        };
        Ok(Applied::with(output, changes))
    }

    async fn abandon(service: &S3, staged: &StagedCopy) {
        staged.bytes.give_up(service).await;
    }

    async fn finish(
        _service: &S3,
        _input: &CopyObjectRequest,
        found: CopyObjectOutput,
    ) -> Result<CopyObjectOutput, S3Error> {
        Ok(found)
    }
}

fn look_up(input: &CopyObjectRequest, view: &View, now: Timestamp) -> Result<Source, S3Error> {
    let conditions = ReadConditions {
        if_match: input.copy_source_if_match.as_deref(),
        if_none_match: input.copy_source_if_none_match.as_deref(),
        if_modified_since: input.copy_source_if_modified_since,
        if_unmodified_since: input.copy_source_if_unmodified_since,
    };
    let expected_owner = input.expected_source_bucket_owner.as_deref();
    let source = CopySource::read(&input.copy_source)?.look_up(expected_owner, &conditions, view, now)?;
    if source.object.length > MAX_PUT_BYTES {
        let text = format!(
            "The specified copy source is larger than the maximum allowable size for a copy source: {MAX_PUT_BYTES}"
        );
        return Err(S3Error::InvalidRequest(text));
    }
    Ok(source)
}

/// Refuses to copy an object onto itself if nothing of it would change.
fn check_change(input: &CopyObjectRequest, source: &Source) -> Result<(), S3Error> {
    let is_itself = source.object.bucket == input.bucket
        && source.object.key == input.key
        && !input.copy_source.contains("?versionId=");
    let changes = is_replacing(input.metadata_directive.as_deref())
        || input.storage_class.is_some()
        || input.website_redirect_location.is_some()
        || input.server_side_encryption.is_some()
        || input.sse_customer_algorithm.is_some()
        || input.copy_source_sse_customer_algorithm.is_some()
        || input.checksum_algorithm.is_some();
    if is_itself && !changes {
        let text = "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.";
        return Err(S3Error::InvalidRequest(text.to_owned()));
    }
    Ok(())
}

/// What is said of the copy: headers and user metadata either of the source or of the request, tags likewise, all else of
/// the request.
fn traits(input: &CopyObjectRequest, put: &PutObjectRequest, source: &ObjectTraits) -> Result<ObjectTraits, S3Error> {
    let mut traits = description!(put).traits()?;
    if !is_replacing(input.metadata_directive.as_deref()) {
        traits.headers.clone_from(&source.headers);
        traits.metadata.clone_from(&source.metadata);
    }
    if !is_replacing(input.tagging_directive.as_deref()) {
        traits.tags.clone_from(&source.tags);
    }
    Ok(traits)
}

fn is_replacing(directive: Option<&str>) -> bool {
    directive == Some("REPLACE")
}

fn directive(given: Option<&str>, name: &'static str, text: &'static str) -> Result<(), S3Error> {
    match given {
        None | Some("" | "COPY" | "REPLACE") => Ok(()),
        Some(other) => Err(S3Error::argument(name, other, text)),
    }
}

/// What the same request would be that brings the bytes itself.
fn as_put(input: &CopyObjectRequest) -> PutObjectRequest {
    let input = input.clone();
    let replaces_tags = is_replacing(input.tagging_directive.as_deref());
    let replaces_metadata = is_replacing(input.metadata_directive.as_deref());
    PutObjectRequest {
        acl: input.acl,
        bucket: input.bucket,
        cache_control: input.cache_control,
        content_disposition: input.content_disposition,
        content_encoding: input.content_encoding,
        content_language: input.content_language,
        content_type: input.content_type,
        expires: input.expires,
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        grant_full_control: input.grant_full_control,
        grant_read: input.grant_read,
        grant_read_acp: input.grant_read_acp,
        grant_write_acp: input.grant_write_acp,
        key: input.key,
        metadata: input.metadata.filter(|_| replaces_metadata),
        server_side_encryption: input.server_side_encryption,
        storage_class: input.storage_class,
        website_redirect_location: input.website_redirect_location,
        sse_customer_algorithm: input.sse_customer_algorithm,
        sse_customer_key: input.sse_customer_key,
        sse_customer_key_md5: input.sse_customer_key_md5,
        ssekms_key_id: input.ssekms_key_id,
        ssekms_encryption_context: input.ssekms_encryption_context,
        bucket_key_enabled: input.bucket_key_enabled,
        request_payer: input.request_payer,
        tagging: input.tagging.filter(|_| replaces_tags),
        object_lock_mode: input.object_lock_mode,
        object_lock_retain_until_date: input.object_lock_retain_until_date,
        object_lock_legal_hold_status: input.object_lock_legal_hold_status,
        object_lock_event_hold: input.object_lock_event_hold,
        object_lock_event_hold_duration_days: input.object_lock_event_hold_duration_days,
        object_lock_event_hold_duration_years: input.object_lock_event_hold_duration_years,
        expected_bucket_owner: input.expected_bucket_owner,
        ..PutObjectRequest::default()
    }
}

fn refuse_unbuilt(input: &CopyObjectRequest) -> Result<(), S3Error> {
    refuse_given(&[(
        "x-amz-annotation-directive",
        input.annotation_directive.as_deref().is_some_and(|it| it != "COPY"),
    )])
}
