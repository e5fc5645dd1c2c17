//! The one thread that writes: takes all that waits, writes each lane's part with one call to the kernel, then its
//! index, and tells those who wait. It begins new files and takes away old ones.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crate::Options;
use crate::index::{ENTRY, Entry, Lane};
use crate::log::{Batch, Shared, Waiting};
use crate::segment::{Segment, day_of, list};
use crate::stored::Stored;
use crate::trails::removable;

/// How long records that nobody waits for are gathered.
const GATHER: Duration = Duration::from_millis(50);
/// The most bytes of one file.
const MAX_FILE: u64 = 64 << 20;
/// The least: below it there would be more files than records.
const MIN_FILE: u64 = 64 << 10;
/// The longest line that a mended file is believed to have.
const MAX_LINE: u64 = 1 << 20;

/// A lane's newest file.
struct Open {
    segment: Segment,
    records: File,
    index: File,
    length: u64,
    index_length: u64,
}

struct LaneWriter {
    lane: Lane,
    open: Option<Open>,
    next_number: u64,
    room: u64,
    /// Bytes written since the room was last looked at.
    grown: u64,
    /// A file was begun since.
    is_room_unknown: bool,
    has_failed: bool,
}

/// The state of the thread.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    /// The trail of all processes.
    root: PathBuf,
    /// Where this one writes.
    folder: PathBuf,
    max_days: u32,
    lanes: [LaneWriter; 3],
}

impl Writer {
    /// Makes the folder and mends the newest file of each lane.
    pub(crate) fn open(shared: Arc<Shared>, root: &Path, folder: &Path, options: &Options) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut lanes = Vec::with_capacity(3);
        for lane in Lane::ALL {
            let newest = list(folder, lane)?.into_iter().next_back();
            let next_number = newest.as_ref().map_or(1, |segment| segment.number + 1);
            let open = newest.map(mend).transpose()?;
            lanes.push(LaneWriter {
                lane,
                open,
                next_number,
                room: lane.share(options.total_bytes),
                grown: 0,
                is_room_unknown: false,
                has_failed: false,
            });
        }
        let lanes = lanes.try_into().map_err(|_| io::Error::other("there are three lanes"))?;
        Ok(Self { shared, root: root.to_owned(), folder: folder.to_owned(), max_days: options.max_days, lanes })
    }

    /// Writes until the log is closed and nothing waits.
    pub(crate) fn run(mut self) {
        let mut spare = Waiting::default();
        loop {
            let is_last = self.take(&mut spare);
            for (lane, batch) in self.lanes.iter_mut().zip(&mut spare.lanes) {
                if batch.entries.is_empty() {
                    continue;
                }
                let count = batch.entries.len() as u64;
                match lane.write(&self.folder, batch) {
                    Ok(()) => {
                        lane.has_failed = false;
                        self.shared.written.fetch_add(count, Relaxed);
                    }
                    Err(cause) => {
                        self.shared.lost.fetch_add(count, Relaxed);
                        // The same failure again and again is one line.
                        if !std::mem::replace(&mut lane.has_failed, true) {
                            tracing::error!(lane = lane.lane.name(), %cause, "records of the audit trail are lost");
                        }
                    }
                }
                lane.make_room(&self.root, &self.folder, self.max_days);
                batch.text.clear();
                batch.entries.clear();
                batch.text.shrink_to(1 << 18);
                batch.entries.shrink_to(1 << 10);
            }
            for waiter in spare.waiters.drain(..) {
                // Whoever waited may have gone.
                let _ = waiter.send(());
            }
            if is_last {
                break;
            }
        }
        for lane in &mut self.lanes {
            lane.close();
        }
    }

    /// Waits, gathers, and takes what there is; true if that is the last.
    fn take(&self, spare: &mut Waiting) -> bool {
        let is_idle = |waiting: &mut Waiting| {
            !waiting.is_closed && waiting.waiters.is_empty() && waiting.lanes.iter().all(|lane| lane.entries.is_empty())
        };
        let waited = self.shared.arrived.wait_while(self.shared.waiting(), is_idle);
        let mut waiting = waited.unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + GATHER;
        while waiting.waiters.is_empty() && !waiting.is_closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let woken = self.shared.arrived.wait_timeout(waiting, left);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        let is_closed = waiting.is_closed;
        std::mem::swap(&mut *waiting, spare);
        waiting.is_closed = is_closed;
        is_closed
    }
}

impl LaneWriter {
    fn write(&mut self, folder: &Path, batch: &mut Batch) -> io::Result<()> {
        let day = day_of(batch.entries.first().map_or(0, |entry| entry.time));
        let file_size = self.file_size();
        if self.open.as_ref().is_some_and(|open| open.length >= file_size || open.segment.day != day) {
            self.close();
        }
        self.is_room_unknown |= self.open.is_none();
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                let segment = Segment::new(folder, self.lane, day, self.next_number);
                let opened = none.insert(Open::new(segment)?);
                self.next_number += 1;
                opened
            }
        };
        let outcome = open.append(batch);
        if outcome.is_err() {
            // What is there of the batch is no whole line, or has no index: as if it had never been.
            open.take_back();
        }
        self.grown += batch.text.len() as u64;
        outcome
    }

    /// The bytes after which a new file is begun.
    fn file_size(&self) -> u64 {
        (self.room / 8).clamp(MIN_FILE, MAX_FILE)
    }

    /// Takes away the oldest files of all processes while they have too many bytes, and those that are too old. Looks only
    /// when a file was begun or much was written.
    fn make_room(&mut self, root: &Path, own: &Path, max_days: u32) {
        if !self.is_room_unknown && self.grown < self.file_size() / 4 {
            return;
        }
        (self.is_room_unknown, self.grown) = (false, 0);
        let Some(day) = self.open.as_ref().map(|open| open.segment.day) else { return };
        let is_too_old = |segment: &Segment| days_between(segment.day, day) > i64::from(max_days);
        let Ok((old, mut total)) = removable(root, self.lane, own, day) else { return };
        for segment in old {
            if total <= self.room && !is_too_old(&segment) {
                break;
            }
            total = total.saturating_sub(segment.size());
            if let Err(cause) = segment.remove() {
                tracing::warn!(file = %segment.path.display(), %cause, "an old file of the audit trail stays");
                break;
            }
        }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take()
            && let Err(cause) = open.records.sync_data().and_then(|()| open.index.sync_data())
        {
            tracing::warn!(%cause, "the audit trail could not be synced");
        }
    }
}

impl Open {
    fn new(segment: Segment) -> io::Result<Self> {
        let open = |path: &Path| OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path);
        let (records, index) = (open(&segment.path)?, open(&segment.index_path())?);
        let (length, index_length) = (records.metadata()?.len(), index.metadata()?.len());
        Ok(Self { segment, records, index, length, index_length })
    }

    fn append(&mut self, batch: &Batch) -> io::Result<()> {
        let mut index = Vec::with_capacity(batch.entries.len() * ENTRY);
        for entry in &batch.entries {
            index.extend_from_slice(&Entry { offset: self.length + entry.offset, ..*entry }.to_bytes());
        }
        self.records.write_all(&batch.text)?;
        self.index.write_all(&index)?;
        self.length += batch.text.len() as u64;
        self.index_length += index.len() as u64;
        Ok(())
    }

    fn take_back(&self) {
        let cut = self.records.set_len(self.length).and_then(|()| self.index.set_len(self.index_length));
        if let Err(cause) = cut {
            tracing::warn!(%cause, "a half record stays in the audit trail");
        }
    }
}

fn days_between(one: u32, other: u32) -> i64 {
    let date = |day: u32| {
        let part = |number: u32| i8::try_from(number).unwrap_or(1);
        jiff::civil::Date::new(i16::try_from(day / 10_000).unwrap_or(0), part(day / 100 % 100), part(day % 100)).ok()
    };
    date(one)
        .zip(date(other))
        .and_then(|(one, other)| other.since(one).ok())
        .map_or(0, |span| i64::from(span.get_days()))
}

/// Makes a lane's newest file whole after a crash: cuts off half a line, and writes the index of what has none.
fn mend(segment: Segment) -> io::Result<Open> {
    let mut open = Open::new(segment)?;
    let whole = open.index_length / ENTRY as u64;
    let mut indexed = 0;
    if whole > 0 {
        let mut bytes = [0; ENTRY];
        open.index.read_exact_at(&mut bytes, (whole - 1) * ENTRY as u64)?;
        let last = Entry::from_bytes(&bytes);
        indexed = last.offset + u64::from(last.length);
    }
    if indexed > open.length {
        // The disk kept the index and not the records: the index is made anew.
        indexed = 0;
        open.index_length = 0;
    } else {
        open.index_length = whole * ENTRY as u64;
    }
    open.index.set_len(open.index_length)?;
    open.records.seek(SeekFrom::Start(indexed))?;
    let mut reader = BufReader::new(&open.records);
    let mut index = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
        if read == 0 || line.last() != Some(&b'\n') {
            break;
        }
        let entry = Stored::parse(&line).map(|stored| stored.entry()).unwrap_or_default();
        let length = u32::try_from(read).unwrap_or(u32::MAX);
        index.extend_from_slice(&Entry { offset: indexed, length, ..entry }.to_bytes());
        indexed += read as u64;
    }
    if indexed < open.length {
        tracing::warn!(file = %open.segment.path.display(), "half a record at the end of the audit trail is cut off");
        open.records.set_len(indexed)?;
        open.length = indexed;
    }
    open.index.write_all(&index)?;
    open.index_length += index.len() as u64;
    Ok(open)
}
