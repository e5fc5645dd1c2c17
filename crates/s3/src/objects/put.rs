//! `s3:PutObject`: takes in the bytes of an object, checks every digest that was promised, then commits its record.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>.

use api::s3::{PutObject, PutObjectOutput, PutObjectRequest};
use async_trait::async_trait;
use blobs::{BlobId, BlobStore, ByteSource, DigestKind, DigestValue, Hashers, SourceError};
use bytes::Bytes;
use futures_util::StreamExt;
use jiff::Timestamp;
use service::{Applied, Cx, Need, Scope, Streaming};
use store::{Changes, View};
use wire::ByteStream;

use super::checksums::{
    ChecksumFields, ChecksumKind, StoredChecksum, check_md5, computed, read_algorithm, read_given, read_md5,
};
use super::conditions::check_write;
use super::metadata::{check_metadata, headers_of};
use super::put_needs::needs;
use super::record::{ObjectRecord, check_key, find, replace};
use crate::access::Grounds;
use crate::buckets::known_bucket;
use crate::error::MAX_PUT_BYTES;
use crate::owner::hex;
use crate::reconcile::COMMIT_AGE;
use crate::unbuilt::{refuse_acl, refuse_given, refuse_storage_class};
use crate::{S3, S3Error};

/// The bytes of an upload, checked and safe.
#[derive(Debug)]
pub struct StagedObject {
    blob: Option<BlobId>,
    length: u64,
    md5: [u8; 16],
    checksum: StoredChecksum,
    written_at: Timestamp,
}

#[async_trait]
impl Streaming<S3> for PutObject {
    type Error = S3Error;
    type Staged = StagedObject;
    type Found = PutObjectOutput;

    fn needs(input: &PutObjectRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(needs(input, &Grounds::of(view, scope, &input.bucket)?))
    }

    fn check(input: &PutObjectRequest, view: &View, _cx: &Cx) -> Result<(), S3Error> {
        check_key(&input.key)?;
        refuse_unbuilt(input)?;
        check_metadata(input.metadata.as_ref())?;
        read_md5(input.content_md5.as_deref())?;
        let algorithm = read_algorithm(input.checksum_algorithm.as_deref())?;
        if let (Some(algorithm), Some(given)) = (algorithm, read_given(&header_checksums(input))?)
            && algorithm != given.kind
        {
            let text = "Value for x-amz-sdk-checksum-algorithm header is invalid.";
            return Err(S3Error::InvalidRequest(text.to_owned()));
        }
        match announced_length(input) {
            None => return Err(S3Error::MissingContentLength),
            Some(length) if length > MAX_PUT_BYTES => return Err(S3Error::EntityTooLarge(length)),
            Some(_) => {}
        }
        allowed(input, view).map(drop)
    }

    async fn stage(service: &S3, input: &mut PutObjectRequest, _cx: &Cx) -> Result<StagedObject, S3Error> {
        let body = input.body.take().unwrap_or_else(|| ByteStream::from_bytes(Bytes::new()));
        let trailers = body.trailers();
        let algorithm = read_algorithm(input.checksum_algorithm.as_deref())?;
        let in_headers = read_given(&header_checksums(input))?;
        let kinds = kinds_to_compute(in_headers.as_ref().map(|given| given.kind).or(algorithm));
        let Taken { blob, length, md5, digests, written_at } = take_in(service.blobs().as_ref(), body, &kinds).await?;
        let trailers = trailers.as_ref().and_then(|trailers| trailers.get()).map_or(&[][..], Vec::as_slice);
        let checked = async {
            check_md5(read_md5(input.content_md5.as_deref())?, md5)?;
            let given = match (in_headers, read_given(&trailing_checksums(trailers))?) {
                (None, trailing) => trailing,
                (given, None) => given,
                (Some(_), Some(_)) => {
                    let text = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
                    return Err(S3Error::InvalidRequest(text.to_owned()));
                }
            };
            if given.is_none() && algorithm.is_some() {
                let text = "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.";
                return Err(S3Error::InvalidRequest(text.to_owned()));
            }
            let kind = given.as_ref().map_or(ChecksumKind::DEFAULT, |given| given.kind);
            let checksum = match computed(&digests, kind) {
                Some(checksum) => checksum,
                None => read_back(service.blobs().as_ref(), blob, kind).await?,
            };
            match given {
                Some(given) if given != checksum => Err(S3Error::BadChecksum(kind.name())),
                _ => Ok(checksum),
            }
        };
        match checked.await {
            Ok(checksum) => Ok(StagedObject { blob, length, md5, checksum, written_at }),
            Err(refused) => {
                give_up(service, blob).await;
                Err(refused)
            }
        }
    }

    fn apply(
        input: &PutObjectRequest,
        staged: &StagedObject,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<PutObjectOutput>, S3Error> {
        let old = allowed(input, view)?;
        if cx.now.duration_since(staged.written_at) >= COMMIT_AGE {
            return Err(S3Error::Reclaimed);
        }
        let object = ObjectRecord {
            bucket: input.bucket.clone(),
            key: input.key.clone(),
            blob: staged.blob,
            length: staged.length,
            etag: hex(&staged.md5),
            last_modified: Timestamp::from_second(cx.now.as_second()).unwrap_or(cx.now),
            checksum: staged.checksum.clone(),
            headers: headers_of(input),
            metadata: input.metadata.clone().unwrap_or_default(),
            storage_class: "STANDARD".to_owned(),
        };
        let mut changes = Changes::new();
        replace(view, &mut changes, old.as_ref(), &object, cx.now)?;
        let checksum = ChecksumFields::of(Some(object.checksum));
        let output = PutObjectOutput {
            e_tag: Some(format!("\"{}\"", object.etag)),
            checksum_crc32: checksum.crc32,
            checksum_crc32_c: checksum.crc32c,
            checksum_crc64_nvme: checksum.crc64nvme,
            checksum_sha1: checksum.sha1,
            checksum_sha256: checksum.sha256,
            checksum_type: checksum.kind,
            ..PutObjectOutput::default()
        };
        Ok(Applied::with(output, changes))
    }

    async fn abandon(service: &S3, staged: &StagedObject) {
        give_up(service, staged.blob).await;
    }

    async fn finish(
        _service: &S3,
        _input: &PutObjectRequest,
        found: PutObjectOutput,
    ) -> Result<PutObjectOutput, S3Error> {
        Ok(found)
    }
}

/// The object that will be replaced, if the caller may.
fn allowed(input: &PutObjectRequest, view: &View) -> Result<Option<ObjectRecord>, S3Error> {
    known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let old = find(view, &input.bucket, &input.key)?;
    check_write(input.if_match.as_deref(), input.if_none_match.as_deref(), &input.key, old.as_ref())?;
    Ok(old)
}

/// The length, or else what it cannot exceed: nobody knows the length of a file in a form before its end.
fn announced_length(input: &PutObjectRequest) -> Option<u64> {
    let in_header = input.content_length.and_then(|length| u64::try_from(length).ok());
    let most = |body: &ByteStream| body.length().or(body.limit());
    input.body.as_ref().map_or(Some(0), most).or(in_header)
}

fn header_checksums(input: &PutObjectRequest) -> Vec<(ChecksumKind, &str)> {
    let all = [
        (ChecksumKind::Crc32, &input.checksum_crc32),
        (ChecksumKind::Crc32c, &input.checksum_crc32_c),
        (ChecksumKind::Crc64nvme, &input.checksum_crc64_nvme),
        (ChecksumKind::Sha1, &input.checksum_sha1),
        (ChecksumKind::Sha256, &input.checksum_sha256),
    ];
    all.into_iter().filter_map(|(kind, value)| Some((kind, value.as_deref()?))).collect()
}

fn trailing_checksums(trailers: &[(String, String)]) -> Vec<(ChecksumKind, &str)> {
    let kind_of = |name: &str| ChecksumKind::ALL.into_iter().find(|kind| kind.header() == name);
    trailers.iter().filter_map(|(name, value)| Some((kind_of(name)?, value.as_str()))).collect()
}

/// The algorithm that is announced. Where none is, a trailer may still bring one: the CRCs cost next to nothing, and
/// the others are computed when they turn out to be needed.
fn kinds_to_compute(announced: Option<ChecksumKind>) -> Vec<DigestKind> {
    match announced {
        Some(kind) => vec![kind.digest()],
        None => vec![DigestKind::Crc64Nvme, DigestKind::Crc32, DigestKind::Crc32c],
    }
}

struct Taken {
    blob: Option<BlobId>,
    length: u64,
    md5: [u8; 16],
    digests: Vec<DigestValue>,
    written_at: Timestamp,
}

async fn take_in(blobs: &dyn BlobStore, body: ByteStream, kinds: &[DigestKind]) -> Result<Taken, S3Error> {
    if body.length() == Some(0) {
        // Read to its end all the same: its trailers and its promises are at the end.
        body.collect(0).await?;
        let (md5, digests) = Hashers::new(kinds).finish();
        // Nothing was written that could be taken away.
        return Ok(Taken { blob: None, length: 0, md5, digests, written_at: Timestamp::MAX });
    }
    let source: ByteSource = body.map(|piece| piece.map_err(|error| Box::new(error) as SourceError)).boxed();
    let written = blobs.put(source, MAX_PUT_BYTES, kinds).await?;
    let written_at = Timestamp::try_from(written.written_at).map_err(|error| S3Error::Internal(error.to_string()))?;
    let (blob, length) = (Some(written.id), written.length);
    Ok(Taken { blob, length, md5: written.md5, digests: written.digests, written_at })
}

/// Computes a checksum that was not announced, from what was written.
async fn read_back(blobs: &dyn BlobStore, blob: Option<BlobId>, kind: ChecksumKind) -> Result<StoredChecksum, S3Error> {
    let mut hashers = Hashers::new(&[kind.digest()]);
    if let Some(blob) = blob {
        let mut reader = blobs.open(&blob, None).await?;
        while let Some(piece) = reader.next().await {
            let piece = piece?;
            let hash = move || {
                hashers.update(&piece);
                hashers
            };
            hashers = tokio::task::spawn_blocking(hash).await.map_err(|error| S3Error::Internal(error.to_string()))?;
        }
    }
    let (_, digests) = hashers.finish();
    computed(&digests, kind).ok_or_else(|| S3Error::Internal(format!("no digest for {}", kind.name())))
}

/// Deletes bytes that no record names. A failure leaves them to [`crate::BlobReconciler`].
async fn give_up(service: &S3, blob: Option<BlobId>) {
    if let Some(blob) = blob {
        let _ = service.blobs().delete(&blob).await;
    }
}

fn refuse_unbuilt(input: &PutObjectRequest) -> Result<(), S3Error> {
    refuse_acl(input.acl.as_deref())?;
    refuse_storage_class(input.storage_class.as_deref())?;
    refuse_given(&[
        ("x-amz-checksum-sha512", input.checksum_sha512.is_some()),
        ("x-amz-checksum-md5", input.checksum_md5.is_some()),
        ("x-amz-checksum-xxhash64", input.checksum_xxhash64.is_some()),
        ("x-amz-checksum-xxhash3", input.checksum_xxhash3.is_some()),
        ("x-amz-checksum-xxhash128", input.checksum_xxhash128.is_some()),
        ("x-amz-grant-full-control", input.grant_full_control.is_some()),
        ("x-amz-grant-read", input.grant_read.is_some()),
        ("x-amz-grant-read-acp", input.grant_read_acp.is_some()),
        ("x-amz-grant-write-acp", input.grant_write_acp.is_some()),
        ("x-amz-write-offset-bytes", input.write_offset_bytes.is_some()),
        ("x-amz-server-side-encryption", input.server_side_encryption.is_some()),
        ("x-amz-server-side-encryption-customer-algorithm", input.sse_customer_algorithm.is_some()),
        ("x-amz-server-side-encryption-customer-key", input.sse_customer_key.is_some()),
        ("x-amz-server-side-encryption-customer-key-MD5", input.sse_customer_key_md5.is_some()),
        ("x-amz-server-side-encryption-aws-kms-key-id", input.ssekms_key_id.is_some()),
        ("x-amz-server-side-encryption-context", input.ssekms_encryption_context.is_some()),
        ("x-amz-server-side-encryption-bucket-key-enabled", input.bucket_key_enabled == Some(true)),
        ("x-amz-website-redirect-location", input.website_redirect_location.is_some()),
        ("x-amz-request-payer", input.request_payer.is_some()),
        ("x-amz-tagging", input.tagging.as_deref().is_some_and(|tags| !tags.is_empty())),
        ("x-amz-object-lock-mode", input.object_lock_mode.is_some()),
        ("x-amz-object-lock-retain-until-date", input.object_lock_retain_until_date.is_some()),
        ("x-amz-object-lock-legal-hold", input.object_lock_legal_hold_status.is_some()),
        ("x-amz-object-lock-event-hold", input.object_lock_event_hold.is_some()),
        ("x-amz-object-lock-event-hold-duration-days", input.object_lock_event_hold_duration_days.is_some()),
        ("x-amz-object-lock-event-hold-duration-years", input.object_lock_event_hold_duration_years.is_some()),
    ])
}
