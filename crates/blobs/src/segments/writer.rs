//! The thread that writes small blobs: it takes all that wait, adds them to the segment in one write, flushes once, and
//! then answers all of them.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::Segments;
use super::recover::marker;
use super::table::{self, DATA, ENTRIES, ENTRY, Entry, FULL, Place, SegmentId, State};
use crate::folder::{failed, remove, sync_folder};
use crate::room::Room;
use crate::{BlobError, BlobId, format};

/// Small blobs that wait for the thread at most; whoever comes later waits before.
const QUEUE: usize = 1024;
/// Bytes of one write, about.
const BATCH_BYTES: usize = 8 << 20;
/// Clients that were just answered come back with their next blob, a moment after those that waited meanwhile are there:
/// it is worth waiting for them this part of what a flush takes, or each flush would be for one half of them only.
const WAIT_PART: u32 = 8;
/// Longest such wait.
const WAIT: Duration = Duration::from_micros(500);
/// What the buffer keeps between writes.
const KEPT_BYTES: usize = 1 << 20;

/// A small blob to be written.
pub(crate) struct Small {
    /// Its bytes in frames, which are full but for the last.
    pub(crate) frames: Vec<Bytes>,
    /// How many bytes it has.
    pub(crate) length: u32,
}

struct Waiting {
    small: Small,
    answer: oneshot::Sender<Result<Kept, BlobError>>,
}

/// The thread, which ends with this.
pub(crate) struct Writer {
    segments: Arc<Segments>,
    queue: Option<mpsc::Sender<Waiting>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread, which writes while there is `room`.
    pub(crate) fn start(segments: Arc<Segments>, room: Room) -> Result<Self, BlobError> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let appender = Appender {
            segments: Arc::clone(&segments),
            room,
            bytes: Vec::new(),
            entries: Vec::new(),
            counts: (0, 0),
            took: Duration::ZERO,
        };
        let thread = std::thread::Builder::new()
            .name("blobs-writer".to_owned())
            .spawn(move || appender.run(waiting))
            .map_err(|error| BlobError::io("start a thread that writes blobs", error))?;
        Ok(Self { segments, queue: Some(queue), thread: Some(thread) })
    }

    /// Hands a small blob to the thread. What is given tells when it is safe.
    pub(crate) async fn append(&self, small: Small) -> Result<oneshot::Receiver<Result<Kept, BlobError>>, BlobError> {
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(has_ended)?;
        queue.send(Waiting { small, answer }).await.map_err(|_| has_ended())?;
        Ok(answered)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // It has nobody to tell.
            let _ = thread.join();
        }
        if let Some(active) = self.segments.writing().take() {
            // Without it, the last write is looked at when the folder is opened next.
            let _ = fs::write(marker(&self.segments.active(), active.segment), active.batch.to_string());
        }
    }
}

/// The error of whoever waits for a thread that is no more.
pub(crate) fn has_ended() -> BlobError {
    BlobError::io("write a small blob", std::io::Error::other("the thread that writes has ended"))
}

/// A small blob that is safe, and that its caller has not heard of. Dropped, it is gone.
pub(crate) struct Kept {
    segments: Arc<Segments>,
    id: BlobId,
    written_at: u64,
    is_kept: bool,
}

impl Kept {
    /// Its id, and when it was written.
    pub(crate) fn keep(mut self) -> (BlobId, std::time::SystemTime) {
        self.is_kept = true;
        (self.id, table::time_of(self.written_at))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if !self.is_kept {
            let (segments, id) = (Arc::clone(&self.segments), self.id);
            // What cannot be deleted is a blob that no record names.
            let delete = move || drop(segments.delete(&id));
            match tokio::runtime::Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn_blocking(delete)),
                Err(_) => delete(),
            }
        }
    }
}

/// The segment that is being written.
pub(crate) struct Active {
    pub(super) segment: SegmentId,
    /// Locked.
    pub(super) file: File,
    pub(super) path: PathBuf,
    /// Entries that are taken.
    pub(super) used: u16,
    /// Where the next extent goes.
    pub(super) tail: u64,
    /// The number of the last write.
    pub(super) batch: u32,
}

struct Appender {
    segments: Arc<Segments>,
    room: Room,
    bytes: Vec<u8>,
    entries: Vec<u8>,
    /// How many blobs the last two writes had.
    counts: (usize, usize),
    /// How long the last one took.
    took: Duration,
}

/// What is in the file, and not safe yet.
struct Written {
    ids: Vec<BlobId>,
    at: u64,
    batch: u32,
}

impl Appender {
    fn run(mut self, mut queue: mpsc::Receiver<Waiting>) {
        while let Some(first) = queue.blocking_recv() {
            let mut batch = vec![first];
            self.gather(&mut queue, &mut batch);
            // Who is gone needs no flush.
            batch.retain(|waiting| !waiting.answer.is_closed());
            let (begun, count) = (Instant::now(), batch.len());
            while !batch.is_empty() {
                self.write_some(&mut batch);
            }
            self.counts = (self.counts.1, count);
            self.took = begun.elapsed();
            self.bytes.clear();
            self.bytes.shrink_to(KEPT_BYTES);
        }
    }

    /// Takes what waits, and waits a little for as many as there were of late.
    fn gather(&self, queue: &mut mpsc::Receiver<Waiting>, batch: &mut Vec<Waiting>) {
        let mut size = batch.iter().map(|waiting| waiting.small.length as usize).sum::<usize>();
        let expected = self.counts.0 + self.counts.1;
        let until = Instant::now() + (self.took / WAIT_PART).min(WAIT);
        while size < BATCH_BYTES {
            match queue.try_recv() {
                Ok(next) => {
                    size += next.small.length as usize;
                    batch.push(next);
                }
                Err(_) if expected > 2 && batch.len() < expected && Instant::now() < until => {
                    std::thread::sleep(WAIT / 10);
                }
                Err(_) => break,
            }
        }
    }

    /// Writes as many as the segment takes, and answers them.
    fn write_some(&mut self, batch: &mut Vec<Waiting>) {
        if let Err(error) = self.room.require() {
            return answer_all(batch.drain(..), &error);
        }
        let segments = Arc::clone(&self.segments);
        let mut writing = segments.writing();
        let mut active = match writing.take().map_or_else(|| self.begin(), Ok) {
            Ok(active) => active,
            Err(error) => return answer_all(batch.drain(..), &error),
        };
        let count = batch.len().min(usize::from(ENTRIES - active.used));
        let taken: Vec<Waiting> = batch.drain(..count).collect();
        let written = match self.append(&active, &taken) {
            Ok(written) => written,
            Err(error) => {
                active.take_back(count);
                *writing = Some(active);
                return answer_all(taken.into_iter(), &error);
            }
        };
        match active.file.sync_data().map_err(failed("flush", &active.path)) {
            Ok(()) => {
                active.tail += self.bytes.len() as u64;
                active.used += count as u16;
                active.batch = written.batch;
                let written_at = written.at;
                for (waiting, id) in taken.into_iter().zip(written.ids) {
                    let kept = Kept { segments: Arc::clone(&self.segments), id, written_at, is_kept: false };
                    // If nobody waits any more, the blob comes back and is dropped.
                    drop(waiting.answer.send(Ok(kept)));
                }
                if active.has_room() {
                    *writing = Some(active);
                } else {
                    segments.end(active);
                }
            }
            Err(error) => {
                // What a failed flush leaves on the disk is not known, so nothing is added to this segment any more.
                active.take_back(count);
                segments.end(active);
                answer_all(taken.into_iter(), &error);
            }
        }
    }

    fn append(&mut self, active: &Active, taken: &[Waiting]) -> Result<Written, BlobError> {
        let written_at = table::now();
        let mut ids = Vec::with_capacity(taken.len());
        self.bytes.clear();
        self.entries.clear();
        let batch = active.batch.wrapping_add(1);
        for (number, waiting) in (active.used..).zip(taken) {
            let mut tag = [0; 6];
            tag.copy_from_slice(&BlobId::random()?.as_bytes()[..6]);
            let (segment, length) = (active.segment, waiting.small.length);
            let id = Place { segment, number, tag }.id();
            let place = (active.tail + self.bytes.len() as u64) as u32;
            let entry = Entry { place, length, tag, state: State::Live, written_at, batch };
            self.entries.extend_from_slice(&entry.encode(segment, number));
            format::write_extent(&id, u64::from(length), &waiting.small.frames, &mut self.bytes);
            ids.push(id);
        }
        let (file, path) = (&active.file, &active.path);
        file.write_all_at(&self.bytes, active.tail).map_err(failed("write", path))?;
        file.write_all_at(&self.entries, table::entry_offset(active.used)).map_err(failed("write", path))?;
        Ok(Written { ids, at: written_at, batch })
    }

    /// Makes a new segment. Its name is safe before anybody is told of a blob in it.
    fn begin(&mut self) -> Result<Active, BlobError> {
        let random = BlobId::random()?;
        let segment = SegmentId::of_blob(&random);
        let made = self.make(segment, self.segments.path(segment));
        if made.is_err() {
            // What stays is looked at when the folder is opened next.
            let marker = marker(&self.segments.active(), segment);
            let _ = remove(&self.segments.path(segment)).and_then(|()| remove(&marker));
        }
        made
    }

    fn make(&self, segment: SegmentId, path: PathBuf) -> Result<Active, BlobError> {
        // Locked before it has its name, or a compactor would take it for one without blobs.
        let draft = self.segments.drafts.join(segment.file_name());
        let file = File::options().read(true).write(true).create_new(true).open(&draft);
        let file = file.map_err(failed("make", &draft))?;
        let placed = file
            .try_lock()
            .map_err(|error| failed("lock", &draft)(error.into()))
            .and_then(|()| file.write_all_at(&table::head(segment), 0).map_err(failed("write", &draft)))
            .and_then(|()| fs::rename(&draft, &path).map_err(failed("rename", &draft)));
        if let Err(error) = placed {
            // What cannot be removed now is swept when the folder is opened next.
            let _ = remove(&draft);
            return Err(error);
        }
        let active = self.segments.active();
        let marker = marker(&active, segment);
        // Only now, when its file is there and locked: a process that opens the folder removes the name of a file that is
        // not. One without a name has no blob, and goes.
        File::create_new(&marker).map_err(failed("make", &marker))?;
        sync_folder(&self.segments.folder(segment))?;
        sync_folder(&active)?;
        Ok(Active { segment, file, path, used: 0, tail: DATA, batch: 0 })
    }
}

impl Active {
    /// Whether another blob goes into it.
    pub(super) fn has_room(&self) -> bool {
        self.used < ENTRIES && self.tail < FULL
    }

    /// Takes back the `count` entries of a write that failed, and their space, as far as that is possible.
    fn take_back(&self, count: usize) {
        let zeros = vec![0; count * ENTRY];
        let _ = self.file.write_all_at(&zeros, table::entry_offset(self.used));
        let _ = self.file.set_len(self.tail);
    }
}

fn answer_all(waiting: impl Iterator<Item = Waiting>, error: &BlobError) {
    for waiting in waiting {
        let same = match error {
            BlobError::NoSpace => BlobError::NoSpace,
            other => BlobError::io("write a small blob", std::io::Error::other(chain(other))),
        };
        drop(waiting.answer.send(Err(same)));
    }
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {}", chain(cause)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_entries_and_places_of_a_segment_fit_their_numbers() {
        let largest = super::FULL + super::BATCH_BYTES as u64 * 2 + super::DATA;
        assert!(largest < u64::from(u32::MAX));
    }
}
