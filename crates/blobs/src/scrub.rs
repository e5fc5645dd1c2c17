//! Reads all blobs, slowly, and says which are damaged. Where it is and what it found are kept in a file, so that a walk
//! over terabytes outlives the process.
//! Not here: mending. What is damaged is somebody's backup's business.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::folder::failed;
use crate::{BlobError, BlobId, BlobStore};

/// Bytes of one step, about: a large blob is read in several.
const STEP_BYTES: u64 = 16 << 20;
/// Blobs of one step.
const STEP_BLOBS: usize = 256;
/// The file in the store's folder.
const FILE: &str = "scrub.json";
/// Damaged blobs that are remembered; further ones are counted.
const MAX_NAMED: usize = 1000;

/// A blob that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// Its id; where it ends in zeros, only its beginning is known: see [`BlobStore::survey`].
    pub id: BlobId,
    /// What does not fit.
    pub detail: String,
}

/// What a walk found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ScrubReport {
    /// When it began, in milliseconds since 1970.
    pub begun: u64,
    /// When it ended; none if it goes on.
    pub ended: Option<u64>,
    /// Blobs that were read.
    pub blobs: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Damaged blobs, the first thousand.
    pub damaged: Vec<Damage>,
    /// How many there are.
    pub damaged_count: u64,
}

/// What is known of walks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ScrubState {
    /// The walk that goes on.
    pub now: Option<ScrubReport>,
    /// The one before.
    pub last: Option<ScrubReport>,
    /// The last blob that was read.
    position: Option<BlobId>,
    /// The blob after it, if some of it was read, and how much.
    within: Option<(BlobId, u64)>,
}

/// Walks over the blobs of a store.
pub struct Scrubber {
    store: Arc<dyn BlobStore>,
    file: Option<PathBuf>,
    state: Mutex<ScrubState>,
    /// One step at a time.
    stepping: tokio::sync::Mutex<()>,
}

impl Scrubber {
    /// A walker that keeps its state in the store's folder, if that has one. Blocks on the disk.
    pub fn new(store: Arc<dyn BlobStore>) -> Self {
        let file = store.folder().map(|folder| folder.join(FILE));
        let scrubber = Self { store, file, state: Mutex::default(), stepping: tokio::sync::Mutex::default() };
        scrubber.reload();
        scrubber
    }

    /// Takes up what another process may have found meanwhile. A file that can't be read means that nothing is known.
    /// Blocks on the disk.
    pub fn reload(&self) {
        let read = self.file.as_ref().and_then(|file| fs::read(file).ok());
        *self.locked() = read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    }

    /// What is known now.
    pub fn state(&self) -> ScrubState {
        self.locked().clone()
    }

    /// Begins a walk, unless one goes on; whether it did.
    pub fn begin(&self, now: u64) -> bool {
        let mut state = self.locked();
        if state.now.is_some() {
            return false;
        }
        state.now = Some(ScrubReport { begun: now, ..ScrubReport::default() });
        (state.position, state.within) = (None, None);
        true
    }

    /// Begins a walk; one that goes on is given up.
    pub async fn begin_anew(&self, now: u64) {
        let _alone = self.stepping.lock().await;
        self.locked().now = None;
        self.begin(now);
    }

    /// Goes on with the walk, some megabytes or some hundred blobs at `rate` bytes a second; whether there is more to
    /// do. `now` is the time that its end gets. Errors: the store's when the store can't be walked, [`BlobError::Busy`],
    /// [`BlobError::Io`] for the file.
    pub async fn step(&self, rate: u64, now: u64) -> Result<bool, BlobError> {
        let _alone = self.stepping.lock().await;
        let state = self.state();
        let Some(mut report) = state.now else { return Ok(false) };
        let (mut position, mut within) = (state.position, state.within);
        let (begun, mut read) = (Instant::now(), 0);
        let ids = self.store.survey(position, STEP_BLOBS).await?;
        let is_end = ids.len() < STEP_BLOBS;
        let mut left = ids.len();
        for id in ids {
            if read >= STEP_BYTES {
                break;
            }
            let from = within.take().filter(|(begun, _)| *begun == id).map_or(0, |(_, from)| from);
            match self.verify(&id, from, STEP_BYTES - read).await {
                Ok(Verified { bytes, next }) => {
                    read += bytes;
                    report.bytes += bytes;
                    if let Some(next) = next {
                        within = Some((id, next));
                        break;
                    }
                }
                // Deleted meanwhile.
                Err(BlobError::NotFound(_)) => {}
                Err(error @ BlobError::Busy) => return Err(error),
                Err(error) => report.add(id, &error),
            }
            report.blobs += 1;
            position = Some(id);
            left -= 1;
            // A step is a burst no longer than what was read allows.
            tokio::time::sleep_until(begun + Duration::from_micros(read.saturating_mul(1_000_000) / rate.max(1))).await;
        }
        let is_over = is_end && left == 0;
        let text = {
            let mut state = self.locked();
            if is_over {
                report.ended = Some(now);
                *state = ScrubState { last: Some(report), ..ScrubState::default() };
            } else {
                (state.now, state.position, state.within) = (Some(report), position, within);
            }
            serde_json::to_vec(&*state).map_err(|error| BlobError::io("write what a scrub found", error.into()))?
        };
        let Some(file) = self.file.clone() else { return Ok(!is_over) };
        let written = tokio::task::spawn_blocking(move || replace(&file, &text)).await;
        written.map_err(|error| BlobError::io("write what a scrub found", io::Error::other(error)))??;
        Ok(!is_over)
    }

    /// Reads a blob from a place on, some `limit` bytes.
    async fn verify(&self, id: &BlobId, from: u64, limit: u64) -> Result<Verified, BlobError> {
        let whole = self.store.open(id, Some(0..0)).await?.blob_length();
        let to = whole.min(from.saturating_add(limit.max(1 << 20)));
        let mut reader = self.store.open(id, Some(from.min(to)..to)).await?;
        let mut bytes = 0;
        while let Some(chunk) = reader.next().await {
            bytes += chunk?.len() as u64;
        }
        Ok(Verified { bytes, next: (to < whole).then_some(to) })
    }

    fn locked(&self) -> MutexGuard<'_, ScrubState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Verified {
    bytes: u64,
    next: Option<u64>,
}

impl ScrubReport {
    fn add(&mut self, id: BlobId, error: &BlobError) {
        self.damaged_count += 1;
        if self.damaged.len() < MAX_NAMED {
            let cause = std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"));
            self.damaged.push(Damage { id, detail: format!("{error}{cause}") });
        }
    }
}

/// Puts a small file in the place of another, whole or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), BlobError> {
    let draft = path.with_extension("part");
    let written = fs::File::create(&draft).and_then(|mut file| {
        io::Write::write_all(&mut file, bytes)?;
        file.sync_data()
    });
    written.map_err(failed("write", &draft))?;
    fs::rename(&draft, path).map_err(failed("rename", &draft))?;
    path.parent().map_or(Ok(()), crate::folder::sync_folder)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use super::{ScrubState, Scrubber};
    use crate::conformance::pattern;
    use crate::{BlobId, BlobStore, FolderBlobs, FolderLimits, source_of};

    fn file_of(root: &Path, end: &str) -> PathBuf {
        let folders = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
        let mut files =
            folders.flat_map(|folder| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
        files.find(|path| path.to_str().unwrap().ends_with(end)).unwrap()
    }

    fn flip(path: &Path, position: u64) {
        let file = std::fs::File::options().read(true).write(true).open(path).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, position).unwrap();
        file.write_all_at(&[byte[0] ^ 4], position).unwrap();
    }

    async fn walk(scrubber: &Scrubber) -> ScrubState {
        assert!(scrubber.begin(5));
        assert!(!scrubber.begin(6), "one walk at a time");
        while scrubber.step(u64::MAX, 9).await.unwrap() {}
        scrubber.state()
    }

    #[tokio::test]
    async fn rot_is_found_wherever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let limits = FolderLimits { compaction_pause: std::time::Duration::from_secs(3600), ..FolderLimits::default() };
        let store = Arc::new(FolderBlobs::open(folder.path().join("blobs"), limits).unwrap());
        let put = async |length: usize| store.put(source_of(pattern(length, 1)), u64::MAX, &[]).await.unwrap().id;
        let small: Vec<BlobId> =
            futures_util::future::join_all((0..600).map(|_| put(1_000))).await.into_iter().collect();
        let (large, sound) = (put(20 << 20).await, put(300_000).await);
        let scrubber = Scrubber::new(store.clone());
        let report = walk(&scrubber).await.last.unwrap();
        assert_eq!((report.begun, report.ended, report.damaged_count), (5, Some(9), 0));
        assert_eq!((report.blobs, report.bytes), (602, 600_000 + (20 << 20) + 300_000));

        let root = folder.path().join("blobs");
        flip(&file_of(&root, &large.to_string()), 19 << 20);
        let segment = file_of(&root, ".segment");
        flip(&segment, 4096 + 7 * 32 + 3);
        flip(&segment, 4096 + 4096 * 32 + 1056 * 3 + 100);
        let scrubber = Scrubber::new(store.clone());
        assert_eq!(scrubber.state().last, Some(report), "what was found is remembered");
        let report = walk(&scrubber).await.last.unwrap();
        let mut sorted = small.clone();
        sorted.sort_unstable();
        let mut entry = *sorted[7].as_bytes();
        entry[10..].fill(0);
        let mut expected = vec![sorted[3], BlobId::from(entry), large];
        expected.sort_unstable();
        let found: Vec<BlobId> = report.damaged.iter().map(|damage| damage.id).collect();
        assert_eq!(found, expected, "{:?}", report.damaged);
        assert_eq!(report.damaged_count, 3);
        assert!(!found.contains(&sound));
    }

    #[tokio::test]
    async fn a_walk_goes_on_where_the_process_before_was() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(FolderBlobs::open(folder.path().join("blobs"), FolderLimits::default()).unwrap());
        store.put(source_of(pattern(40 << 20, 1)), u64::MAX, &[]).await.unwrap();
        let scrubber = Scrubber::new(store.clone());
        assert!(scrubber.begin(1));
        assert!(scrubber.step(u64::MAX, 2).await.unwrap());
        drop(scrubber);
        let scrubber = Scrubber::new(store);
        assert_eq!(scrubber.state().now.unwrap().bytes, 16 << 20);
        while scrubber.step(u64::MAX, 3).await.unwrap() {}
        assert_eq!(scrubber.state().last.unwrap().bytes, 40 << 20);
    }
}
