//! `s3:GetObject` and `s3:HeadObject`.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>.

use std::ops::Range;

use api::s3::{GetObject, GetObjectOutput, GetObjectRequest, HeadObject, HeadObjectOutput, HeadObjectRequest};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::TryStreamExt;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use service::{Applied, Cx, Need, Operation, Scope, Streaming};
use store::View;
use wire::{ByteStream, StreamError};

use super::checksums::ChecksumFields;
use super::conditions::ReadConditions;
use super::range::read_range;
use super::record::{Content, ObjectHeaders, ObjectRecord, check_key};
use super::versions::{Found, find};
use crate::access::Grounds;
use crate::buckets::known_bucket;
use crate::encryption::{CustomerHeaders, Shown, opening, reading};
use crate::unbuilt::refuse_given;
use crate::{S3, S3Error};

/// What both operations take.
struct Read<'a> {
    bucket: &'a str,
    key: &'a str,
    version: Option<&'a str>,
    expected_owner: Option<&'a str>,
    range: Option<&'a str>,
    conditions: ReadConditions<'a>,
    checksum_mode: Option<&'a str>,
    customer: CustomerHeaders<'a>,
    overrides: Overrides<'a>,
}

/// The headers that a request asks to see in the place of those stored.
struct Overrides<'a> {
    cache_control: &'a Option<String>,
    content_disposition: &'a Option<String>,
    content_encoding: &'a Option<String>,
    content_language: &'a Option<String>,
    content_type: &'a Option<String>,
    expires: Option<Timestamp>,
}

impl Overrides<'_> {
    fn over(&self, stored: &ObjectHeaders) -> ObjectHeaders {
        let either = |over: &Option<String>, stored: &Option<String>| over.clone().or_else(|| stored.clone());
        let expires = self.expires.and_then(|date| DateTimePrinter::new().timestamp_to_rfc9110_string(&date).ok());
        ObjectHeaders {
            content_type: either(self.content_type, &stored.content_type),
            content_encoding: either(self.content_encoding, &stored.content_encoding),
            content_disposition: either(self.content_disposition, &stored.content_disposition),
            content_language: either(self.content_language, &stored.content_language),
            cache_control: either(self.cache_control, &stored.cache_control),
            expires: expires.or_else(|| stored.expires.clone()),
        }
    }
}

/// An object that may be given, and how much of it.
pub struct FoundObject {
    object: ObjectRecord,
    headers: ObjectHeaders,
    range: Option<Range<u64>>,
    shows_checksum: bool,
    version: Option<String>,
    encryption: Shown,
}

impl FoundObject {
    fn length(&self) -> u64 {
        self.range.as_ref().map_or(self.object.length, |range| range.end - range.start)
    }

    fn content_range(&self) -> Option<String> {
        let range = self.range.as_ref()?;
        Some(format!("bytes {}-{}/{}", range.start, range.end - 1, self.object.length))
    }

    fn checksum(&self) -> ChecksumFields {
        // The checksum is that of the whole; on a range it would only mislead.
        let is_shown = self.shows_checksum && self.range.is_none();
        ChecksumFields::of(self.object.checksum.clone().filter(|_| is_shown))
    }

    fn etag(&self) -> String {
        self.object.quoted_etag()
    }
}

fn look_up(read: &Read<'_>, view: &View, cx: &Cx) -> Result<FoundObject, S3Error> {
    check_key(read.key)?;
    let bucket = known_bucket(view, read.bucket, read.expected_owner)?;
    if let Some(mode) = read.checksum_mode.filter(|mode| !mode.eq_ignore_ascii_case("ENABLED")) {
        return Err(S3Error::argument("x-amz-checksum-mode", mode, "The checksum mode must be ENABLED"));
    }
    let object = match find(view, &bucket, read.key, read.version)? {
        Found::Object(object) => *object,
        Found::Marker(_) | Found::Nothing => return Err(S3Error::NoSuchKey(read.key.to_owned())),
    };
    let encryption = reading(&object.traits.encryption, object.place(), read.customer, &cx.call)?;
    read.conditions.check(&object)?;
    let range = read_range(read.range, object.length)?;
    let headers = read.overrides.over(&object.traits.headers);
    Ok(FoundObject {
        headers,
        range,
        shows_checksum: read.checksum_mode.is_some(),
        version: bucket.shown_version(&object.version),
        encryption,
        object,
    })
}

fn read_of_get(input: &GetObjectRequest) -> Result<Read<'_>, S3Error> {
    refuse_given(&[
        ("partNumber", input.part_number.is_some()),
        ("x-amz-request-payer", input.request_payer.is_some()),
    ])?;
    Ok(Read {
        bucket: &input.bucket,
        key: &input.key,
        version: input.version_id.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        range: input.range.as_deref(),
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
    })
}

fn read_of_head(input: &HeadObjectRequest) -> Result<Read<'_>, S3Error> {
    refuse_given(&[
        ("partNumber", input.part_number.is_some()),
        ("x-amz-request-payer", input.request_payer.is_some()),
    ])?;
    Ok(Read {
        bucket: &input.bucket,
        key: &input.key,
        version: input.version_id.as_deref(),
        expected_owner: input.expected_bucket_owner.as_deref(),
        range: input.range.as_deref(),
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
    })
}

#[async_trait]
impl Streaming<S3> for GetObject {
    type Error = S3Error;
    type Staged = ();
    type Found = FoundObject;

    fn needs(input: &GetObjectRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Grounds::of(view, scope, &input.bucket)?.reading(view, &input.key, input.version_id.as_deref())
    }

    fn check(_input: &GetObjectRequest, _view: &View, _cx: &Cx) -> Result<(), S3Error> {
        Ok(())
    }

    async fn stage(_service: &S3, _input: &mut GetObjectRequest, _cx: &Cx) -> Result<(), S3Error> {
        Ok(())
    }

    fn apply(input: &GetObjectRequest, _staged: &(), view: &View, cx: &Cx) -> Result<Applied<FoundObject>, S3Error> {
        Ok(Applied::read(look_up(&read_of_get(input)?, view, cx)?))
    }

    async fn abandon(_service: &S3, _staged: &()) {}

    async fn finish(service: &S3, input: &GetObjectRequest, found: FoundObject) -> Result<GetObjectOutput, S3Error> {
        let body = match found.object.content {
            Content::Blob(blob) => {
                let (encryption, place) = (&found.object.traits.encryption, found.object.place());
                let cipher = opening(encryption, place, input.into(), service.keys())?;
                let reader = service.blobs().open_with(&blob, found.range.clone(), cipher).await?;
                let length = reader.length();
                ByteStream::new(reader.map_err(|error| StreamError::Broken(Box::new(error))), Some(length))
            }
            Content::Empty => ByteStream::from_bytes(Bytes::new()),
            Content::Parts(_) => return Err(S3Error::NotImplemented("partNumber")),
        };
        let checksum = found.checksum();
        Ok(GetObjectOutput {
            body: Some(body),
            accept_ranges: Some("bytes".to_owned()),
            last_modified: Some(found.object.last_modified),
            content_length: i64::try_from(found.length()).ok(),
            e_tag: Some(found.etag()),
            checksum_crc32: checksum.crc32,
            checksum_crc32_c: checksum.crc32c,
            checksum_crc64_nvme: checksum.crc64nvme,
            checksum_sha1: checksum.sha1,
            checksum_sha256: checksum.sha256,
            checksum_type: checksum.kind,
            content_range: found.content_range(),
            cache_control: found.headers.cache_control,
            content_disposition: found.headers.content_disposition,
            content_encoding: found.headers.content_encoding,
            content_language: found.headers.content_language,
            content_type: found.headers.content_type,
            expires: found.headers.expires,
            metadata: (!found.object.traits.metadata.is_empty()).then_some(found.object.traits.metadata),
            version_id: found.version,
            server_side_encryption: found.encryption.algorithm,
            sse_customer_algorithm: found.encryption.customer_algorithm,
            sse_customer_key_md5: found.encryption.customer_key_md5,
            ..GetObjectOutput::default()
        })
    }
}

impl Operation<S3> for HeadObject {
    type Error = S3Error;

    fn needs(input: &HeadObjectRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Grounds::of(view, scope, &input.bucket)?.reading(view, &input.key, input.version_id.as_deref())
    }

    fn apply(input: &HeadObjectRequest, view: &View, cx: &Cx) -> Result<Applied<HeadObjectOutput>, S3Error> {
        let found = look_up(&read_of_head(input)?, view, cx)?;
        let checksum = found.checksum();
        Ok(Applied::read(HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            last_modified: Some(found.object.last_modified),
            content_length: i64::try_from(found.length()).ok(),
            e_tag: Some(found.etag()),
            checksum_crc32: checksum.crc32,
            checksum_crc32_c: checksum.crc32c,
            checksum_crc64_nvme: checksum.crc64nvme,
            checksum_sha1: checksum.sha1,
            checksum_sha256: checksum.sha256,
            checksum_type: checksum.kind,
            content_range: found.content_range(),
            cache_control: found.headers.cache_control,
            content_disposition: found.headers.content_disposition,
            content_encoding: found.headers.content_encoding,
            content_language: found.headers.content_language,
            content_type: found.headers.content_type,
            expires: found.headers.expires,
            metadata: (!found.object.traits.metadata.is_empty()).then_some(found.object.traits.metadata),
            version_id: found.version,
            server_side_encryption: found.encryption.algorithm,
            sse_customer_algorithm: found.encryption.customer_algorithm,
            sse_customer_key_md5: found.encryption.customer_key_md5,
            ..HeadObjectOutput::default()
        }))
    }
}
