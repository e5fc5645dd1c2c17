//! `s3:GetObject` and `s3:HeadObject`.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html>.

use api::s3::{GetObject, GetObjectOutput, GetObjectRequest, HeadObject, HeadObjectOutput, HeadObjectRequest};
use async_trait::async_trait;
use service::{Applied, Cx, Need, Operation, Scope, Streaming};
use store::View;

use super::bytes;
use super::conditions::ReadConditions;
use super::metadata::shown_metadata;
use super::read::{FoundObject, Overrides, Read, look_up};
use crate::access::Grounds;
use crate::lock::LockFields;
use crate::{S3, S3Error};

/// What the inputs of both operations say, as they have the same members.
macro_rules! read_of {
    ($method:literal, $input:expr) => {{
        let input = $input;
        Read {
            method: $method,
            bucket: &input.bucket,
            key: &input.key,
            version: input.version_id.as_deref(),
            expected_owner: input.expected_bucket_owner.as_deref(),
            range: input.range.as_deref(),
            part: input.part_number,
            payer: input.request_payer.as_deref(),
            conditions: ReadConditions {
                if_match: input.if_match.as_deref(),
                if_none_match: input.if_none_match.as_deref(),
                if_modified_since: input.if_modified_since,
                if_unmodified_since: input.if_unmodified_since,
            },
            checksum_mode: input.checksum_mode.as_deref(),
            customer: input.into(),
            overrides: Overrides {
                cache_control: &input.response_cache_control,
                content_disposition: &input.response_content_disposition,
                content_encoding: &input.response_content_encoding,
                content_language: &input.response_content_language,
                content_type: &input.response_content_type,
                expires: input.response_expires,
            },
        }
    }};
}

/// The output of either operation, which have the same members but for the body.
macro_rules! shown {
    ($output:ident, $found:expr) => {{
        let found: FoundObject = $found;
        let (checksum, content_range) = (found.checksum(), found.content_range());
        let lock = LockFields::of(&found.object.traits.lock);
        let (storage_class, tag_count) = (found.storage_class(), found.tag_count());
        let parts_count = found.parts_count();
        $output {
            accept_ranges: Some("bytes".to_owned()),
            last_modified: Some(found.object.last_modified),
            content_length: i64::try_from(found.length()).ok(),
            e_tag: Some(found.object.quoted_etag()),
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
            content_range,
            parts_count,
            server_side_encryption: found.encryption.algorithm,
            sse_customer_algorithm: found.encryption.customer_algorithm,
            sse_customer_key_md5: found.encryption.customer_key_md5,
            storage_class,
            tag_count,
            restore: found.restore,
            request_charged: found.request_charged,
            expiration: found.expiration,
            cache_control: found.headers.cache_control,
            content_disposition: found.headers.content_disposition,
            content_encoding: found.headers.content_encoding,
            content_language: found.headers.content_language,
            content_type: found.headers.content_type,
            expires: found.headers.expires,
            object_lock_mode: lock.mode,
            object_lock_retain_until_date: lock.until,
            object_lock_legal_hold_status: lock.hold,
            website_redirect_location: found.object.traits.redirect,
            metadata: shown_metadata(found.object.traits.metadata),
            version_id: found.version,
            ..$output::default()
        }
    }};
}

#[async_trait]
impl Streaming<S3> for GetObject {
    type Error = S3Error;
    type Staged = ();
    type Found = FoundObject;

    fn needs(input: &GetObjectRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Grounds::of(view, scope, &input.bucket)?.reading(view, &input.key, input.version_id.as_deref())
    }

    fn nothing_to_stage() -> Option<()> {
        Some(())
    }

    fn check(_input: &GetObjectRequest, _view: &View, _cx: &Cx) -> Result<(), S3Error> {
        Ok(())
    }

    async fn stage(_service: &S3, _input: &mut GetObjectRequest, _cx: &Cx) -> Result<(), S3Error> {
        Ok(())
    }

    fn apply(input: &GetObjectRequest, _staged: &(), view: &View, cx: &Cx) -> Result<Applied<FoundObject>, S3Error> {
        Ok(Applied::read(look_up(&read_of!("GET", input), view, cx)?))
    }

    async fn abandon(_service: &S3, _staged: &()) {}

    async fn finish(service: &S3, input: &GetObjectRequest, found: FoundObject) -> Result<GetObjectOutput, S3Error> {
        let body = bytes::open(service, &found.object, input.into(), found.range.clone()).await?;
        Ok(GetObjectOutput { body: Some(body), ..shown!(GetObjectOutput, found) })
    }
}

impl Operation<S3> for HeadObject {
    type Error = S3Error;

    fn needs(input: &HeadObjectRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Grounds::of(view, scope, &input.bucket)?.reading(view, &input.key, input.version_id.as_deref())
    }

    fn apply(input: &HeadObjectRequest, view: &View, cx: &Cx) -> Result<Applied<HeadObjectOutput>, S3Error> {
        let found = look_up(&read_of!("HEAD", input), view, cx)?;
        Ok(Applied::read(shown!(HeadObjectOutput, found)))
    }
}
