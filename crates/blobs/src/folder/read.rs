//! Reading a blob: a batch of frames at a time, each verified whole, then cut to the range that was asked for.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use tokio::sync::OwnedSemaphorePermit;

use super::{Shared, failed, shard};
use crate::format::{self, FRAME, FRAME_HEADER, HEADER, TRAILER};
use crate::segments::SmallBlob;
use crate::segments::table::SegmentId;
use crate::{BlobError, BlobId, BlobListed, BlobReader, Cipher, checked_range};

/// Frames that are read at once: 256 KiB.
const BATCH_FRAMES: u64 = 4;

/// See [`crate::BlobStore::open`]. The reader keeps `slot` until it is dropped.
pub(super) async fn open(
    shared: &Arc<Shared>,
    id: BlobId,
    range: Option<Range<u64>>,
    slot: OwnedSemaphorePermit,
    cipher: Option<Arc<dyn Cipher>>,
) -> Result<BlobReader, BlobError> {
    let ours = Arc::clone(shared);
    let opened = shared
        .blocking(move || {
            if let Some(SmallBlob { length, frames }) = ours.segments.read(&id)? {
                let range = checked_range(range, length)?;
                let chunks = cut(frames, &range);
                let chunks = match cipher {
                    Some(cipher) => vec![turned(&chunks, range.start, &*cipher)],
                    None => chunks,
                };
                return Ok(Opened::Small { length, chunks, range });
            }
            let extent = Extent::open(&ours.path(&id), id, cipher)?;
            let mut range = checked_range(range, extent.length)?;
            let first = extent.read(&mut range)?;
            Ok(Opened::Large { extent, range, first })
        })
        .await?;
    let (extent, range, first) = match opened {
        Opened::Large { extent, range, first } => (extent, range, first),
        Opened::Small { length, range, chunks } => {
            let chunks = futures_util::stream::iter(chunks.into_iter().map(Ok)).boxed();
            return Ok(BlobReader::new(range.end - range.start, length, chunks));
        }
    };
    let blob_length = extent.length;
    let first_length: u64 = first.iter().map(|chunk| chunk.len() as u64).sum();
    let length = first_length + (range.end - range.start);

    let rest = Rest { shared: Arc::clone(shared), extent, range, _slot: slot };
    let rest = futures_util::stream::try_unfold(rest, |rest| async move {
        if rest.range.is_empty() {
            return Ok(None);
        }
        let Rest { shared, extent, mut range, _slot } = rest;
        let (extent, range, chunks) = shared
            .blocking(move || {
                let chunks = extent.read(&mut range)?;
                Ok((extent, range, chunks))
            })
            .await?;
        Ok(Some((chunks, Rest { shared, extent, range, _slot })))
    });
    let rest = rest.map_ok(|chunks| futures_util::stream::iter(chunks.into_iter().map(Ok))).try_flatten();
    let chunks = futures_util::stream::iter(first.into_iter().map(Ok)).chain(rest).boxed();
    Ok(BlobReader::new(length, blob_length, chunks))
}

/// What the first look at a blob has found.
enum Opened {
    /// All of a small blob that is wanted.
    Small { length: u64, range: Range<u64>, chunks: Vec<Bytes> },
    /// The beginning of what is wanted of a large one, and what is wanted beyond that.
    Large { extent: Extent, range: Range<u64>, first: Vec<Bytes> },
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

/// What a reader has still to read.
struct Rest {
    shared: Arc<Shared>,
    extent: Extent,
    range: Range<u64>,
    _slot: OwnedSemaphorePermit,
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

    /// Reads and verifies the first frames of `range`, takes them off it, and gives their part of it.
    fn read(&self, range: &mut Range<u64>) -> Result<Vec<Bytes>, BlobError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let frame = FRAME as u64;
        let first = range.start / frame;
        let last = ((range.end - 1) / frame).min(first + BATCH_FRAMES - 1);
        let begin = format::frame_offset(first);
        let end = format::frame_offset(last) + (FRAME_HEADER + format::frame_length(last, self.length)) as u64;
        let mut bytes = vec![0; (end - begin) as usize];
        read_exact(&self.file, self.id, &mut bytes, begin)?;

        let mut parts = Vec::with_capacity((last - first + 1) as usize);
        for (index, whole) in (first..=last).zip(bytes.chunks_mut(FRAME_HEADER + FRAME)) {
            format::check_frame(&self.id, index, whole)?;
            let from = (range.start - index * frame) as usize;
            let to = (range.end - index * frame).min((whole.len() - FRAME_HEADER) as u64) as usize;
            if let Some(cipher) = &self.cipher {
                cipher.apply(range.start, &mut whole[FRAME_HEADER + from..FRAME_HEADER + to]);
            }
            let begin = (index - first) as usize * (FRAME_HEADER + FRAME) + FRAME_HEADER;
            parts.push(begin + from..begin + to);
            range.start += (to - from) as u64;
        }
        let bytes = Bytes::from(bytes);
        Ok(parts.into_iter().map(|part| bytes.slice(part)).collect())
    }
}

fn read_exact(file: &File, id: BlobId, bytes: &mut [u8], offset: u64) -> Result<(), BlobError> {
    file.read_exact_at(bytes, offset).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => BlobError::corrupt(id, "its file has become shorter"),
        _ => BlobError::io(format!("read blob {id}"), error),
    })
}

/// See [`crate::BlobStore::list`]. Holds the names in one of the 256 folders, and what is in one segment, at a time.
pub(super) fn list(shared: &Shared, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobListed>, BlobError> {
    let mut listed = Vec::new();
    let first = after.map_or(0, |id| id.as_bytes()[0]);
    for first_byte in first..=u8::MAX {
        let folder = shared.root.join(shard(first_byte));
        for (segment, here) in names(&folder, first_byte, after)? {
            if listed.len() >= limit {
                return Ok(listed);
            }
            let mut found = if here.has_segment { shared.segments.list(segment, after)? } else { Vec::new() };
            for id in here.files {
                let path = folder.join(id.to_string());
                match fs::metadata(&path).and_then(|metadata| metadata.modified()) {
                    Ok(written_at) => found.push(BlobListed { id, written_at }),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(failed("look at", &path)(error)),
                }
            }
            found.sort_unstable_by_key(|blob| blob.id);
            found.dedup_by_key(|blob| blob.id);
            listed.extend(found.into_iter().take(limit - listed.len()));
        }
    }
    Ok(listed)
}

/// The blobs whose ids begin as the number of a segment does.
#[derive(Default)]
struct Here {
    has_segment: bool,
    files: Vec<BlobId>,
}

/// What may be after `after` in one of the 256 folders.
fn names(folder: &Path, first_byte: u8, after: Option<BlobId>) -> Result<BTreeMap<SegmentId, Here>, BlobError> {
    let mut found: BTreeMap<SegmentId, Here> = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(failed("list", folder))? {
        let name = entry.map_err(failed("list", folder))?.file_name();
        let Some(name) = name.to_str() else { continue };
        if let Some(segment) = SegmentId::of_file_name(name) {
            let is_wanted = after.is_none_or(|after| segment >= SegmentId::of_blob(&after));
            if segment.first_byte() == first_byte && is_wanted {
                found.entry(segment).or_default().has_segment = true;
            }
        } else if let Ok(id) = name.parse::<BlobId>()
            && id.as_bytes()[0] == first_byte
            && after.is_none_or(|after| id > after)
        {
            found.entry(SegmentId::of_blob(&id)).or_default().files.push(id);
        }
    }
    Ok(found)
}
