//! Reading a blob: a batch of frames at a time, each verified whole, then cut to the range that was asked for.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;

use super::buffers::Buffers;
use super::{Shared, failed, joined};
use crate::format::{self, FRAME, FRAME_HEADER, HEADER, TRAILER};
use crate::segments::SmallBlob;
use crate::{BlobError, BlobId, BlobReader, Cipher, checked_range};

/// Frames that are read at first: 256 KiB.
const FIRST_FRAMES: u32 = 4;
/// Frames that are read at once after that, while what came before is sent: 1 MiB.
const BATCH_FRAMES: u32 = 16;

/// What is wrong with a file that ends too early.
const SHORTER: &str = "its file has become shorter";

/// See [`crate::BlobStore::open`]. The reader keeps `slot` until it is dropped.
pub(super) async fn open(
    shared: &Arc<Shared>,
    id: BlobId,
    range: Option<Range<u64>>,
    slot: OwnedSemaphorePermit,
    cipher: Option<Arc<dyn Cipher>>,
) -> Result<BlobReader, BlobError> {
    if let Some(small) = shared.segments.read_warm(&id) {
        return Ok(small_reader(opened_small(small, range, cipher.as_deref())?));
    }
    let ours = Arc::clone(shared);
    let opened = shared
        .blocking(move || {
            if let Some(small) = ours.segments.read(&id)? {
                return opened_small(small, range, cipher.as_deref()).map(Opened::Small);
            }
            let extent = Extent::open(&ours.path(&id), id, cipher)?;
            let range = checked_range(range, extent.length)?;
            let mut rest = range.clone();
            let first = extent.read(Part::take(&mut rest, &ours, FIRST_FRAMES))?;
            Ok(Opened::Large { extent, range, rest, first })
        })
        .await?;
    match opened {
        Opened::Large { extent, range, rest, first } => {
            let blob_length = extent.length;
            let rest = Rest {
                shared: Arc::clone(shared),
                extent: Arc::new(extent),
                range: rest,
                ready: first.into(),
                ahead: None,
                _slot: slot,
            };
            let chunks = futures_util::stream::try_unfold(rest, Rest::next).boxed();
            Ok(BlobReader::new(range.end - range.start, blob_length, chunks))
        }
        Opened::Small(small) => Ok(small_reader(small)),
    }
}

/// All of a small blob that is wanted.
struct Small {
    length: u64,
    range: Range<u64>,
    chunks: Vec<Bytes>,
}

fn opened_small(small: SmallBlob, range: Option<Range<u64>>, cipher: Option<&dyn Cipher>) -> Result<Small, BlobError> {
    let SmallBlob { length, frames } = small;
    let range = checked_range(range, length)?;
    let chunks = cut(frames, &range);
    let chunks = match cipher {
        Some(cipher) => vec![turned(&chunks, range.start, cipher)],
        None => chunks,
    };
    Ok(Small { length, range, chunks })
}

fn small_reader(small: Small) -> BlobReader {
    let chunks = futures_util::stream::iter(small.chunks.into_iter().map(Ok)).boxed();
    BlobReader::new(small.range.end - small.range.start, small.length, chunks)
}

/// What the first look at a blob has found.
enum Opened {
    Small(Small),
    /// What is wanted of a large one: its beginning, and the range of the rest.
    Large {
        extent: Extent,
        range: Range<u64>,
        rest: Range<u64>,
        first: Vec<Bytes>,
    },
}

/// The bytes of `range` out of the frames of a whole blob.
fn cut(frames: Vec<Bytes>, range: &Range<u64>) -> Vec<Bytes> {
    let mut begin = 0;
    let mut chunks = Vec::with_capacity(frames.len());
    for frame in frames {
        let end = begin + frame.len() as u64;
        let (from, to) = (range.start.max(begin), range.end.min(end));
        if from < to {
            chunks.push(frame.slice((from - begin) as usize..(to - begin) as usize));
        }
        begin = end;
    }
    chunks
}

/// Chunks in one, turned by a cipher.
fn turned(chunks: &[Bytes], offset: u64, cipher: &dyn Cipher) -> Bytes {
    let mut bytes = chunks.concat();
    cipher.apply(offset, &mut bytes);
    bytes.into()
}

/// What a reader has still to give.
struct Rest {
    shared: Arc<Shared>,
    extent: Arc<Extent>,
    /// What nobody reads yet.
    range: Range<u64>,
    ready: VecDeque<Bytes>,
    /// What comes after what is ready.
    ahead: Option<JoinHandle<Result<Vec<Bytes>, BlobError>>>,
    _slot: OwnedSemaphorePermit,
}

impl Rest {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, BlobError> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Ok(Some((chunk, self)));
            }
            let chunks = match self.ahead.take() {
                Some(work) => joined(work).await?,
                None if self.range.is_empty() => return Ok(None),
                None => {
                    let (part, extent) = (self.take_part(), Arc::clone(&self.extent));
                    self.shared.blocking(move || extent.read(part)).await?
                }
            };
            self.ready = chunks.into();
            self.read_ahead();
        }
    }

    fn take_part(&mut self) -> Part {
        Part::take(&mut self.range, &self.shared, BATCH_FRAMES)
    }

    /// Has the next batch read while this one is sent, if a thread is free.
    fn read_ahead(&mut self) {
        if self.range.is_empty() {
            return;
        }
        if let Ok(permit) = Arc::clone(&self.shared.workers).try_acquire_owned() {
            let (part, extent) = (self.take_part(), Arc::clone(&self.extent));
            self.ahead = Some(tokio::task::spawn_blocking(move || {
                let _permit = permit;
                extent.read(part)
            }));
        }
    }
}

/// Some of what is to be read, and the memory for it.
struct Part {
    range: Range<u64>,
    buffers: Arc<Buffers>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Part {
    /// Takes up to `frames` frames off `range`: one, and more if memory allows.
    fn take(range: &mut Range<u64>, shared: &Shared, frames: u32) -> Self {
        let frame = FRAME as u64;
        let first = range.start / frame;
        let wanted = (range.end.saturating_sub(1) / frame).saturating_sub(first).min(u64::from(frames) - 1) as u32;
        let mut more = wanted;
        let permit = loop {
            if more == 0 {
                break None;
            }
            match Arc::clone(&shared.read_budget).try_acquire_many_owned(more) {
                Ok(permit) => break Some(permit),
                Err(_) => more /= 2,
            }
        };
        let end = ((first + 1 + u64::from(more)) * frame).min(range.end);
        let part = range.start..end.max(range.start);
        range.start = part.end;
        Self { range: part, buffers: Arc::clone(&shared.buffers), permit }
    }
}

/// A blob's file, its header and trailer verified.
struct Extent {
    file: File,
    id: BlobId,
    length: u64,
    cipher: Option<Arc<dyn Cipher>>,
}

impl Extent {
    fn open(path: &Path, id: BlobId, cipher: Option<Arc<dyn Cipher>>) -> Result<Self, BlobError> {
        let file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BlobError::NotFound(id),
            _ => failed("open", path)(error),
        })?;
        let size = file.metadata().map_err(failed("open", path))?.len();
        if size < (HEADER + TRAILER) as u64 {
            return Err(BlobError::corrupt(id, format!("its file has only {size} bytes")));
        }
        let mut header = [0; HEADER];
        read_exact(&file, id, &mut header, 0)?;
        format::check_header(&id, &header)?;
        let mut trailer = [0; TRAILER];
        read_exact(&file, id, &mut trailer, size - TRAILER as u64)?;
        let length = format::check_trailer(&id, &trailer)?;
        if format::extent_length(length) != Some(size) {
            return Err(BlobError::corrupt(id, format!("its file has {size} bytes, which do not fit its {length}")));
        }
        Ok(Self { file, id, length, cipher })
    }

    /// Reads and verifies the frames of a part, and gives what is wanted of them, in one piece: fewer and larger writes
    /// to a socket. What stands before each frame is read beside.
    fn read(&self, part: Part) -> Result<Vec<Bytes>, BlobError> {
        let Part { range, buffers, permit } = part;
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let frame = FRAME as u64;
        let (first, last) = (range.start / frame, (range.end - 1) / frame);
        let length = (last - first) as usize * FRAME + format::frame_length(last, self.length);
        let mut buffer = buffers.take(length, permit);
        let mut heads = vec![[0; FRAME_HEADER]; (last - first + 1) as usize];
        let parts = heads.iter_mut().zip(buffer.bytes_mut().chunks_mut(FRAME));
        let mut slices: Vec<_> =
            parts.flat_map(|(head, data)| [IoSliceMut::new(head), IoSliceMut::new(data)]).collect();
        read_all(&self.file, self.id, &mut slices, format::frame_offset(first))?;

        for ((index, head), data) in (first..=last).zip(&heads).zip(buffer.bytes_mut().chunks_mut(FRAME)) {
            format::check_frame_data(&self.id, index, head, data)?;
            if let Some(cipher) = &self.cipher {
                let from = range.start.max(index * frame) - index * frame;
                let to = (range.end - index * frame).min(data.len() as u64);
                cipher.apply(index * frame + from, &mut data[from as usize..to as usize]);
            }
        }
        let begin = (range.start - first * frame) as usize;
        let wanted = begin..begin + (range.end - range.start) as usize;
        Ok(vec![Bytes::from_owner(buffer).slice(wanted)])
    }
}

fn read_all(file: &File, id: BlobId, mut slices: &mut [IoSliceMut<'_>], mut offset: u64) -> Result<(), BlobError> {
    while !slices.is_empty() {
        match rustix::io::preadv(file, slices, offset) {
            Ok(0) => return Err(BlobError::corrupt(id, SHORTER)),
            Ok(count) => {
                IoSliceMut::advance_slices(&mut slices, count);
                offset += count as u64;
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(BlobError::io(format!("read blob {id}"), error.into())),
        }
    }
    Ok(())
}

fn read_exact(file: &File, id: BlobId, bytes: &mut [u8], offset: u64) -> Result<(), BlobError> {
    file.read_exact_at(bytes, offset).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => BlobError::corrupt(id, SHORTER),
        _ => BlobError::io(format!("read blob {id}"), error),
    })
}
