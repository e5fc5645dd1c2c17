//! Object bytes at rest: written once under an id that the store of bytes gives, read whole or in part, deleted.
//! Not here: names, versions, owners, keys of encryption. A record elsewhere names each blob; a blob that no record names is
//! rubbish, found by [`BlobStore::list`] and deleted from above. So an upload needs no transaction across both.
//!
//! [`FolderBlobs`] keeps them in a local folder, [`Disks`] in several, [`MemoryBlobs`] in memory for tests; all pass
//! `conformance`. [`Scrubber`] reads all of them now and then, and says which are damaged.
#![forbid(unsafe_code)]

mod cipher;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod digests;
mod disks;
mod error;
mod folder;
pub mod format;
mod hold;
mod id;
mod memory;
mod room;
mod scrub;
mod segments;

use std::ops::Range;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

pub use cipher::Cipher;
pub use digests::{DigestKind, DigestValue, Hashers};
pub use disks::Disks;
pub use error::{BlobError, SourceError};
pub use folder::{FolderBlobs, FolderLimits, Import};
pub use hold::{BlobHold, Holds};
pub use id::{BlobId, InvalidBlobId};
pub use memory::MemoryBlobs;
pub use scrub::{Damage, ScrubReport, ScrubState, Scrubber};

/// The bytes of an upload, in pieces of any size. An error in it ends the upload and comes back unchanged as
/// [`BlobError::Source`]. A source that may stall must itself give an error in time: the store waits for it.
pub type ByteSource = BoxStream<'static, Result<Bytes, SourceError>>;

/// A [`ByteSource`] of bytes that are already there.
pub fn source_of(bytes: impl Into<Bytes>) -> ByteSource {
    let bytes = bytes.into();
    futures_util::stream::once(async move { Ok(bytes) }).boxed()
}

/// Keeps blobs. Every method may be called from many tasks at once.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Writes a new blob from `source` and gives its id, its length, its MD5 and the other `digests` asked for, all
    /// computed in one pass. When it returns `Ok`, the blob survives a crash of the machine.
    ///
    /// When it returns an error, or when its future is dropped, nothing remains of the blob (after a drop: within
    /// moments). Errors: [`BlobError::Source`], [`BlobError::TooLarge`] if there are more than `limit` bytes,
    /// [`BlobError::NoSpace`], [`BlobError::Busy`], [`BlobError::Io`].
    async fn put(&self, source: ByteSource, limit: u64, digests: &[DigestKind]) -> Result<BlobWritten, BlobError> {
        self.put_with(source, limit, digests, None).await
    }

    /// As [`BlobStore::put`]; what lies on disk is what `cipher` makes of the bytes. The digests are those of the bytes as
    /// they came.
    async fn put_with(
        &self,
        source: ByteSource,
        limit: u64,
        digests: &[DigestKind],
        cipher: Option<Arc<dyn Cipher>>,
    ) -> Result<BlobWritten, BlobError>;

    /// Opens a blob for reading, whole or the bytes of `range`, which must lie within it (an empty range may).
    /// Bytes are verified before they are given out. The first of them are already read when this returns, so that
    /// most damage shows before a caller has promised anything to its own client.
    ///
    /// A reader goes on undisturbed when the blob is deleted meanwhile. Errors: [`BlobError::NotFound`],
    /// [`BlobError::OutOfRange`], [`BlobError::Corrupt`], [`BlobError::Unsupported`], [`BlobError::Busy`],
    /// [`BlobError::Io`].
    async fn open(&self, id: &BlobId, range: Option<Range<u64>>) -> Result<BlobReader, BlobError> {
        self.open_with(id, range, None).await
    }

    /// As [`BlobStore::open`], through the cipher that the blob was put with. With another one, or with none, other bytes
    /// come out: that a cipher is the right one is not verified here.
    async fn open_with(
        &self,
        id: &BlobId,
        range: Option<Range<u64>>,
        cipher: Option<Arc<dyn Cipher>>,
    ) -> Result<BlobReader, BlobError>;

    /// Deletes a blob; one that is not there is not an error. A crash of the machine right after may bring the blob
    /// back: then it is one that no record names.
    async fn delete(&self, id: &BlobId) -> Result<(), BlobError>;

    /// The first `limit` blobs with an id greater than `after`, by id. Blobs being written are not among them. One
    /// written during the walk may be missed. Who reclaims must leave alone what is younger than the longest time
    /// between a `put` and the commit of the record that names it.
    async fn list(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobListed>, BlobError>;

    /// Keeps every blob that is there from going away until the hold is dropped: [`BlobStore::delete`] then takes effect
    /// at its end, or is refused as [`BlobError::Held`] where the hold is another process's; until then such a blob may
    /// still be opened. Take it before the snapshot whose blobs are copied. Drop it where blocking on the disk is
    /// allowed. Errors: [`BlobError::NoSpace`], [`BlobError::Io`].
    fn hold(&self) -> Result<BlobHold, BlobError>;

    /// As [`BlobStore::list`], and besides what is there but can't be listed, since what says so is damaged: under an id
    /// that begins as the blob's does, as far as that is known, and has zeros after that. Whoever opens it is told that
    /// it is damaged.
    async fn survey(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobId>, BlobError> {
        Ok(self.list(after, limit).await?.into_iter().map(|blob| blob.id).collect())
    }

    /// A folder that belongs to the store, where what is known about it can be kept; none if it has none.
    fn folder(&self) -> Option<PathBuf> {
        None
    }

    /// What each disk has, counted by looking at all of it; none where there are no disks. Errors: [`BlobError::Busy`],
    /// [`BlobError::Io`].
    async fn stats(&self) -> Result<Vec<DiskStats>, BlobError> {
        Ok(Vec::new())
    }
}

/// What lies on one disk.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DiskStats {
    /// Its folder.
    pub folder: String,
    /// Whether it is not there: then nothing else is known of it.
    pub is_missing: bool,
    /// Blobs that are files of their own.
    pub files: u64,
    /// Bytes of those files.
    pub file_bytes: u64,
    /// Segments, which small blobs share.
    pub segments: u64,
    /// Blobs in them.
    pub small_blobs: u64,
    /// Bytes in segments that are theirs.
    pub small_bytes: u64,
    /// Bytes in segments that nothing needs any more, and that come back when it is worth it.
    pub garbage_bytes: u64,
    /// Entries of segments that are damaged.
    pub damaged_entries: u64,
    /// Bytes that are free where the folder is.
    pub free_bytes: u64,
}

/// What is known of a blob when it is safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobWritten {
    /// Its id.
    pub id: BlobId,
    /// How many bytes it has.
    pub length: u64,
    /// MD5 of its bytes; S3's entity tag.
    pub md5: [u8; 16],
    /// The digests asked for, in the order asked for.
    pub digests: Vec<DigestValue>,
    /// When it was written, as [`BlobListed::written_at`] will say.
    pub written_at: SystemTime,
}

/// A blob as [`BlobStore::list`] finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobListed {
    /// Its id.
    pub id: BlobId,
    /// When its last byte was written, by the clock of the machine that wrote it.
    pub written_at: SystemTime,
}

/// The bytes of a blob or of a range of it, as a stream. After an error it ends.
pub struct BlobReader {
    length: u64,
    blob_length: u64,
    chunks: BoxStream<'static, Result<Bytes, BlobError>>,
}

impl BlobReader {
    /// For stores: a reader that gives `length` bytes, out of a blob that has `blob_length`.
    pub fn new(length: u64, blob_length: u64, chunks: BoxStream<'static, Result<Bytes, BlobError>>) -> Self {
        Self { length, blob_length, chunks }
    }

    /// How many bytes this reader gives.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// How many bytes the whole blob has.
    pub fn blob_length(&self) -> u64 {
        self.blob_length
    }

    /// All bytes at once, for blobs known to be small: more than `limit` is [`BlobError::TooLarge`].
    pub async fn collect(self, limit: usize) -> Result<Vec<u8>, BlobError> {
        if self.length > limit as u64 {
            return Err(BlobError::TooLarge { limit: limit as u64 });
        }
        self.chunks
            .try_fold(Vec::new(), |mut all, chunk| async move {
                all.extend_from_slice(&chunk);
                Ok(all)
            })
            .await
    }
}

impl Stream for BlobReader {
    type Item = Result<Bytes, BlobError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.chunks.poll_next_unpin(cx)
    }
}

impl std::fmt::Debug for BlobReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobReader").field("length", &self.length).field("blob_length", &self.blob_length).finish()
    }
}

/// Checks a range against a blob's length; no range is all of it.
fn checked_range(range: Option<Range<u64>>, blob_length: u64) -> Result<Range<u64>, BlobError> {
    let range = range.unwrap_or(0..blob_length);
    if range.start <= range.end && range.end <= blob_length {
        Ok(range)
    } else {
        Err(BlobError::OutOfRange { blob_length })
    }
}
