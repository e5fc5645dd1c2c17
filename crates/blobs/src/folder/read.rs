//! Reading a blob: a batch of frames at a time, each verified whole, then cut to the range that was asked for.

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
use crate::{BlobError, BlobId, BlobListed, BlobReader, checked_range};

/// Frames that are read at once: 256 KiB.
const BATCH_FRAMES: u64 = 4;

/// See [`crate::BlobStore::open`]. The reader keeps `slot` until it is dropped.
pub(super) async fn open(
    shared: &Arc<Shared>,
    id: BlobId,
    range: Option<Range<u64>>,
    slot: OwnedSemaphorePermit,
) -> Result<BlobReader, BlobError> {
    let path = shared.path(&id);
    let (extent, range, first) = shared
        .blocking(move || {
            let extent = Extent::open(&path, id)?;
            let mut range = checked_range(range, extent.length)?;
            let first = extent.read(&mut range)?;
            Ok((extent, range, first))
        })
        .await?;
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
}

impl Extent {
    fn open(path: &Path, id: BlobId) -> Result<Self, BlobError> {
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
        Ok(Self { file, id, length })
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

        let mut bytes = Bytes::from(bytes);
        let mut chunks = Vec::with_capacity((last - first + 1) as usize);
        for index in first..=last {
            let length = format::frame_length(index, self.length);
            let whole = bytes.split_to(FRAME_HEADER + length);
            format::check_frame(&self.id, index, &whole)?;
            let from = (range.start - index * frame) as usize;
            let to = (range.end - index * frame).min(length as u64) as usize;
            chunks.push(whole.slice(FRAME_HEADER + from..FRAME_HEADER + to));
            range.start += (to - from) as u64;
        }
        Ok(chunks)
    }
}

fn read_exact(file: &File, id: BlobId, bytes: &mut [u8], offset: u64) -> Result<(), BlobError> {
    file.read_exact_at(bytes, offset).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => BlobError::corrupt(id, "its file has become shorter"),
        _ => BlobError::io(format!("read blob {id}"), error),
    })
}

/// See [`crate::BlobStore::list`]. Holds the ids of one of the 256 folders at a time.
pub(super) fn list(root: &Path, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobListed>, BlobError> {
    let mut listed = Vec::new();
    for first_byte in after.map_or(0, |id| id.as_bytes()[0])..=u8::MAX {
        let folder = root.join(shard(first_byte));
        let mut ids = Vec::new();
        for entry in fs::read_dir(&folder).map_err(failed("list", &folder))? {
            let name = entry.map_err(failed("list", &folder))?.file_name();
            let id = name.to_str().and_then(|name| name.parse::<BlobId>().ok());
            ids.extend(id.filter(|id| id.as_bytes()[0] == first_byte && after.is_none_or(|after| *id > after)));
        }
        ids.sort_unstable();
        for id in ids {
            if listed.len() >= limit {
                return Ok(listed);
            }
            let path = folder.join(id.to_string());
            match fs::metadata(&path).and_then(|metadata| metadata.modified()) {
                Ok(written_at) => listed.push(BlobListed { id, written_at }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed("look at", &path)(error)),
            }
        }
    }
    Ok(listed)
}
