//! Writing a blob: the source is read into batches on the reactor; each batch is hashed, framed and written on a
//! blocking thread while the next one fills.

use std::fs::{self, File};
use std::io::Write;
use std::mem;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::{Shared, failed, joined, remove, sync_folder};
use crate::format::{self, FRAME, FRAME_HEADER};
use crate::segments::{self, Small, Writer};
use crate::{BlobError, BlobId, BlobWritten, ByteSource, Cipher, DigestKind, DigestValue, Hashers};

/// Frames of a batch. Two batches of 256 KiB are in memory at most: one fills, one is written.
const BATCH_FRAMES: usize = 4;
const FULL_FRAME: usize = FRAME_HEADER + FRAME;
const FULL_BATCH: usize = BATCH_FRAMES * FULL_FRAME;
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
    let draft = Draft::new(Arc::clone(shared), BlobId::random()?, digests, cipher.clone());
    let mut upload = Upload { shared: Arc::clone(shared), state: State::New(Box::new(draft)) };
    match upload.receive(source, limit).await {
        Ok(last) => match (&shared.writer, &upload.state) {
            (Some(writer), State::New(_)) if last.length() <= shared.small => {
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
    let hashed = Bytes::from(batch.0);
    // A copy costs less than to wait for the digests before anything is written.
    let frames = cipher.map_or_else(|| hashed.clone(), |cipher| turned(&hashed, &*cipher));
    let safe = writer.append(Small { frames, length: length as u32 }).await?;
    let hashers = Hashers::new(digests);
    let (md5, digests) = if length <= HASHED_HERE {
        hash(&hashed, hashers)
    } else {
        shared.blocking(move || Ok(hash(&hashed, hashers))).await?
    };
    let (id, written_at) = safe.await.map_err(|_| segments::has_ended())??.keep();
    Ok(BlobWritten { id, length: length as u64, md5, digests, written_at })
}

/// An upload as the reactor sees it.
struct Upload {
    shared: Arc<Shared>,
    state: State,
}

enum State {
    /// Nothing is on disk.
    New(Box<Draft>),
    /// A batch is being written, or has been.
    Writing(JoinHandle<Result<OffReactor, BlobError>>),
    Done,
}

impl Upload {
    /// Reads the source to its end, writing each full batch. Gives the last batch, which is not written.
    async fn receive(&mut self, mut source: ByteSource, limit: u64) -> Result<Batch, BlobError> {
        let mut batch = Batch::default();
        let mut length = 0u64;
        while let Some(chunk) = source.next().await {
            let mut chunk = chunk.map_err(BlobError::Source)?;
            length = length.saturating_add(chunk.len() as u64);
            if length > limit {
                return Err(BlobError::TooLarge { limit });
            }
            while !chunk.is_empty() {
                if batch.is_full() {
                    self.write(mem::take(&mut batch)).await?;
                }
                batch.fill(&mut chunk);
            }
        }
        Ok(batch)
    }

    /// Waits for the batch before, then has this one written.
    async fn write(&mut self, batch: Batch) -> Result<(), BlobError> {
        let draft = self.draft().await?;
        let permit = self.shared.wait_for(&self.shared.workers).await?;
        self.state = State::Writing(tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let mut draft = draft.into_here();
            draft.append(batch)?;
            Ok(OffReactor(Some(draft)))
        }));
        Ok(())
    }

    async fn finish(mut self, last: Batch) -> Result<BlobWritten, BlobError> {
        let draft = self.draft().await?;
        let finished = self.shared.blocking(move || draft.into_here().finish(last)).await?;
        Ok(finished.keep())
    }

    /// Returns when nothing of the upload is left.
    async fn abandon(mut self) {
        if let Ok(draft) = self.draft().await {
            // The result is that of dropping, and a closure that never runs is dropped as well.
            let _ = tokio::task::spawn_blocking(move || drop(draft.into_here())).await;
        }
    }

    async fn draft(&mut self) -> Result<OffReactor, BlobError> {
        match mem::replace(&mut self.state, State::Done) {
            State::New(draft) => Ok(OffReactor(Some(draft))),
            State::Writing(work) => joined(work).await,
            State::Done => Err(BlobError::io("write a blob", std::io::Error::other("the upload is over"))),
        }
    }
}

/// A draft in the hands of the reactor. Freeing a large file's blocks takes long: when it is dropped, another thread
/// does that.
struct OffReactor(Option<Box<Draft>>);

impl OffReactor {
    /// Takes the draft out, to be dropped where it is.
    fn into_here(mut self) -> Box<Draft> {
        self.0.take().expect("only taken out by the method that consumes it, or when dropped")
    }
}

impl Drop for OffReactor {
    fn drop(&mut self) {
        if let (Some(draft), Ok(runtime)) = (self.0.take_if(|draft| draft.file.is_some()), Handle::try_current()) {
            drop(runtime.spawn_blocking(move || drop(draft)));
        }
    }
}

/// Bytes on their way to the disk, with gaps for the frames' headers.
#[derive(Default)]
pub(super) struct Batch(Vec<u8>);

impl Batch {
    pub(super) fn is_full(&self) -> bool {
        self.0.len() == FULL_BATCH
    }

    /// How many bytes of the blob it has.
    fn length(&self) -> usize {
        self.0.len() - self.0.len().div_ceil(FULL_FRAME) * FRAME_HEADER
    }

    /// Copies from `chunk` what fits into the current frame. Copying makes memory bounded whatever larger buffer a
    /// small chunk is a slice of.
    pub(super) fn fill(&mut self, chunk: &mut Bytes) {
        if self.0.len() == FULL_FRAME {
            self.0.reserve_exact(FULL_BATCH - FULL_FRAME);
        }
        if self.0.len().is_multiple_of(FULL_FRAME) {
            self.0.extend_from_slice(&[0; FRAME_HEADER]);
        }
        let space = FULL_FRAME - self.0.len() % FULL_FRAME;
        let count = space.min(chunk.len());
        self.0.extend_from_slice(&chunk[..count]);
        chunk.advance(count);
    }
}

/// The digests of the data in `frames`.
fn hash(frames: &[u8], mut hashers: Hashers) -> ([u8; 16], Vec<DigestValue>) {
    for frame in frames.chunks(FULL_FRAME) {
        hashers.update(&frame[FRAME_HEADER..]);
    }
    hashers.finish()
}

/// Frames whose data a cipher has turned.
fn turned(frames: &[u8], cipher: &dyn Cipher) -> Bytes {
    let mut frames = frames.to_vec();
    for (offset, frame) in (0..).step_by(FRAME).zip(frames.chunks_mut(FULL_FRAME)) {
        cipher.apply(offset, &mut frame[FRAME_HEADER..]);
    }
    frames.into()
}

/// A blob being written, in `tmp/`. Dropped, it is gone.
pub(super) struct Draft {
    shared: Arc<Shared>,
    id: BlobId,
    path: PathBuf,
    file: Option<File>,
    hashers: Hashers,
    cipher: Option<Arc<dyn Cipher>>,
    frames: u64,
    length: u64,
}

impl Draft {
    pub(super) fn new(
        shared: Arc<Shared>,
        id: BlobId,
        digests: &[DigestKind],
        cipher: Option<Arc<dyn Cipher>>,
    ) -> Self {
        let path = shared.draft_path(&id);
        Self { shared, id, path, file: None, hashers: Hashers::new(digests), cipher, frames: 0, length: 0 }
    }

    pub(super) fn id(&self) -> BlobId {
        self.id
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    pub(super) fn append(&mut self, batch: Batch) -> Result<(), BlobError> {
        let mut bytes = batch.0;
        for frame in bytes.chunks_mut(FULL_FRAME) {
            let (head, data) = frame.split_at_mut(FRAME_HEADER);
            self.hashers.update(data);
            if let Some(cipher) = &self.cipher {
                cipher.apply(self.length, data);
            }
            head.copy_from_slice(&format::frame_header(&self.id, self.frames, data));
            self.frames += 1;
            self.length += data.len() as u64;
        }
        self.write_all(&bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let file = File::create_new(&self.path).map_err(failed("make", &self.path))?;
                let file = self.file.insert(file);
                file.write_all(&format::header(&self.id)).map_err(failed("write", &self.path))?;
                file
            }
        };
        file.write_all(bytes).map_err(failed("write", &self.path))
    }

    /// Writes the rest and gives the blob its name. Gives its length. Nothing is flushed.
    pub(super) fn finish_unflushed(mut self, last: Batch) -> Result<u64, BlobError> {
        self.append(last)?;
        self.write_all(&format::trailer(&self.id, self.length))?;
        let path = self.shared.path(&self.id);
        fs::rename(&self.path, &path).map_err(failed("rename", &self.path))?;
        self.file = None;
        Ok(self.length)
    }

    /// Writes the rest and makes it last.
    fn finish(mut self, last: Batch) -> Result<Finished, BlobError> {
        self.append(last)?;
        self.write_all(&format::trailer(&self.id, self.length))?;
        let file =
            self.file.as_ref().ok_or_else(|| failed("flush", &self.path)(std::io::ErrorKind::NotFound.into()))?;
        file.sync_data().map_err(failed("flush", &self.path))?;
        let written_at = file.metadata().and_then(|facts| facts.modified()).map_err(failed("look at", &self.path))?;
        let path = self.shared.path(&self.id);
        fs::rename(&self.path, &path).map_err(failed("rename", &self.path))?;
        self.file = None;
        let (md5, digests) = mem::replace(&mut self.hashers, Hashers::new(&[])).finish();
        let written = BlobWritten { id: self.id, length: self.length, md5, digests, written_at };
        let finished = Finished { written: Some(written), path };
        sync_folder(&self.shared.folder(&self.id))?;
        Ok(finished)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // What cannot be removed now is swept when the folder is opened next.
            let _ = remove(&self.path);
        }
    }
}

/// A blob under its name that its caller has not heard of. Dropped, it is gone.
struct Finished {
    written: Option<BlobWritten>,
    path: PathBuf,
}

impl Finished {
    fn keep(mut self) -> BlobWritten {
        self.written.take().expect("only taken out by the method that consumes it")
    }
}

impl Drop for Finished {
    fn drop(&mut self) {
        if self.written.is_some() {
            // What cannot be removed is a blob that no record names.
            let _ = remove(&self.path);
        }
    }
}
