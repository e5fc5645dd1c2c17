//! `s3:CompleteMultipartUpload`: parts become an object. No bytes move: the object refers to the parts of its upload.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html>.

use api::s3::{CompleteMultipartUpload, CompleteMultipartUploadOutput, CompleteMultipartUploadRequest};
use jiff::Timestamp;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, KeyPrefix, Record, View};

use super::completion::{Completion, etag_of};
use super::error::UploadError;
use super::part::check_encryption;
use super::record::{AssemblyRecord, Before, MAX_PARTS, PartRecord, UploadRecord, known_upload};
use crate::access::{Grounds, given};
use crate::buckets::{BucketRecord, known_bucket};
use crate::config::charged;
use crate::encryption::{Shown, Wanted};
use crate::garbage::GarbagePartsRecord;
use crate::objects::{
    ChecksumFields, Content, NULL_VERSION, ObjectError, ObjectRecord, Version, VersionRecord, check_key, check_write,
    versions,
};
use crate::{S3, S3Error};

/// How many versions below the current one are looked through for the object of a completion that is asked for again.
const REMEMBERED: usize = 16;

impl Operation<S3> for CompleteMultipartUpload {
    type Error = S3Error;

    fn needs(input: &CompleteMultipartUploadRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        let grounds = Grounds::of(view, scope, &input.bucket)?;
        let conditions =
            [("s3:if-match", input.if_match.as_deref()), ("s3:if-none-match", input.if_none_match.as_deref())];
        let put = given(grounds.object("s3:PutObject", &input.key), &conditions);
        // Who may try tags out learns them.
        let read = input.if_match.as_deref().filter(|tag| *tag != "*");
        Ok(std::iter::once(put).chain(read.map(|_| grounds.object("s3:GetObject", &input.key))).collect())
    }

    fn apply(
        input: &CompleteMultipartUploadRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<CompleteMultipartUploadOutput>, S3Error> {
        check_key(&input.key)?;
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        charged(&bucket, &cx.call.caller, input.request_payer.as_deref())?;
        if input.multipart_upload.is_none() {
            known_upload(view, &bucket.name, &input.key, &input.upload_id)?;
            return Err(S3Error::InvalidRequest("You must specify at least one part".to_owned()));
        }
        let asked = Completion::read(input)?;
        let key = (bucket.name.clone(), input.key.clone(), input.upload_id.clone());
        let Some(upload) = view.get::<UploadRecord>(&key)? else {
            let done = completed(view, &bucket, input, &asked)?;
            let done = done.ok_or_else(|| UploadError::NoSuchUpload(input.upload_id.clone()))?;
            return Ok(Applied::read(output(input, &bucket, &done, cx)));
        };
        check_key_of(&upload, input, view, cx)?;
        let old = versions::current(view, &bucket.name, &input.key)?;
        check_write(input.if_match.as_deref(), input.if_none_match.as_deref(), &input.key, old.as_ref())?;
        check_undisturbed(input, &upload, old.as_ref())?;
        let parts = view.scan::<PartRecord>(&KeyPrefix::of(&upload.id), None, MAX_PARTS)?;
        let whole = asked.verify(&upload, &parts)?;
        let mut changes = Changes::new();
        let object = ObjectRecord {
            bucket: bucket.name.clone(),
            key: upload.key.clone(),
            version: NULL_VERSION.to_owned(),
            order: 0,
            content: Content::Parts(upload.id.clone()),
            length: whole.length,
            etag: whole.etag,
            // An object is as old as the beginning of its upload.
            // Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html (`Last-Modified`).
            last_modified: Timestamp::from_second(upload.initiated.as_second()).unwrap_or(upload.initiated),
            checksum: Some(whole.checksum),
            traits: upload.traits.clone(),
            restored_until: None,
        };
        let object = versions::put(view, &mut changes, &bucket, object, cx)?;
        changes.delete::<UploadRecord>(&upload.key());
        let became = Some((bucket.name.clone(), upload.key.clone()));
        changes.put(&AssemblyRecord { became, ..AssemblyRecord::of(&upload.id, whole.parts) })?;
        if whole.has_spares {
            let spares = GarbagePartsRecord { upload: upload.id, since: cx.now, is_of_spares: true };
            changes.put(&spares)?;
        }
        Ok(Applied::with(output(input, &bucket, &object, cx), changes))
    }
}

/// Refuses a condition that holds, but not for what was there when the upload was begun: the object is gone since, or
/// another has come.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html> ("409 Conflict").
fn check_undisturbed(
    input: &CompleteMultipartUploadRequest,
    upload: &UploadRecord,
    old: Option<&ObjectRecord>,
) -> Result<(), S3Error> {
    let is_other = match (&upload.before, old) {
        (Before::Unknown, _) => false,
        (Before::Nothing, old) => old.is_some(),
        (Before::Object(content), old) => old.is_none_or(|old| old.content != *content),
    };
    let condition = match (&input.if_match, &input.if_none_match) {
        (Some(_), _) if is_other => "If-Match",
        (_, Some(_)) if is_other => "If-None-Match",
        _ => return Ok(()),
    };
    Err(ObjectError::Conflict { key: input.key.clone(), condition }.into())
}

/// Refuses another customer's key than the upload has. None at all is taken, although S3's documentation asks for one where a
/// checksum was chosen: nothing is read here that would need it, and suites of tests that S3 passes bring none.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html>
/// (`x-amz-server-side-encryption-customer-key`).
fn check_key_of(
    upload: &UploadRecord,
    input: &CompleteMultipartUploadRequest,
    view: &View,
    cx: &Cx,
) -> Result<(), S3Error> {
    let wanted = Wanted::from(input);
    if wanted.is_given() { check_encryption(wanted, upload, view, cx) } else { Ok(()) }
}

/// The object that this very completion has made, if it is still there: a client whose answer was lost asks again. S3
/// too answers then as it did at first.
fn completed(
    view: &View,
    bucket: &BucketRecord,
    input: &CompleteMultipartUploadRequest,
    asked: &Completion,
) -> Result<Option<ObjectRecord>, S3Error> {
    let Some(etag) = etag_of(asked.etags()) else { return Ok(None) };
    let object = made_of(view, &bucket.name, &input.key, &input.upload_id)?;
    Ok(object.filter(|object| object.etag == etag))
}

/// The object of the key that this upload became, among the newest of its versions.
///
/// # Errors
/// The store's.
pub(super) fn made_of(view: &View, bucket: &str, key: &str, upload: &str) -> Result<Option<ObjectRecord>, S3Error> {
    let is_it = |object: &ObjectRecord| matches!(&object.content, Content::Parts(parts) if parts == upload);
    if let Some(object) = versions::current(view, bucket, key)?.filter(is_it) {
        return Ok(Some(object));
    }
    let below = view.scan::<VersionRecord>(&KeyPrefix::of((&bucket, &key)), None, REMEMBERED)?;
    Ok(below.into_iter().find_map(|record| match record.version {
        Version::Object(object) => Some(*object).filter(is_it),
        Version::Marker(_) => None,
    }))
}

fn output(
    input: &CompleteMultipartUploadRequest,
    bucket: &BucketRecord,
    object: &ObjectRecord,
    cx: &Cx,
) -> CompleteMultipartUploadOutput {
    let checksum = ChecksumFields::of(object.checksum.clone());
    let scheme = if cx.call.is_secure { "https" } else { "http" };
    let location = format!("{scheme}://{}/{}/{}", cx.region.endpoint, bucket.name, encoded(&object.key));
    CompleteMultipartUploadOutput {
        location: Some(location),
        bucket: Some(bucket.name.clone()),
        key: Some(object.key.clone()),
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
        server_side_encryption: Shown::of(&object.traits.encryption, input.into()).algorithm,
        version_id: bucket.made_version(&object.version),
        // It was refused before, or is charged as it was said.
        request_charged: charged(bucket, &cx.call.caller, input.request_payer.as_deref()).unwrap_or_default(),
        ..CompleteMultipartUploadOutput::default()
    }
}

/// A key as the location has it: S3 encodes its slashes too.
fn encoded(key: &str) -> String {
    let mut encoded = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}
