//! Gives back the space of deleted small blobs: a thread that looks at segments in which something was deleted.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::table::{self, DATA, ENTRY, Entry, Place, SegmentId, Slot, State};
use super::{Segments, file};
use crate::BlobError;
use crate::folder::{failed, remove};

/// A segment is compacted when at least one of so many of its bytes is garbage.
const WORTH: u64 = 3;
/// Bytes a second that are copied.
const RATE: u64 = 64 << 20;
/// Segments of a pass: 8 MiB of tables.
const MAX_LOOKED_AT: usize = 64;

/// The thread, which ends with this.
pub(crate) struct Compactor {
    segments: Arc<Segments>,
    thread: Option<JoinHandle<()>>,
}

impl Compactor {
    /// Starts the thread, which looks every `pause`, so that many deletions in one segment are one compaction, and
    /// leaves `spare` bytes of garbage to the segment that is being written.
    pub(crate) fn start(segments: Arc<Segments>, pause: Duration, spare: u64) -> Result<Self, BlobError> {
        let ours = Arc::clone(&segments);
        let thread = std::thread::Builder::new()
            .name("blobs-compactor".to_owned())
            .spawn(move || run(&ours, pause, spare))
            .map_err(|error| BlobError::io("start a thread that compacts blobs", error))?;
        Ok(Self { segments, thread: Some(thread) })
    }
}

impl Drop for Compactor {
    fn drop(&mut self) {
        self.segments.touched().is_ending = true;
        self.segments.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It has nobody to tell.
            let _ = thread.join();
        }
    }
}

fn run(segments: &Segments, pause: Duration, spare: u64) {
    // What was deleted before this start.
    for first_byte in 0..=u8::MAX {
        let Ok(names) = fs::read_dir(segments.root.join(crate::folder::shard(first_byte))) else { continue };
        let found = names.flatten().filter_map(|name| SegmentId::of_file_name(name.file_name().to_str()?));
        segments.touched().segments.extend(found);
    }
    while segments.wait_for_touched() && segments.pause(pause) {
        let mut again = BTreeSet::new();
        for _ in 0..MAX_LOOKED_AT {
            let Some(segment) = segments.touched().segments.pop_first() else { break };
            match segments.compact(segment, spare) {
                Ok(Outcome::InUse) => {
                    again.insert(segment);
                }
                // Where the bytes of a damaged one are is not known, and they must not be lost.
                Ok(Outcome::Nothing) | Err(BlobError::Corrupt { .. }) => {}
                Ok(Outcome::Copied(bytes)) => {
                    if !segments.pause(Duration::from_micros(bytes * 1_000_000 / RATE)) {
                        return;
                    }
                }
                Ok(Outcome::Ended) => return,
                // A full disk, say. What was deleted is still deleted; a later pass tries again.
                Err(_) => {
                    again.insert(segment);
                }
            }
        }
        segments.touched().segments.extend(again);
    }
}

/// What became of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Somebody writes or compacts it.
    InUse,
    /// It has too little garbage, or is gone.
    Nothing,
    /// So many bytes were copied; none if all of it was garbage.
    Copied(u64),
    /// The store is being closed.
    Ended,
}

impl Segments {
    /// Waits until there is something to look at; false if the store is being closed.
    fn wait_for_touched(&self) -> bool {
        let touched = self.touched();
        let is_idle = |touched: &mut super::Touched| touched.segments.is_empty() && !touched.is_ending;
        !self.changed.wait_while(touched, is_idle).unwrap_or_else(PoisonError::into_inner).is_ending
    }

    /// Waits; false if the store is being closed.
    fn pause(&self, time: Duration) -> bool {
        let touched = self.touched();
        let waited = self.changed.wait_timeout_while(touched, time, |touched| !touched.is_ending);
        !waited.unwrap_or_else(PoisonError::into_inner).0.is_ending
    }

    /// Gives back the space of what is deleted in a segment, if that is worth it.
    pub(super) fn compact(&self, segment: SegmentId, spare: u64) -> Result<Outcome, BlobError> {
        let path = self.path(segment);
        self.end_if_worth(segment, &path, spare)?;
        let Some(file) = file::open(&path, true)? else { return Ok(Outcome::Nothing) };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Outcome::InUse),
            Err(TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
        }
        // Compacted meanwhile.
        if !file::is_named(&file, &path)? {
            return Ok(Outcome::Nothing);
        }
        let slots = file::table(&file, &path, segment)?;
        if !file::has_head(&file, segment) {
            // The power failed before its first write was safe: the disk has kept the name alone.
            if slots.is_empty() && file::has_no_head(&file, &path)? {
                remove(&path)?;
                return Ok(Outcome::Copied(0));
            }
            // Of a later version.
            return Ok(Outcome::Nothing);
        }
        if slots.iter().any(|(_, slot)| *slot == Slot::Damaged) {
            return Ok(Outcome::Nothing);
        }
        let Contents { mut live, live_bytes, garbage } = contents(&file, &path, slots)?;
        if live.is_empty() {
            let _marking = self.deaths();
            remove(&path)?;
            return Ok(Outcome::Copied(0));
        }
        if !is_worth(live_bytes, garbage) {
            return Ok(Outcome::Nothing);
        }
        live.sort_by_key(|(_, entry)| entry.place);
        let draft = Draft::create(self.drafts.join(format!("{}.compacted", segment.file_name())))?;
        draft.file.write_all_at(&table::head(segment), 0).map_err(failed("write", &draft.path))?;
        let mut tail = DATA;
        for (number, entry) in &mut live {
            if self.touched().is_ending {
                return Ok(Outcome::Ended);
            }
            let id = Place { segment, number: *number, tag: entry.tag }.id();
            // Copied as it is: what is damaged stays damaged, and whoever reads it is told.
            let extent = file::extent(&file, &id, entry)?;
            draft.file.write_all_at(&extent, tail).map_err(failed("write", &draft.path))?;
            entry.place = tail as u32;
            tail += extent.len() as u64;
        }
        for (number, entry) in &live {
            draft.write_entry(segment, *number, entry)?;
        }
        draft.file.sync_all().map_err(failed("flush", &draft.path))?;

        let _marking = self.deaths();
        for (number, entry) in &live {
            if file::slot(&file, &path, segment, *number)?.live().is_none() {
                draft.write_entry(segment, *number, &Entry { state: State::Deleted, ..*entry })?;
            }
        }
        draft.take_place_of(&path)?;
        Ok(Outcome::Copied(live_bytes))
    }
}

impl Segments {
    /// Ends the segment that is being written, if it is this one, and has enough garbage.
    fn end_if_worth(&self, segment: SegmentId, path: &Path, spare: u64) -> Result<(), BlobError> {
        let mut writing = self.writing();
        let Some(active) = writing.take_if(|active| active.segment == segment) else { return Ok(()) };
        let looked_at = file::table(&active.file, path, segment).and_then(|slots| contents(&active.file, path, slots));
        match looked_at {
            Ok(Contents { live_bytes, garbage, .. }) if garbage > spare && is_worth(live_bytes, garbage) => {
                self.end(active);
                Ok(())
            }
            other => {
                *writing = Some(active);
                other.map(drop)
            }
        }
    }
}

/// What is in a segment.
pub(super) struct Contents {
    pub(super) live: Vec<(u16, Entry)>,
    pub(super) live_bytes: u64,
    pub(super) garbage: u64,
}

pub(super) fn contents(file: &File, path: &Path, slots: Vec<(u16, Slot)>) -> Result<Contents, BlobError> {
    let size = file.metadata().map_err(failed("look at", path))?.len().saturating_sub(DATA);
    let live: Vec<(u16, Entry)> = slots.into_iter().filter_map(|(number, slot)| Some((number, slot.live()?))).collect();
    let live_bytes: u64 = live.iter().map(|(_, entry)| entry.extent()).sum();
    Ok(Contents { live, live_bytes, garbage: size.saturating_sub(live_bytes) })
}

fn is_worth(live_bytes: u64, garbage: u64) -> bool {
    garbage > 0 && garbage >= (live_bytes + garbage) / WORTH
}

/// A file that will take the place of a segment's. Dropped before that, it is gone.
struct Draft {
    path: PathBuf,
    file: File,
    is_placed: bool,
}

impl Draft {
    fn create(path: PathBuf) -> Result<Self, BlobError> {
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(true).open(&path);
        let file = file.map_err(failed("make", &path))?;
        Ok(Self { path, file, is_placed: false })
    }

    fn write_entry(&self, segment: SegmentId, number: u16, entry: &Entry) -> Result<(), BlobError> {
        let bytes: [u8; ENTRY] = entry.encode(segment, number);
        self.file.write_all_at(&bytes, table::entry_offset(number)).map_err(failed("write", &self.path))
    }

    fn take_place_of(mut self, path: &Path) -> Result<(), BlobError> {
        fs::rename(&self.path, path).map_err(failed("rename", &self.path))?;
        self.is_placed = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_placed {
            // What cannot be removed now is swept when the folder is opened next.
            let _ = remove(&self.path);
        }
    }
}
