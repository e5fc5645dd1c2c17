//! Writing a blob: the source is read into batches on the reactor; each batch is hashed on one blocking thread and written
//! on another while the next one fills. One that ends small goes to the writer of segments instead.

use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::task::JoinHandle;

use super::batch::{Batch, Frames};
use super::draft::{Draft, OffReactor};
use super::{Shared, joined};
use crate::segments::{self, Small, Writer};
use crate::{BlobError, BlobId, BlobWritten, ByteSource, Cipher, DigestKind, Hashers};

/// So many bytes are hashed on the reactor: their MD5 takes 30 microseconds, about as much as handing them over does.
const HASHED_HERE: usize = 16 << 10;

/// See [`crate::BlobStore::put`].
pub(super) async fn put(
    shared: &Arc<Shared>,
    source: ByteSource,
    limit: u64,
    digests: &[DigestKind],
    cipher: Option<Arc<dyn Cipher>>,
) -> Result<BlobWritten, BlobError> {
    let mut upload = Upload {
        shared: Arc::clone(shared),
        is_own_free: false,
        file: File::New(Box::new(Draft::new(Arc::clone(shared), BlobId::random()?, cipher.clone()))),
        hashers: Hashing::Here(Hashers::new(digests)),
    };
    match upload.receive(source, limit).await {
        Ok(last) => match (&shared.writer, upload.file.is_new()) {
            (Some(writer), true) if last.length() <= shared.small => {
                put_small(shared, writer, last, digests, cipher).await
            }
            _ => upload.finish(last).await,
        },
        Err(error) => {
            upload.abandon().await;
            Err(error)
        }
    }
}

/// Has the writer of segments write a blob that is in memory, and hashes it meanwhile.
async fn put_small(
    shared: &Arc<Shared>,
    writer: &Writer,
    batch: Batch,
    digests: &[DigestKind],
    cipher: Option<Arc<dyn Cipher>>,
) -> Result<BlobWritten, BlobError> {
    let length = batch.length();
    let frames = batch.freeze();
    let written = cipher.map_or_else(|| frames.data.clone(), |cipher| turned(&frames.data, &*cipher));
    let safe = writer.append(Small { frames: written, length: length as u32 }).await?;
    let hashers = Hashers::new(digests);
    let hashers = if length <= HASHED_HERE {
        hash(hashers, &frames.data)
    } else {
        shared.blocking(move || Ok(hash(hashers, &frames.data))).await?
    };
    let (id, written_at) = safe.await.map_err(|_| segments::has_ended())??.keep();
    let (md5, digests) = hashers.finish();
    Ok(BlobWritten { id, length: length as u64, md5, digests, written_at })
}

/// The frames as the disk gets them: copies, as who hashes them needs them as they came.
fn turned(frames: &[Bytes], cipher: &dyn Cipher) -> Vec<Bytes> {
    let mut offset = 0;
    let turn = |frame: &Bytes| {
        let mut bytes = frame.to_vec();
        cipher.apply(offset, &mut bytes);
        offset += bytes.len() as u64;
        bytes.into()
    };
    frames.iter().map(turn).collect()
}

fn hash(mut hashers: Hashers, frames: &[Bytes]) -> Hashers {
    for frame in frames {
        hashers.update(frame);
    }
    hashers
}

/// An upload as the reactor sees it.
struct Upload {
    shared: Arc<Shared>,
    /// Whether no batch has the room that is this upload's own.
    is_own_free: bool,
    file: File,
    hashers: Hashing,
}

enum File {
    /// Nothing is on disk.
    New(Box<Draft>),
    /// All that came is written.
    Here(OffReactor),
    /// A batch is being written, or has been; whether it had the upload's own room.
    Writing(JoinHandle<Result<OffReactor, BlobError>>, bool),
    Done,
}

impl File {
    fn is_new(&self) -> bool {
        matches!(self, Self::New(_))
    }
}

enum Hashing {
    Here(Hashers),
    Away(JoinHandle<Result<Hashers, BlobError>>),
    Done,
}

impl Upload {
    /// Reads the source to its end, writing each full batch. Gives the last batch, which is not written.
    async fn receive(&mut self, mut source: ByteSource, limit: u64) -> Result<Batch, BlobError> {
        let mut batch = Batch::own();
        let mut length = 0u64;
        while let Some(chunk) = source.next().await {
            let mut chunk = chunk.map_err(BlobError::Source)?;
            length = length.saturating_add(chunk.len() as u64);
            if length > limit {
                return Err(BlobError::TooLarge { limit });
            }
            while !chunk.is_empty() {
                if !batch.has_room(&self.shared.budget) {
                    self.write(batch.freeze()).await?;
                    batch = self.next_batch().await?;
                }
                batch.fill(&mut chunk);
            }
        }
        Ok(batch)
    }

    /// Room for the next bytes: the upload's own if that is free, or some of the budget. If there is none, it is free
    /// when the batch before is written.
    async fn next_batch(&mut self) -> Result<Batch, BlobError> {
        if !mem::take(&mut self.is_own_free) {
            if let Some(batch) = Batch::of(&self.shared.budget) {
                return Ok(batch);
            }
            let (draft, hashers) = self.settled().await?;
            self.file = File::Here(draft);
            self.hashers = Hashing::Here(hashers);
            self.is_own_free = false;
        }
        Ok(Batch::own())
    }

    /// Waits for the batch before, then has this one hashed and written.
    async fn write(&mut self, frames: Frames) -> Result<(), BlobError> {
        let (draft, hashers) = self.settled().await?;
        let is_own = frames.is_upload_s_own;
        let frames = Arc::new(frames);
        let hashed = Arc::clone(&frames);
        self.hashers = Hashing::Away(self.shared.spawn(move || Ok(hash(hashers, &hashed.data))).await?);
        let work = move || {
            let mut draft = draft.into_here();
            draft.append(&frames.data)?;
            Ok(OffReactor::new(draft))
        };
        self.file = File::Writing(self.shared.spawn(work).await?, is_own);
        Ok(())
    }

    async fn finish(mut self, last: Batch) -> Result<BlobWritten, BlobError> {
        let (draft, hashers) = self.settled().await?;
        let frames = Arc::new(last.freeze());
        let hashed = Arc::clone(&frames);
        let hashing = self.shared.blocking(move || Ok(hash(hashers, &hashed.data)));
        let writing = self.shared.blocking(move || draft.into_here().finish(&frames.data));
        let (hashers, mut finished) = futures_util::future::try_join(hashing, writing).await?;
        finished.keep();
        let (md5, digests) = hashers.finish();
        let (id, length, written_at) = (finished.id, finished.length, finished.written_at);
        Ok(BlobWritten { id, length, md5, digests, written_at })
    }

    /// Returns when nothing of the upload is left.
    async fn abandon(mut self) {
        if let Ok((draft, _)) = self.settled().await {
            // The result is that of dropping, and a closure that never runs is dropped as well.
            let _ = tokio::task::spawn_blocking(move || drop(draft.into_here())).await;
        }
    }

    /// What is there when the batch before is hashed and written.
    async fn settled(&mut self) -> Result<(OffReactor, Hashers), BlobError> {
        let draft = match mem::replace(&mut self.file, File::Done) {
            File::New(draft) => OffReactor::new(draft),
            File::Here(draft) => draft,
            File::Writing(work, had_own) => {
                let draft = joined(work).await?;
                self.is_own_free |= had_own;
                draft
            }
            File::Done => return Err(is_over()),
        };
        let hashers = match mem::replace(&mut self.hashers, Hashing::Done) {
            Hashing::Here(hashers) => hashers,
            Hashing::Away(work) => joined(work).await?,
            Hashing::Done => return Err(is_over()),
        };
        Ok((draft, hashers))
    }
}

fn is_over() -> BlobError {
    BlobError::io("write a blob", std::io::Error::other("the upload is over"))
}
