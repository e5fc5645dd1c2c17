//! A segment's file: reading and writing what is in it, at its place. Not here: who may when.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use bytes::Bytes;

use super::table::{self, ENTRIES, ENTRY, Entry, SegmentId, Slot, State};
use crate::folder::failed;
use crate::{BlobError, BlobId};

/// Opens a segment's file; none if there is none.
pub(super) fn open(path: &Path, is_written: bool) -> Result<Option<File>, BlobError> {
    match File::options().read(true).write(is_written).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("open", path)(error)),
    }
}

/// Whether `file` is still the one of its name.
pub(super) fn is_named(file: &File, path: &Path) -> Result<bool, BlobError> {
    let ours = file.metadata().map_err(failed("look at", path))?;
    match std::fs::metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("look at", path)(error)),
    }
}

/// The entry of one blob.
pub(super) fn slot(file: &File, path: &Path, segment: SegmentId, number: u16) -> Result<Slot, BlobError> {
    let mut bytes = [0; ENTRY];
    // A file may end within its table: what is beyond has not been written.
    fill(file, &mut bytes, table::entry_offset(number)).map_err(failed("read", path))?;
    Ok(Slot::decode(segment, number, &bytes))
}

/// All entries that are not empty, by number.
pub(super) fn table(file: &File, path: &Path, segment: SegmentId) -> Result<Vec<(u16, Slot)>, BlobError> {
    let mut bytes = vec![0; usize::from(ENTRIES) * ENTRY];
    fill(file, &mut bytes, table::entry_offset(0)).map_err(failed("read", path))?;
    let mut slots = Vec::new();
    for (number, bytes) in (0..ENTRIES).zip(bytes.as_chunks::<ENTRY>().0) {
        match Slot::decode(segment, number, bytes) {
            Slot::Empty => {}
            slot => slots.push((number, slot)),
        }
    }
    Ok(slots)
}

/// A blob's whole extent, as it is.
pub(super) fn extent(file: &File, id: &BlobId, entry: &Entry) -> Result<Bytes, BlobError> {
    let length = usize::try_from(entry.extent()).ok().filter(|_| entry.length as usize <= super::SMALL);
    let length = length.ok_or_else(|| BlobError::corrupt(*id, "no small blob is as long as its entry says"))?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, u64::from(entry.place)).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => BlobError::corrupt(*id, "its segment ends before it"),
        _ => BlobError::io(format!("read blob {id}"), error),
    })?;
    Ok(bytes.into())
}

/// Marks an entry as deleted. Nothing is flushed; an entry lies within one sector of a disk.
pub(super) fn mark_deleted(
    file: &File,
    path: &Path,
    segment: SegmentId,
    number: u16,
    entry: Entry,
) -> Result<(), BlobError> {
    let bytes = Entry { state: State::Deleted, ..entry }.encode(segment, number);
    file.write_all_at(&bytes, table::entry_offset(number)).map_err(failed("write", path))
}

/// Empties an entry.
pub(super) fn clear(file: &File, path: &Path, number: u16) -> Result<(), BlobError> {
    file.write_all_at(&[0; ENTRY], table::entry_offset(number)).map_err(failed("write", path))
}

/// Reads as much as there is.
fn fill(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.read_at(bytes, offset) {
            Ok(0) => break,
            Ok(count) => {
                bytes = &mut bytes[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether nothing has been written where the head is.
pub(super) fn has_no_head(file: &File, path: &Path) -> Result<bool, BlobError> {
    let mut bytes = [0; table::HEAD];
    fill(file, &mut bytes, 0).map_err(failed("read", path))?;
    Ok(bytes == [0; table::HEAD])
}

/// Whether the file begins as this segment's does, in the version that this program writes.
pub(super) fn has_head(file: &File, segment: SegmentId) -> bool {
    let mut bytes = [0; table::HEAD];
    file.read_exact_at(&mut bytes, 0).is_ok() && bytes == table::head(segment)
}
