//! `s3:UploadPartCopy`: a part out of an object that is there.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html>.

use api::s3::{CopyPartResult, UploadPartCopy, UploadPartCopyOutput, UploadPartCopyRequest};
use async_trait::async_trait;
use service::{Applied, Cx, Need, Scope, Streaming};
use store::View;

use super::copy_source::{CopySource, copied_range};
use super::part::{StagedPart, check_number, put_part};
use super::record::{UploadRecord, known_upload};
use super::with_view;
use crate::access::Grounds;
use crate::buckets::known_bucket;
use crate::objects::{ChecksumFields, Found, ObjectRecord, Promises, ReadConditions, check_key, find, open, take_in};
use crate::unbuilt::refuse_given;
use crate::{S3, S3Error};

/// What is copied: an object, and its version id as answers show it.
struct Source {
    object: ObjectRecord,
    version: Option<String>,
}

/// The bytes of a part that was copied.
pub struct CopiedPart {
    part: StagedPart,
    version: Option<String>,
}

#[async_trait]
impl Streaming<S3> for UploadPartCopy {
    type Error = S3Error;
    type Staged = CopiedPart;
    type Found = UploadPartCopyOutput;

    fn needs(input: &UploadPartCopyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        let put = Grounds::of(view, scope, &input.bucket)?.object("s3:PutObject", &input.key);
        // What can't be read as a source is refused to who may put, later.
        let Ok(source) = CopySource::read(&input.copy_source) else { return Ok(vec![put]) };
        let grounds = Grounds::of(view, scope, &source.bucket)?;
        let read = grounds.reading(view, &source.key, source.version.as_deref())?;
        Ok(std::iter::once(put).chain(read).collect())
    }

    fn check(input: &UploadPartCopyRequest, view: &View, _cx: &Cx) -> Result<(), S3Error> {
        refuse_unbuilt(input)?;
        check_number(input.part_number)?;
        known(input, view)?;
        let source = source(input, view)?;
        copied_range(input.copy_source_range.as_deref(), source.object.length).map(drop)
    }

    async fn stage(service: &S3, input: &mut UploadPartCopyRequest, _cx: &Cx) -> Result<CopiedPart, S3Error> {
        let asked = input.clone();
        let (upload, source) =
            with_view(service, move |view| Ok((known(&asked, view)?, source(&asked, view)?))).await?;
        let range = copied_range(input.copy_source_range.as_deref(), source.object.length)?;
        let body = open(service, &source.object, range).await?;
        let bytes = take_in(service, Some(body), &Promises::default().and_also(upload.kind())).await?;
        let Some(checksum) = bytes.also.clone() else {
            bytes.give_up(service).await;
            return Err(S3Error::Internal(format!("no {} of a part", upload.kind().name())));
        };
        Ok(CopiedPart { part: StagedPart { bytes, checksum }, version: source.version })
    }

    fn apply(
        input: &UploadPartCopyRequest,
        staged: &CopiedPart,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<UploadPartCopyOutput>, S3Error> {
        let upload = known(input, view)?;
        let (part, changes) = put_part(view, &upload, input.part_number, &staged.part, cx)?;
        let etag = part.quoted_etag();
        let checksum = ChecksumFields::of(upload.checksum.map(|_| part.checksum));
        let result = CopyPartResult {
            e_tag: Some(etag),
            last_modified: Some(part.last_modified),
            checksum_crc32: checksum.crc32,
            checksum_crc32_c: checksum.crc32c,
            checksum_crc64_nvme: checksum.crc64nvme,
            checksum_sha1: checksum.sha1,
            checksum_sha256: checksum.sha256,
            ..CopyPartResult::default()
        };
        let output = UploadPartCopyOutput {
            copy_source_version_id: staged.version.clone(),
            copy_part_result: Some(result),
            ..UploadPartCopyOutput::default()
        };
        Ok(Applied::with(output, changes))
    }

    async fn abandon(service: &S3, staged: &CopiedPart) {
        staged.part.bytes.give_up(service).await;
    }

    async fn finish(
        _service: &S3,
        _input: &UploadPartCopyRequest,
        found: UploadPartCopyOutput,
    ) -> Result<UploadPartCopyOutput, S3Error> {
        Ok(found)
    }
}

fn known(input: &UploadPartCopyRequest, view: &View) -> Result<UploadRecord, S3Error> {
    let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
    check_key(&input.key)?;
    known_upload(view, &bucket.name, &input.key, &input.upload_id)
}

/// The object that is copied, if its conditions hold.
fn source(input: &UploadPartCopyRequest, view: &View) -> Result<Source, S3Error> {
    let source = CopySource::read(&input.copy_source)?;
    check_key(&source.key)?;
    let bucket = known_bucket(view, &source.bucket, input.expected_source_bucket_owner.as_deref())?;
    let object = match find(view, &bucket, &source.key, source.version.as_deref())? {
        Found::Object(object) => *object,
        Found::Marker(_) if source.version.is_some() => {
            let text = "The source of a copy request may not specifically refer to a delete marker by version id.";
            return Err(S3Error::InvalidRequest(text.to_owned()));
        }
        Found::Marker(_) | Found::Nothing => return Err(S3Error::NoSuchKey(source.key)),
    };
    let conditions = ReadConditions {
        if_match: input.copy_source_if_match.as_deref(),
        if_none_match: input.copy_source_if_none_match.as_deref(),
        if_modified_since: input.copy_source_if_modified_since,
        if_unmodified_since: input.copy_source_if_unmodified_since,
    };
    conditions.check(&object).map_err(|error| match error {
        S3Error::NotModified(_) if conditions.if_none_match.is_some() => {
            S3Error::PreconditionFailed("x-amz-copy-source-If-None-Match")
        }
        S3Error::NotModified(_) => S3Error::PreconditionFailed("x-amz-copy-source-If-Modified-Since"),
        S3Error::PreconditionFailed("If-Match") => S3Error::PreconditionFailed("x-amz-copy-source-If-Match"),
        S3Error::PreconditionFailed(_) => S3Error::PreconditionFailed("x-amz-copy-source-If-Unmodified-Since"),
        other => other,
    })?;
    let version = bucket.shown_version(&object.version);
    Ok(Source { object, version })
}

fn refuse_unbuilt(input: &UploadPartCopyRequest) -> Result<(), S3Error> {
    refuse_given(&[
        ("x-amz-server-side-encryption-customer-algorithm", input.sse_customer_algorithm.is_some()),
        ("x-amz-server-side-encryption-customer-key", input.sse_customer_key.is_some()),
        ("x-amz-server-side-encryption-customer-key-MD5", input.sse_customer_key_md5.is_some()),
        (
            "x-amz-copy-source-server-side-encryption-customer-algorithm",
            input.copy_source_sse_customer_algorithm.is_some(),
        ),
        ("x-amz-request-payer", input.request_payer.is_some()),
    ])
}
