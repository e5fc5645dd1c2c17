//! `s3:UploadPart`: takes in the bytes of one part. One of the same number that was there before is replaced.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html>.

use api::s3::{UploadPart, UploadPartOutput, UploadPartRequest};
use async_trait::async_trait;
use jiff::Timestamp;
use service::{Applied, Cx, Need, Scope, Streaming};
use store::{Changes, View};

use super::checksums::mismatch;
use super::record::{MAX_PARTS, PartRecord, UploadRecord, known_upload};
use super::with_view;
use crate::access::Grounds;
use crate::buckets::known_bucket;
use crate::encryption::{Place, Shown, Wanted};
use crate::garbage::{drop_blob, name_blob};
use crate::objects::{ChecksumFields, Promises, StagedBytes, StoredChecksum, check_key, check_length, take_in};
use crate::{S3, S3Error};

/// The bytes of a part, with the checksum that its upload wants.
pub struct StagedPart {
    pub(super) bytes: StagedBytes,
    pub(super) checksum: StoredChecksum,
}

#[async_trait]
impl Streaming<S3> for UploadPart {
    type Error = S3Error;
    type Staged = StagedPart;
    type Found = UploadPartOutput;

    fn needs(input: &UploadPartRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.object("s3:PutObject", &input.key)])
    }

    fn check(input: &UploadPartRequest, view: &View, cx: &Cx) -> Result<(), S3Error> {
        check_number(input.part_number)?;
        let promises = Promises::of_part(input)?;
        check_length(input.body.as_ref(), input.content_length)?;
        let upload = known(input, view)?;
        check_encryption(Wanted::from(input), &upload, view, cx)?;
        match (upload.checksum, promises.announced()) {
            (Some(expected), Some(actual)) if expected != actual => Err(mismatch(expected, Some(actual))),
            _ => Ok(()),
        }
    }

    async fn stage(service: &S3, input: &mut UploadPartRequest, cx: &Cx) -> Result<StagedPart, S3Error> {
        let (bucket, key, id) = (input.bucket.clone(), input.key.clone(), input.upload_id.clone());
        let upload = with_view(service, move |view| known_upload(view, &bucket, &key, &id)).await?;
        let promises = Promises::of_part(input)?.and_also(upload.kind());
        let sealing = Wanted::from(&*input).seal(service, Place { bucket: &input.bucket, key: &input.key }, cx)?;
        let bytes = take_in(service, input.body.take(), &promises, sealing).await?;
        match fit(&upload, &bytes) {
            Ok(checksum) => Ok(StagedPart { bytes, checksum }),
            Err(refused) => {
                bytes.give_up(service).await;
                Err(refused)
            }
        }
    }

    fn apply(
        input: &UploadPartRequest,
        staged: &StagedPart,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<UploadPartOutput>, S3Error> {
        let upload = known(input, view)?;
        let (part, changes) = put_part(view, &upload, input.part_number, staged, cx)?;
        // Of an upload that no algorithm was chosen for, a checksum is shown to who brought one.
        let shown = match (staged.bytes.given, upload.checksum) {
            (Some(_), _) => Some(staged.bytes.checksum.clone()),
            (None, Some(_)) => Some(part.checksum.clone()),
            (None, None) => None,
        };
        let checksum = ChecksumFields::of(shown);
        let encryption = Shown::of(&part.encryption, input.into());
        let output = UploadPartOutput {
            server_side_encryption: encryption.algorithm,
            sse_customer_algorithm: encryption.customer_algorithm,
            sse_customer_key_md5: encryption.customer_key_md5,
            e_tag: Some(part.quoted_etag()),
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
            ..UploadPartOutput::default()
        };
        Ok(Applied::with(output, changes))
    }

    async fn abandon(service: &S3, staged: &StagedPart) {
        staged.bytes.give_up(service).await;
    }

    async fn finish(
        _service: &S3,
        _input: &UploadPartRequest,
        found: UploadPartOutput,
    ) -> Result<UploadPartOutput, S3Error> {
        Ok(found)
    }
}

fn known(input: &UploadPartRequest, view: &View) -> Result<UploadRecord, S3Error> {
    let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
    check_key(&input.key)?;
    known_upload(view, &bucket.name, &input.key, &input.upload_id)
}

/// Refuses a part that says another key than its upload, or one that its bucket doesn't take.
///
/// # Errors
/// Those of [`Wanted::check`] and [`Wanted::check_part`].
pub(super) fn check_encryption(wanted: Wanted<'_>, upload: &UploadRecord, view: &View, cx: &Cx) -> Result<(), S3Error> {
    if wanted.is_given() {
        wanted.check(&known_bucket(view, &upload.bucket, None)?, &upload.key, "s3:PutObject", cx)?;
    }
    wanted.check_part(&upload.traits.encryption, Place { bucket: &upload.bucket, key: &upload.key })
}

/// Refuses numbers that no part can have.
///
/// # Errors
/// [`S3Error::InvalidArgument`].
pub(super) fn check_number(number: i32) -> Result<u32, S3Error> {
    let text = "Part number must be an integer between 1 and 10000, inclusive";
    let read = u32::try_from(number).ok().filter(|number| (1..=MAX_PARTS as u32).contains(number));
    read.ok_or_else(|| S3Error::argument("partNumber", number.to_string(), text))
}

/// The checksum that the upload keeps of the part.
///
/// # Errors
/// [`S3Error::InvalidRequest`] for a part that came with another one than was chosen, or, as only S3 knows why, with
/// none if those of the parts are to make up that of the object.
fn fit(upload: &UploadRecord, bytes: &StagedBytes) -> Result<StoredChecksum, S3Error> {
    match (upload.checksum, bytes.given) {
        (Some(expected), Some(actual)) if expected != actual => return Err(mismatch(expected, Some(actual))),
        (Some(expected), None) if upload.is_composite => return Err(mismatch(expected, None)),
        _ => {}
    }
    bytes.also.clone().ok_or_else(|| S3Error::Internal(format!("no {} of a part", upload.kind().name())))
}

/// The part as it is stored, and the changes that put it in its place.
///
/// # Errors
/// [`S3Error::Reclaimed`], [`S3Error::InvalidArgument`], the store's.
pub(super) fn put_part(
    view: &View,
    upload: &UploadRecord,
    number: i32,
    staged: &StagedPart,
    cx: &Cx,
) -> Result<(PartRecord, Changes), S3Error> {
    staged.bytes.check_age(cx)?;
    let number = check_number(number)?;
    let mut changes = Changes::new();
    if let Some(old) = view.get::<PartRecord>(&(upload.id.clone(), number))?
        && let Some(blob) = old.blob
    {
        drop_blob(&mut changes, blob, cx.now)?;
    }
    if let Some(blob) = staged.bytes.blob {
        name_blob(view, &mut changes, blob, &upload.bucket, &upload.key)?;
    }
    let part = PartRecord {
        upload: upload.id.clone(),
        number,
        blob: staged.bytes.blob,
        length: staged.bytes.length,
        etag: staged.bytes.etag(),
        last_modified: Timestamp::from_second(cx.now.as_second()).unwrap_or(cx.now),
        checksum: staged.checksum.clone(),
        encryption: staged.bytes.encryption.clone(),
    };
    changes.put(&part)?;
    Ok((part, changes))
}
