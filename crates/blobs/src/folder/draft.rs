//! A large blob's file while it is written, and until its caller has heard of it.

use std::fs::{self, File};
use std::io::{self, IoSlice, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use tokio::runtime::Handle;

use super::{Shared, failed, remove, sync_folder};
use crate::format::{self, FRAME_HEADER};
use crate::{BlobError, BlobId, Cipher};

/// After so many bytes the disk begins to write them, so that little is left to do at the end.
const FLUSHED_BYTES: u64 = 16 << 20;

/// Frames that are turned by a cipher before they are written: 1 MiB, as large as the buffers that are kept.
const TURNED_FRAMES: usize = 16;

/// A draft in the hands of the reactor. Freeing a large file's blocks takes long: when it is dropped, another thread
/// does that.
pub(super) struct OffReactor(Option<Box<Draft>>);

impl OffReactor {
    pub(super) fn new(draft: Box<Draft>) -> Self {
        Self(Some(draft))
    }

    /// Takes the draft out, to be dropped where it is.
    pub(super) fn into_here(mut self) -> Box<Draft> {
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

/// A blob being written, in `tmp/`. Dropped, it is gone.
pub(super) struct Draft {
    shared: Arc<Shared>,
    id: BlobId,
    path: PathBuf,
    file: Option<Arc<File>>,
    frames: u64,
    length: u64,
    flushed: u64,
    is_flushing: Arc<AtomicBool>,
    cipher: Option<Arc<dyn Cipher>>,
}

impl Draft {
    pub(super) fn new(shared: Arc<Shared>, id: BlobId, cipher: Option<Arc<dyn Cipher>>) -> Self {
        let path = shared.draft_path(&id);
        let is_flushing = Arc::default();
        Self { shared, id, path, file: None, frames: 0, length: 0, flushed: 0, is_flushing, cipher }
    }

    /// Whether nothing of it is on disk.
    pub(super) fn is_new(&self) -> bool {
        self.file.is_none()
    }

    pub(super) fn id(&self) -> BlobId {
        self.id
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Adds frames, which are full unless they are the last ones.
    pub(super) fn append(&mut self, frames: &[Bytes]) -> Result<(), BlobError> {
        self.shared.room.require()?;
        if let Some(cipher) = self.cipher.clone().filter(|_| !frames.is_empty()) {
            for some in frames.chunks(TURNED_FRAMES) {
                self.append_turned(some, &*cipher)?;
            }
            self.begin_flush();
            return Ok(());
        }
        let mut headers = Vec::with_capacity(frames.len());
        for frame in frames {
            headers.push(format::frame_header(&self.id, self.frames, frame));
            self.frames += 1;
            self.length += frame.len() as u64;
        }
        let mut slices = Vec::with_capacity(frames.len() * 2);
        for (header, frame) in headers.iter().zip(frames) {
            slices.extend([IoSlice::new(header), IoSlice::new(frame)]);
        }
        self.write_all(&mut slices)?;
        self.begin_flush();
        Ok(())
    }

    /// The same through a cipher: in copies, as who hashes the frames meanwhile needs them as they came. Each is turned,
    /// and its checksum taken, while it is in the processor's cache.
    fn append_turned(&mut self, frames: &[Bytes], cipher: &dyn Cipher) -> Result<(), BlobError> {
        let size = frames.iter().map(|frame| FRAME_HEADER + frame.len()).sum();
        let mut buffer = self.shared.buffers.take(size, None);
        let mut rest = buffer.bytes_mut();
        for frame in frames {
            let (head, after) = rest.split_at_mut(FRAME_HEADER);
            let (data, after) = after.split_at_mut(frame.len());
            data.copy_from_slice(frame);
            cipher.apply(self.length, data);
            head.copy_from_slice(&format::frame_header(&self.id, self.frames, data));
            self.frames += 1;
            self.length += frame.len() as u64;
            rest = after;
        }
        self.write_all(&mut [IoSlice::new(buffer.as_ref())])
    }

    fn write_all(&mut self, mut slices: &mut [IoSlice<'_>]) -> Result<(), BlobError> {
        let mut file: &File = match &mut self.file {
            Some(file) => file,
            none => {
                let file = File::create_new(&self.path).map_err(failed("make", &self.path))?;
                let file = none.insert(Arc::new(file));
                (&**file).write_all(&format::header(&self.id)).map_err(failed("write", &self.path))?;
                file
            }
        };
        while !slices.is_empty() {
            match file.write_vectored(slices) {
                Ok(0) => return Err(failed("write", &self.path)(io::ErrorKind::WriteZero.into())),
                Ok(count) => IoSlice::advance_slices(&mut slices, count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed("write", &self.path)(error)),
            }
        }
        Ok(())
    }

    /// Has the disk write what it got since the last time, while more comes. What fails is told by the flush at the end.
    fn begin_flush(&mut self) {
        if self.length - self.flushed < FLUSHED_BYTES || self.is_flushing.swap(true, Ordering::AcqRel) {
            return;
        }
        self.flushed = self.length;
        if let (Some(file), Ok(runtime)) = (self.file.clone(), Handle::try_current()) {
            let is_flushing = Arc::clone(&self.is_flushing);
            drop(runtime.spawn_blocking(move || {
                let _ = file.sync_data();
                is_flushing.store(false, Ordering::Release);
            }));
        }
    }

    /// Writes the rest and gives the blob its name. Gives its length. Nothing is flushed.
    pub(super) fn finish_unflushed(mut self, last: &[Bytes]) -> Result<u64, BlobError> {
        self.append(last)?;
        self.write_all(&mut [IoSlice::new(&format::trailer(&self.id, self.length))])?;
        let path = self.shared.path(&self.id);
        fs::rename(&self.path, &path).map_err(failed("rename", &self.path))?;
        self.file = None;
        Ok(self.length)
    }

    /// Writes the rest and makes it last.
    pub(super) fn finish(mut self, last: &[Bytes]) -> Result<Finished, BlobError> {
        self.append(last)?;
        self.write_all(&mut [IoSlice::new(&format::trailer(&self.id, self.length))])?;
        let file = self.file.as_ref().ok_or_else(|| failed("flush", &self.path)(io::ErrorKind::NotFound.into()))?;
        file.sync_data().map_err(failed("flush", &self.path))?;
        let written_at = file.metadata().and_then(|facts| facts.modified()).map_err(failed("look at", &self.path))?;
        let path = self.shared.path(&self.id);
        fs::rename(&self.path, &path).map_err(failed("rename", &self.path))?;
        self.file = None;
        let finished = Finished { id: self.id, length: self.length, written_at, path, is_kept: false };
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
pub(super) struct Finished {
    pub(super) id: BlobId,
    pub(super) length: u64,
    pub(super) written_at: SystemTime,
    path: PathBuf,
    is_kept: bool,
}

impl Finished {
    pub(super) fn keep(&mut self) {
        self.is_kept = true;
    }
}

impl Drop for Finished {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be removed is a blob that no record names.
            let _ = remove(&self.path);
        }
    }
}
