//! `s3:UploadPartCopy`: a part out of an object that is there.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html>.

use api::s3::{CopyPartResult, UploadPartCopy, UploadPartCopyOutput, UploadPartCopyRequest};
use async_trait::async_trait;
use jiff::Timestamp;
use service::{Applied, Cx, Need, Scope, Streaming};
use store::View;

use super::copy_range::copied_range;
use super::part::{StagedPart, check_encryption, check_number, put_part};
use super::record::{UploadRecord, known_upload};
use super::with_view;
use crate::access::Grounds;
use crate::buckets::known_bucket;
use crate::encryption::{CopySource as _, Place, Shown, Wanted, reading};
use crate::objects::{ChecksumFields, CopySource, Promises, ReadConditions, Source, check_key, open, take_copy};
use crate::{S3, S3Error};

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
        Ok(std::iter::once(put).chain(source.needs(view, scope, false)?).collect())
    }

    fn check(input: &UploadPartCopyRequest, view: &View, cx: &Cx) -> Result<(), S3Error> {
        check_number(input.part_number)?;
        check_encryption(Wanted::from(input), &known(input, view)?, view, cx)?;
        let source = source(input, view, cx.now)?;
        let object = &source.object;
        reading(&object.traits.encryption, object.place(), input.source_headers(), &cx.call)?;
        copied_range(input.copy_source_range.as_deref(), source.object.length).map(drop)
    }

    async fn stage(service: &S3, input: &mut UploadPartCopyRequest, cx: &Cx) -> Result<CopiedPart, S3Error> {
        // The source may have changed since it was checked: what is copied is what is found now.
        let (asked, now) = (input.clone(), cx.now);
        let (upload, source) =
            with_view(service, move |view| Ok((known(&asked, view)?, source(&asked, view, now)?))).await?;
        let range = copied_range(input.copy_source_range.as_deref(), source.object.length)?;
        let body = open(service, &source.object, input.source_headers(), range).await?;
        let sealing = Wanted::from(&*input).seal(service, Place { bucket: &input.bucket, key: &input.key }, cx)?;
        let bytes = take_copy(service, body, &Promises::default().and_also(upload.kind()), sealing).await?;
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
            checksum_sha512: checksum.sha512,
            checksum_md5: checksum.md5,
            checksum_xxhash64: checksum.xxhash64,
            checksum_xxhash3: checksum.xxhash3,
            checksum_xxhash128: checksum.xxhash128,
        };
        let encryption = Shown::of(&staged.part.bytes.encryption, input.into());
        let output = UploadPartCopyOutput {
            server_side_encryption: encryption.algorithm,
            sse_customer_algorithm: encryption.customer_algorithm,
            sse_customer_key_md5: encryption.customer_key_md5,
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
fn source(input: &UploadPartCopyRequest, view: &View, now: Timestamp) -> Result<Source, S3Error> {
    let conditions = ReadConditions {
        if_match: input.copy_source_if_match.as_deref(),
        if_none_match: input.copy_source_if_none_match.as_deref(),
        if_modified_since: input.copy_source_if_modified_since,
        if_unmodified_since: input.copy_source_if_unmodified_since,
    };
    let expected_owner = input.expected_source_bucket_owner.as_deref();
    CopySource::read(&input.copy_source)?.look_up(expected_owner, &conditions, view, now)
}
