//! What is done about segments that were being written when their process ended: those that `active/` names.
//!
//! Each write of a segment is made safe before the next one begins. So after a crash only the entries of the last write
//! are in doubt: those whose extents are not whole were acknowledged to nobody, and are emptied. A process that ends in
//! good order writes the number of its last write into the file in `active/`, so that nothing is in doubt.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use super::table::{DATA, Place, SegmentId, Slot, State};
use super::writer::Active;
use super::{Segments, file};
use crate::BlobError;
use crate::folder::{failed, remove};
use crate::format;

/// Looks at every segment that was being written and that no process has. Goes on with one, if there is one with room.
pub(crate) fn recover(segments: &Segments) -> Result<(), BlobError> {
    let (active, mut adopted) = (segments.active(), segments.writing());
    for entry in fs::read_dir(&active).map_err(failed("list", &active))? {
        let entry = entry.map_err(failed("list", &active))?;
        let Some(segment) = entry.file_name().to_str().and_then(SegmentId::of_digits) else { continue };
        let safe = fs::read_to_string(entry.path()).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        match take(segments, segment, safe)? {
            Found::InUse => {}
            // In one without an entry nothing was acknowledged: the compactor removes its file.
            Found::Active(found) if adopted.is_none() && found.used > 0 && found.has_room() => *adopted = Some(found),
            Found::Nothing | Found::Active(_) => remove(&entry.path())?,
        }
    }
    Ok(())
}

enum Found {
    /// Another process writes it.
    InUse,
    /// The process ended before it made it, or all of it is gone already.
    Nothing,
    Active(Active),
}

fn take(segments: &Segments, segment: SegmentId, safe_batch: u32) -> Result<Found, BlobError> {
    let path = segments.path(segment);
    let Some(file) = file::open(&path, true)? else { return Ok(Found::Nothing) };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Found::InUse),
        Err(TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
    }
    if !file::is_named(&file, &path)? {
        // It was compacted a moment ago, so it was not being written.
        return Ok(Found::Nothing);
    }
    let slots = file::table(&file, &path, segment)?;
    let last_batch = slots.iter().filter_map(|(_, slot)| batch_of(slot)).max().unwrap_or(0);
    let before = slots.iter().filter(|(_, slot)| batch_of(slot).is_some_and(|batch| batch < last_batch));
    let first_in_doubt = before.map(|(number, _)| number + 1).max().unwrap_or(0);
    let is_all_safe = safe_batch > 0 && safe_batch >= last_batch;
    let (mut used, mut tail) = (0, DATA);
    for (number, slot) in slots {
        if !is_all_safe && number >= first_in_doubt && !is_whole(&file, segment, number, &slot) {
            file::clear(&file, &path, number)?;
            continue;
        }
        used = number + 1;
        if let Slot::Entry(entry) = slot {
            tail = tail.max(entry.end());
        }
    }
    Ok(Found::Active(Active { segment, file, path, used, tail, batch: last_batch }))
}

/// Whether a blob that may have been cut off was not.
fn is_whole(file: &File, segment: SegmentId, number: u16, slot: &Slot) -> bool {
    let Slot::Entry(entry) = slot else { return false };
    let id = Place { segment, number, tag: entry.tag }.id();
    let extent = file::extent(file, &id, entry);
    let is_deleted = entry.state == State::Deleted;
    is_deleted || extent.and_then(|extent| format::check_extent(&id, u64::from(entry.length), extent)).is_ok()
}

fn batch_of(slot: &Slot) -> Option<u32> {
    if let Slot::Entry(entry) = slot { Some(entry.batch) } else { None }
}

/// The file in `active/` that names a segment.
pub(super) fn marker(active: &Path, segment: SegmentId) -> std::path::PathBuf {
    active.join(segment.to_string())
}
