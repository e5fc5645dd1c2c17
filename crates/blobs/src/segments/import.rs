//! A blob that is known by an id already, as a restored backup has them, goes where its id says: so the small blobs of a
//! backup share segments again. Nothing is flushed.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::Bytes;

use super::table::{self, DATA, Entry, Place, SegmentId, Slot, State};
use super::{Segments, file};
use crate::folder::{failed, remove};
use crate::{BlobError, BlobId, format};

impl Segments {
    /// Writes a blob of `length` bytes into its segment, which is made if it is not there; whether that could be. It can't if
    /// no segment has such an id, if something is in its place, or if somebody writes or compacts the segment.
    pub(crate) fn import(&self, id: &BlobId, length: u64, frames: &[Bytes]) -> Result<bool, BlobError> {
        let Some(Place { segment, number, tag }) = Place::of(id).filter(|_| length <= super::SMALL as u64) else {
            return Ok(false);
        };
        let path = self.path(segment);
        // No compacted file takes its place meanwhile.
        let _marking = self.deaths();
        let file = match file::open(&path, true)? {
            Some(file) => file,
            None => self.begin_import(segment, &path)?,
        };
        let is_free = file.try_lock().is_ok() && file::has_head(&file, segment);
        if !is_free || file::slot(&file, &path, segment, number)? != Slot::Empty {
            return Ok(false);
        }
        let end = file.metadata().map_err(failed("look at", &path))?.len().max(DATA);
        let Ok(place) = u32::try_from(end) else { return Ok(false) };
        let mut extent = Vec::new();
        format::write_extent(id, length, frames, &mut extent);
        let entry = Entry { place, length: length as u32, tag, state: State::Live, written_at: table::now(), batch: 1 };
        let written = file
            .write_all_at(&extent, end)
            .and_then(|()| file.write_all_at(&entry.encode(segment, number), table::entry_offset(number)));
        if written.is_err() {
            // What stays of it is garbage.
            let _ = file.set_len(end);
        }
        written.map_err(failed("write", &path)).map(|()| true)
    }

    fn begin_import(&self, segment: SegmentId, path: &Path) -> Result<File, BlobError> {
        let draft = self.drafts.join(segment.file_name());
        let file = File::options().read(true).write(true).create_new(true).open(&draft);
        let file = file.map_err(failed("make", &draft))?;
        let placed = file
            .write_all_at(&table::head(segment), 0)
            .map_err(failed("write", &draft))
            .and_then(|()| fs::rename(&draft, path).map_err(failed("rename", &draft)));
        if placed.is_err() {
            // What cannot be removed now is swept when the folder is opened next.
            let _ = remove(&draft);
        }
        placed.map(|()| file)
    }
}
