//! Bytes on their way in: written as a blob, with every digest checked that was promised of them.

use std::sync::Arc;

use api::s3::{PutObjectRequest, UploadPartRequest};
use blobs::{BlobId, BlobStore, ByteSource, Cipher, DigestKind, DigestValue, Hashers, SourceError};
use bytes::Bytes;
use futures_util::StreamExt;
use jiff::Timestamp;
use service::Cx;
use wire::{ByteStream, StreamError};

use super::checksums::{ChecksumKind, StoredChecksum, check_md5, computed, read_algorithm, read_given, read_md5};
use crate::encryption::{Encryption, Sealing};
use crate::error::MAX_PUT_BYTES;
use crate::reconcile::COMMIT_AGE;
use crate::{S3, S3Error};

/// The bytes of an upload, checked and safe.
#[derive(Debug)]
pub struct StagedBytes {
    /// The blob; none for no bytes.
    pub(crate) blob: Option<BlobId>,
    pub(crate) length: u64,
    pub(crate) md5: [u8; 16],
    pub(crate) checksum: StoredChecksum,
    /// Of which algorithm the client brought a checksum; none if it brought none.
    pub(crate) given: Option<ChecksumKind>,
    /// The checksum that was asked for beside, whatever the client brings.
    pub(crate) also: Option<StoredChecksum>,
    /// How they lie in the blob.
    pub(crate) encryption: Encryption,
    written_at: Timestamp,
}

impl StagedBytes {
    /// Refuses bytes that have waited for their commit for so long that they may be gone.
    ///
    /// # Errors
    /// [`S3Error::Reclaimed`].
    pub(crate) fn check_age(&self, cx: &Cx) -> Result<(), S3Error> {
        if cx.now.duration_since(self.written_at) >= COMMIT_AGE { Err(S3Error::Reclaimed) } else { Ok(()) }
    }

    /// Their entity tag, without quotes.
    pub(crate) fn etag(&self) -> String {
        self.encryption.etag(&self.md5)
    }

    /// Deletes the bytes, which no record names. A failure leaves them to [`crate::BlobReconciler`].
    pub(crate) async fn give_up(&self, service: &S3) {
        give_up(service, self.blob).await;
    }
}

/// What the headers of an upload promise of its bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Promises {
    md5: Option<[u8; 16]>,
    /// The checksum's algorithm, if it is announced.
    algorithm: Option<ChecksumKind>,
    /// The checksum, if it is in a header.
    checksum: Option<StoredChecksum>,
    /// The algorithm to compute if no checksum comes.
    otherwise: Option<ChecksumKind>,
    /// The algorithm to compute in any case.
    also: Option<ChecksumKind>,
}

/// Reads the promises of a request that has the members of an upload.
macro_rules! promises {
    ($input:expr) => {
        Promises::read(
            $input.content_md5.as_deref(),
            $input.checksum_algorithm.as_deref(),
            &[
                (ChecksumKind::Crc32, &$input.checksum_crc32),
                (ChecksumKind::Crc32c, &$input.checksum_crc32_c),
                (ChecksumKind::Crc64nvme, &$input.checksum_crc64_nvme),
                (ChecksumKind::Sha1, &$input.checksum_sha1),
                (ChecksumKind::Sha256, &$input.checksum_sha256),
                (ChecksumKind::Sha512, &$input.checksum_sha512),
                (ChecksumKind::Md5, &$input.checksum_md5),
                (ChecksumKind::Xxhash64, &$input.checksum_xxhash64),
                (ChecksumKind::Xxhash3, &$input.checksum_xxhash3),
                (ChecksumKind::Xxhash128, &$input.checksum_xxhash128),
            ],
        )
    };
}

impl Promises {
    /// Those of a `PutObject`.
    ///
    /// # Errors
    /// [`S3Error::InvalidDigest`], [`S3Error::InvalidRequest`].
    pub(crate) fn of_put(input: &PutObjectRequest) -> Result<Self, S3Error> {
        promises!(input)
    }

    /// Those of an `UploadPart`.
    ///
    /// # Errors
    /// As [`Promises::of_put`].
    pub(crate) fn of_part(input: &UploadPartRequest) -> Result<Self, S3Error> {
        promises!(input)
    }

    fn read(
        md5: Option<&str>,
        algorithm: Option<&str>,
        checksums: &[(ChecksumKind, &Option<String>)],
    ) -> Result<Self, S3Error> {
        let md5 = read_md5(md5)?;
        let algorithm = read_algorithm(algorithm)?;
        let given: Vec<_> = checksums.iter().filter_map(|(kind, value)| Some((*kind, value.as_deref()?))).collect();
        let checksum = read_given(&given)?;
        if let (Some(algorithm), Some(checksum)) = (algorithm, &checksum)
            && algorithm != checksum.kind
        {
            let text = "Value for x-amz-sdk-checksum-algorithm header is invalid.";
            return Err(S3Error::InvalidRequest(text.to_owned()));
        }
        Ok(Self { md5, algorithm, checksum, otherwise: None, also: None })
    }

    /// The same, with an algorithm to compute if the client brings no checksum.
    pub(crate) fn or_else(self, otherwise: Option<ChecksumKind>) -> Self {
        Self { otherwise, ..self }
    }

    /// The same, with an algorithm to compute whatever the client brings, and that is kept if it brings nothing.
    pub(crate) fn and_also(self, kind: ChecksumKind) -> Self {
        Self { otherwise: Some(kind), also: Some(kind), ..self }
    }

    /// The algorithm that is announced, if it is.
    pub(crate) fn announced(&self) -> Option<ChecksumKind> {
        self.checksum.as_ref().map(|checksum| checksum.kind).or(self.algorithm)
    }

    /// The algorithm that is announced, in whichever way. Where none is, a trailer may still bring one: the CRCs cost next
    /// to nothing, and the others are computed when they turn out to be needed.
    fn kinds_to_compute(&self) -> Vec<DigestKind> {
        let mut kinds = match self.announced() {
            Some(kind) => vec![kind.digest()],
            None => vec![DigestKind::Crc64Nvme, DigestKind::Crc32, DigestKind::Crc32c],
        };
        let more = self.also.or(self.otherwise).map(ChecksumKind::digest);
        kinds.extend(more.filter(|more| !kinds.contains(more)));
        kinds
    }
}

/// The length that is announced of a body, or else what it cannot exceed: nobody knows the length of a file in a form
/// before its end.
///
/// # Errors
/// [`S3Error::MissingContentLength`], [`S3Error::EntityTooLarge`].
pub(crate) fn check_length(body: Option<&ByteStream>, header: Option<i64>) -> Result<(), S3Error> {
    let in_header = header.and_then(|length| u64::try_from(length).ok());
    match body.map_or(Some(0), |body| body.length().or(body.limit())).or(in_header) {
        None => Err(S3Error::MissingContentLength),
        Some(length) if length > MAX_PUT_BYTES => Err(S3Error::EntityTooLarge(length)),
        Some(_) => Ok(()),
    }
}

/// Takes in a body, encrypted as `sealing` says, and checks what was promised of it.
///
/// # Errors
/// The blob store's, the stream's; [`S3Error::BadMd5`], [`S3Error::BadChecksum`], [`S3Error::InvalidRequest`]. Nothing
/// of the bytes is left then.
pub(crate) async fn take_in(
    service: &S3,
    body: Option<ByteStream>,
    promises: &Promises,
    sealing: Sealing,
) -> Result<StagedBytes, S3Error> {
    let body = body.unwrap_or_else(|| ByteStream::from_bytes(Bytes::new()));
    let trailers = body.trailers();
    let taken = write(service.blobs().as_ref(), body, &promises.kinds_to_compute(), &sealing).await?;
    let trailers = trailers.as_ref().and_then(|trailers| trailers.get()).map_or(&[][..], Vec::as_slice);
    match check(service, promises, trailers, &taken, &sealing).await {
        Ok((checksum, given)) => {
            let also = promises.also.and_then(|kind| computed(&taken.digests, kind));
            let Taken { blob, length, md5, written_at, .. } = taken;
            Ok(StagedBytes { blob, length, md5, checksum, given, also, encryption: sealing.encryption, written_at })
        }
        Err(refused) => {
            give_up(service, taken.blob).await;
            Err(refused)
        }
    }
}

/// As [`take_in`], of bytes that are read here and come from no client: that they break off is no fault of who asks.
///
/// # Errors
/// As [`take_in`]; [`S3Error::Internal`] for a source that can't be read to its end.
pub(crate) async fn take_copy(
    service: &S3,
    body: ByteStream,
    promises: &Promises,
    sealing: Sealing,
) -> Result<StagedBytes, S3Error> {
    take_in(service, Some(body), promises, sealing).await.map_err(|error| match error {
        S3Error::IncompleteBody(StreamError::Broken(cause)) => {
            S3Error::Internal(format!("the source breaks off: {cause}"))
        }
        S3Error::IncompleteBody(cause) => S3Error::Internal(format!("the source breaks off: {cause}")),
        other => other,
    })
}

async fn check(
    service: &S3,
    promises: &Promises,
    trailers: &[(String, String)],
    taken: &Taken,
    sealing: &Sealing,
) -> Result<(StoredChecksum, Option<ChecksumKind>), S3Error> {
    check_md5(promises.md5, taken.md5)?;
    let given = match (promises.checksum.clone(), read_given(&trailing_checksums(trailers))?) {
        (None, trailing) => trailing,
        (given, None) => given,
        (Some(_), Some(_)) => {
            let text = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
            return Err(S3Error::InvalidRequest(text.to_owned()));
        }
    };
    if given.is_none() && promises.algorithm.is_some() {
        let text = "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.";
        return Err(S3Error::InvalidRequest(text.to_owned()));
    }
    let otherwise = promises.otherwise.unwrap_or(ChecksumKind::DEFAULT);
    let kind = given.as_ref().map_or(otherwise, |given| given.kind);
    let checksum = match computed(&taken.digests, kind) {
        Some(checksum) => checksum,
        None => read_back(service.blobs().as_ref(), taken.blob, kind, &sealing.cipher).await?,
    };
    match given {
        Some(given) if given != checksum => Err(S3Error::BadChecksum(kind.name())),
        given => Ok((checksum, given.map(|given| given.kind))),
    }
}

fn trailing_checksums(trailers: &[(String, String)]) -> Vec<(ChecksumKind, &str)> {
    let kind_of = |name: &str| ChecksumKind::ALL.into_iter().find(|kind| kind.header() == name);
    trailers.iter().filter_map(|(name, value)| Some((kind_of(name)?, value.as_str()))).collect()
}

struct Taken {
    blob: Option<BlobId>,
    length: u64,
    md5: [u8; 16],
    digests: Vec<DigestValue>,
    written_at: Timestamp,
}

async fn write(
    blobs: &dyn BlobStore,
    body: ByteStream,
    kinds: &[DigestKind],
    sealing: &Sealing,
) -> Result<Taken, S3Error> {
    if body.length() == Some(0) {
        // Read to its end all the same: its trailers and its promises are at the end.
        body.collect(0).await?;
        let (md5, digests) = Hashers::new(kinds).finish();
        // Nothing was written that could be taken away.
        return Ok(Taken { blob: None, length: 0, md5, digests, written_at: Timestamp::MAX });
    }
    let source: ByteSource = body.map(|piece| piece.map_err(|error| Box::new(error) as SourceError)).boxed();
    let written = blobs.put_with(source, MAX_PUT_BYTES, kinds, Some(Arc::clone(&sealing.cipher))).await?;
    let written_at = Timestamp::try_from(written.written_at).map_err(|error| S3Error::Internal(error.to_string()))?;
    let (blob, length) = (Some(written.id), written.length);
    Ok(Taken { blob, length, md5: written.md5, digests: written.digests, written_at })
}

/// Computes a checksum that was not announced, from what was written.
async fn read_back(
    blobs: &dyn BlobStore,
    blob: Option<BlobId>,
    kind: ChecksumKind,
    cipher: &Arc<dyn Cipher>,
) -> Result<StoredChecksum, S3Error> {
    let mut hashers = Hashers::new(&[kind.digest()]);
    if let Some(blob) = blob {
        let mut reader = blobs.open_with(&blob, None, Some(Arc::clone(cipher))).await?;
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

async fn give_up(service: &S3, blob: Option<BlobId>) {
    if let Some(blob) = blob {
        let _ = service.blobs().delete(&blob).await;
    }
}
