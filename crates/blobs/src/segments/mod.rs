//! Segments: files that small blobs share, so that many writes share one flush. Why so: docs/adr/015-blob-segments.md.
//!
//! A blob's id says in which segment it is and at which entry of that segment's table; so nothing of what is on disk is
//! in memory. A segment lies in the folder of its first byte, beside the files of large blobs:
//! `0f/0f12…cd.segment`. `active/` has an empty file for each segment that is being written: only those are looked at
//! when the folder is opened. Whoever writes a segment, or compacts it, holds the lock of its file.
//!
//! Deleting marks an entry as deleted, unflushed. Compaction copies what is left of a segment to a new file with the
//! same name and the same table, in which only the places differ, and renames it over the old one: ids stay valid, who
//! reads goes on, and a crash leaves the one or the other.

mod compact;
mod file;
mod import;
#[cfg(test)]
mod leftovers;
mod recover;
pub(crate) mod table;
#[cfg(test)]
mod tests;
mod warm;
mod writer;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;

use crate::{BlobError, BlobId, BlobListed, DiskStats};
use table::{Place, SegmentId, Slot};

pub(crate) use compact::Compactor;
pub(crate) use recover::recover;
use writer::Active;
pub(crate) use writer::{Small, Writer, has_ended};

/// Blobs of so many bytes and fewer go into segments: two frames.
pub(crate) const SMALL: usize = 2 * crate::format::FRAME;

/// The segments of a folder.
pub(crate) struct Segments {
    root: PathBuf,
    drafts: PathBuf,
    /// Held while an entry is marked as deleted, and while a compacted file takes the place of the one before, so that
    /// no deletion falls between the two.
    deaths: Mutex<()>,
    /// The segment that is being written by this process. Held while it is written and flushed.
    writing: Mutex<Option<Active>>,
    /// Segments to look at for garbage.
    touched: Mutex<Touched>,
    changed: Condvar,
}

#[derive(Default)]
struct Touched {
    segments: BTreeSet<SegmentId>,
    is_ending: bool,
}

/// A small blob, read whole and verified.
pub(crate) struct SmallBlob {
    /// How many bytes it has.
    pub(crate) length: u64,
    /// Its bytes.
    pub(crate) frames: Vec<Bytes>,
}

impl Segments {
    /// The segments below `root`; files that are not whole yet are made in `drafts`.
    pub(crate) fn new(root: &Path, drafts: &Path) -> Arc<Self> {
        Arc::new(Self {
            root: root.to_owned(),
            drafts: drafts.to_owned(),
            deaths: Mutex::default(),
            writing: Mutex::default(),
            touched: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// Reads a blob; none if it is not in a segment.
    pub(crate) fn read(&self, id: &BlobId) -> Result<Option<SmallBlob>, BlobError> {
        let Some(place) = Place::of(id) else { return Ok(None) };
        let path = self.path(place.segment);
        let Some(file) = file::open(&path, false)? else { return Ok(None) };
        let entry = match file::slot(&file, &path, place.segment, place.number)? {
            Slot::Damaged => return Err(damaged(*id)),
            slot => match slot.live() {
                Some(entry) if entry.tag == place.tag => entry,
                Some(_) | None => return Ok(None),
            },
        };
        let length = u64::from(entry.length);
        let extent = file::extent(&file, id, &entry)?;
        Ok(Some(SmallBlob { length, frames: crate::format::check_extent(id, length, extent)? }))
    }

    /// Whether a blob is in a segment, damaged or not.
    pub(crate) fn contains(&self, id: &BlobId) -> Result<bool, BlobError> {
        let Some(place) = Place::of(id) else { return Ok(false) };
        let path = self.path(place.segment);
        let Some(file) = file::open(&path, false)? else { return Ok(false) };
        Ok(match file::slot(&file, &path, place.segment, place.number)? {
            Slot::Damaged => true,
            slot => slot.live().is_some_and(|entry| entry.tag == place.tag),
        })
    }

    /// Marks a blob as deleted; whether it was in a segment.
    pub(crate) fn delete(&self, id: &BlobId) -> Result<bool, BlobError> {
        let Some(place) = Place::of(id) else { return Ok(false) };
        let path = self.path(place.segment);
        let marking = self.deaths();
        let Some(file) = file::open(&path, true)? else { return Ok(false) };
        match file::slot(&file, &path, place.segment, place.number)? {
            Slot::Entry(entry) if entry.tag == place.tag && entry.state == table::State::Live => {
                file::mark_deleted(&file, &path, place.segment, place.number, entry)?;
            }
            // Whose it was is not known, but nobody can read it.
            Slot::Damaged => file::clear(&file, &path, place.number)?,
            Slot::Empty | Slot::Entry(_) => return Ok(false),
        }
        drop(marking);
        self.touch(place.segment);
        Ok(true)
    }

    /// The blobs of a segment with an id greater than `after`, by id; `with_damaged`, damaged entries are among them, under
    /// ids that end in zeros.
    pub(crate) fn list(
        &self,
        segment: SegmentId,
        after: Option<BlobId>,
        with_damaged: bool,
    ) -> Result<Vec<BlobListed>, BlobError> {
        let path = self.path(segment);
        let Some(file) = file::open(&path, false)? else { return Ok(Vec::new()) };
        let slots = file::table(&file, &path, segment)?;
        let blobs = slots.into_iter().filter_map(|(number, slot)| {
            let (tag, written_at) = match slot {
                Slot::Damaged if with_damaged => ([0; 6], SystemTime::UNIX_EPOCH),
                slot => slot.live().map(|entry| (entry.tag, entry.written_at()))?,
            };
            Some(BlobListed { id: Place { segment, number, tag }.id(), written_at })
        });
        Ok(blobs.filter(|blob| after.is_none_or(|after| blob.id > after)).collect())
    }

    /// Counts what is in a segment.
    pub(crate) fn count(&self, segment: SegmentId, stats: &mut DiskStats) -> Result<(), BlobError> {
        let path = self.path(segment);
        let Some(file) = file::open(&path, false)? else { return Ok(()) };
        let slots = file::table(&file, &path, segment)?;
        let damaged = slots.iter().filter(|(_, slot)| *slot == Slot::Damaged).count() as u64;
        let contents = compact::contents(&file, &path, slots)?;
        stats.segments += 1;
        stats.small_blobs += contents.live.len() as u64;
        stats.small_bytes += contents.live_bytes;
        stats.garbage_bytes += contents.garbage;
        stats.damaged_entries += damaged;
        Ok(())
    }

    /// Has the compactor look at a segment.
    fn touch(&self, segment: SegmentId) {
        self.touched().segments.insert(segment);
        self.changed.notify_one();
    }

    fn path(&self, segment: SegmentId) -> PathBuf {
        self.folder(segment).join(segment.file_name())
    }

    fn folder(&self, segment: SegmentId) -> PathBuf {
        self.root.join(crate::folder::shard(segment.first_byte()))
    }

    /// The folder that names the segments which are being written.
    fn active(&self) -> PathBuf {
        self.root.join("active")
    }

    fn writing(&self) -> MutexGuard<'_, Option<Active>> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing more goes into this segment.
    fn end(&self, active: Active) {
        // A name that stays is looked at when the folder is opened next.
        let _ = crate::folder::remove(&recover::marker(&self.active(), active.segment));
        let segment = active.segment;
        drop(active);
        self.touch(segment);
    }

    fn deaths(&self) -> MutexGuard<'_, ()> {
        self.deaths.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touched(&self) -> MutexGuard<'_, Touched> {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn damaged(id: BlobId) -> BlobError {
    BlobError::corrupt(id, "its segment's entry does not match its checksum")
}
