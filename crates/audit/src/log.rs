//! Takes in records and hands them to the one thread that writes them.
//!
//! A record of a change is in the kernel's hands before its call is answered, so that no `kill -9` loses it. Others
//! are written within 50 ms. What waits is bounded; what finds no room is counted, and the count is shown.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::Event;
use crate::index::{Entry, Lane};
use crate::trails::folder_of;
use crate::writer::Writer;

/// Bytes of records that may wait. Beyond them a record of a reading call is lost, and counted.
const MAX_WAITING: usize = 4 << 20;
/// The same for records of changes, whose calls wait for them: as many as there can be connections.
const MAX_WAITING_CHANGES: usize = 64 << 20;
/// The longest that a call waits for its record. A disk that takes longer is noted, and the call answered.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Bytes of all files, of all processes together.
    pub total_bytes: u64,
    /// Age of the oldest file, by the day it was begun on.
    pub max_days: u32,
    /// Whether calls on what is in a resource are recorded: S3's on objects, for example.
    pub has_data_events: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { total_bytes: 1 << 30, max_days: 90, has_data_events: false }
    }
}

/// What the log has done since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records written.
    pub written: u64,
    /// Records lost because too many waited or the disk took none.
    pub lost: u64,
    /// Records that a call did not wait for to the end, as the disk was slow; written later, or counted as lost too.
    pub late: u64,
    /// Bytes of records that wait now.
    pub waiting_bytes: u64,
}

/// What waits for the writer in one lane.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) text: Vec<u8>,
    /// Offsets are those in `text`.
    pub(crate) entries: Vec<Entry>,
}

#[derive(Default)]
pub(crate) struct Waiting {
    pub(crate) lanes: [Batch; 3],
    pub(crate) waiters: Vec<oneshot::Sender<()>>,
    pub(crate) is_closed: bool,
}

#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) waiting: Mutex<Waiting>,
    /// Something waits that did not before, or somebody waits for it.
    pub(crate) arrived: Condvar,
    pub(crate) written: AtomicU64,
    pub(crate) lost: AtomicU64,
    late: AtomicU64,
}

impl Shared {
    pub(crate) fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The audit trail of a process.
pub struct Log {
    shared: Arc<Shared>,
    folder: PathBuf,
    has_data_events: bool,
    prefix: u64,
    next: AtomicU64,
    thread: Option<JoinHandle<()>>,
}

thread_local! {
    /// Where a thread makes its lines.
    static LINE: RefCell<String> = const { RefCell::new(String::new()) };
}

impl Log {
    /// Opens the trail in `folder`, which is made where it is missing, and mends what a crash left half written. No other
    /// process may have it open in this way.
    ///
    /// # Errors
    /// The kernel's, if the folder or its newest files cannot be read and written.
    pub fn open(folder: &Path, options: &Options) -> io::Result<Self> {
        Self::open_as(folder, None, options)
    }

    /// As [`Log::open`], for a process that has others beside it: `process` is its name among them, such as `process-1`,
    /// which no other has at the same time. All of them share the room, and who looks up finds the records of all.
    ///
    /// # Errors
    /// As [`Log::open`], or a name that is none.
    pub fn open_as(folder: &Path, process: Option<&str>, options: &Options) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let writer = Writer::open(Arc::clone(&shared), folder, &folder_of(folder, process)?, options)?;
        let mut prefix = [0; 8];
        getrandom::fill(&mut prefix).map_err(io::Error::other)?;
        let thread = std::thread::Builder::new().name("audit".to_owned()).spawn(move || writer.run())?;
        Ok(Self {
            shared,
            folder: folder.to_owned(),
            has_data_events: options.has_data_events,
            prefix: u64::from_le_bytes(prefix),
            next: AtomicU64::new(1),
            thread: Some(thread),
        })
    }

    /// The trail's folder, that of all processes.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether calls on what is in a resource are recorded.
    pub fn has_data_events(&self) -> bool {
        self.has_data_events
    }

    /// Records a call. For one that changes something it returns when the kernel has the record; the wait is bounded.
    /// A call whose record is lost is answered all the same: what it changed is committed by then.
    pub async fn record(&self, event: &Event<'_>) {
        let Some(written) = self.push(event) else { return };
        if tokio::time::timeout(MAX_WAIT, written).await.is_err() {
            self.shared.late.fetch_add(1, Relaxed);
        }
    }

    /// Records a call that nobody waits for any more.
    pub fn record_unwaited(&self, event: &Event<'_>) {
        drop(self.push(event));
    }

    /// Returns when all that was recorded before is in its files, or after a bounded time.
    pub async fn flush(&self) {
        let (done, is_done) = oneshot::channel();
        {
            let mut waiting = self.shared.waiting();
            if waiting.is_closed {
                return;
            }
            waiting.waiters.push(done);
        }
        self.shared.arrived.notify_one();
        // Whoever reads then misses the newest records, which they could not have known of.
        let _ = tokio::time::timeout(MAX_WAIT, is_done).await;
    }

    /// What the log has done.
    pub fn counts(&self) -> Counts {
        let waiting_bytes = self.shared.waiting().lanes.iter().map(|batch| batch.text.len() as u64).sum();
        Counts {
            written: self.shared.written.load(Relaxed),
            lost: self.shared.lost.load(Relaxed),
            late: self.shared.late.load(Relaxed),
            waiting_bytes,
        }
    }

    fn push(&self, event: &Event<'_>) -> Option<oneshot::Receiver<()>> {
        let lane = event.lane();
        let number = self.next.fetch_add(1, Relaxed);
        LINE.with_borrow_mut(|line| {
            line.clear();
            let entry = event.write(line, self.prefix, number);
            self.enqueue(lane, line, entry)
        })
    }

    fn enqueue(&self, lane: Lane, line: &str, mut entry: Entry) -> Option<oneshot::Receiver<()>> {
        let is_change = lane == Lane::Changes;
        let limit = if is_change { MAX_WAITING_CHANGES } else { MAX_WAITING };
        let mut waiting = self.shared.waiting();
        let batch = &mut waiting.lanes[lane.position()];
        if batch.text.len() + line.len() > limit {
            drop(waiting);
            self.shared.lost.fetch_add(1, Relaxed);
            return None;
        }
        let was_empty = batch.text.is_empty();
        entry.offset = batch.text.len() as u64;
        entry.length = u32::try_from(line.len()).unwrap_or(u32::MAX);
        batch.text.extend_from_slice(line.as_bytes());
        batch.entries.push(entry);
        let receiver = is_change.then(|| {
            let (done, is_done) = oneshot::channel();
            waiting.waiters.push(done);
            is_done
        });
        drop(waiting);
        // The writer gathers once it is awake: only the first record and those that are waited for wake it.
        if was_empty || is_change {
            self.shared.arrived.notify_one();
        }
        receiver
    }
}

impl Drop for Log {
    /// Writes what waits. Blocks for as long as that takes.
    fn drop(&mut self) {
        self.shared.waiting().is_closed = true;
        self.shared.arrived.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the audit thread had panicked");
        }
    }
}
