//! A segment, the file that small blobs share, after a disk or a stranger has changed it: read by a store that is open, or by
//! one that is opened after a crash and goes on writing it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use blobs::{BlobError, BlobId, BlobStore, FolderBlobs, FolderLimits, source_of};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::input::Input;

/// Two frames, a frame, and less: each is a write of its own.
const LENGTHS: [usize; 6] = [1, 65_537, 0, 1_000, 65_536, 20];
/// Where the table begins and where it ends, as `segments/table.rs` has it, and how long an entry is.
const TABLE: usize = 4096;
const DATA: usize = TABLE + 4096 * ENTRY;
const ENTRY: usize = 32;

type Failure = Box<dyn std::error::Error>;

/// A folder with one segment.
struct Kept {
    _folder: TempDir,
    root: PathBuf,
    blobs: BTreeMap<BlobId, Vec<u8>>,
    file: PathBuf,
    sound: Vec<u8>,
    marker: PathBuf,
}

/// One folder whose store stays open, and one that is opened anew for each input.
struct Both {
    runtime: Runtime,
    open: Kept,
    store: FolderBlobs,
    crashed: Kept,
}

/// An input begins with a byte that says whether the store is opened anew. Then come changes, of four bytes: a place (the first
/// bit of which says whether the file ends there), and the bits that are flipped there.
pub(crate) fn segment_file(bytes: &[u8]) {
    static BOTH: OnceLock<Mutex<Both>> = OnceLock::new();
    let both = BOTH.get_or_init(|| Mutex::new(both().unwrap_or_else(|error| panic!("{error}"))));
    let both = both.lock().unwrap_or_else(PoisonError::into_inner);
    let mut input = Input(bytes);
    let is_anew = input.byte() % 2 == 1;
    let outcome = if is_anew { both.after_a_crash(input.0) } else { both.while_it_is_open(input.0) };
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

impl Both {
    fn while_it_is_open(&self, changes: &[u8]) -> Result<(), Failure> {
        let file = self.open.change(changes)?;
        let damaged = self.open.check(&self.runtime, &self.store, &file)?;
        let surveyed = self.runtime.block_on(self.store.survey(None, usize::MAX))?;
        for id in damaged {
            let mut of_entry = *id.as_bytes();
            of_entry[10..].fill(0);
            let is_found = surveyed.contains(&id) || surveyed.contains(&BlobId::from(of_entry));
            assert!(is_found, "no scrub would find that {id} is damaged");
        }
        Ok(())
    }

    fn after_a_crash(&self, changes: &[u8]) -> Result<(), Failure> {
        let kept = &self.crashed;
        for folder in fs::read_dir(&kept.root)?.flatten().filter(|entry| entry.file_name().len() == 2) {
            for file in fs::read_dir(folder.path())?.flatten() {
                fs::remove_file(file.path())?;
            }
        }
        fs::write(&kept.marker, b"")?;
        let file = kept.change(changes)?;
        let store = open(&kept.root)?;
        let before = kept.readable(&self.runtime, &store)?;
        // What is written from now on harms nothing, and is not harmed.
        let new = pattern(3_000, 99);
        let written = self.runtime.block_on(store.put(source_of(new.clone()), u64::MAX, &[]))?;
        assert_eq!(self.runtime.block_on(read(&store, &written.id))?, new, "a new blob beside damaged ones");
        assert_eq!(kept.readable(&self.runtime, &store)?, before, "a new blob has harmed others");
        kept.check(&self.runtime, &store, &file)?;
        Ok(())
    }
}

impl Kept {
    /// Writes the file with these changes, and gives it.
    fn change(&self, changes: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut file = self.sound.clone();
        // Most of the table is empty, and would be most of what is found.
        let table = (self.blobs.len() + 2) * ENTRY;
        let extents = self.sound.len() - DATA;
        for change in changes.chunks_exact(4) {
            let place = usize::from(change[0] & 0x7f) << 16 | usize::from(change[1]) << 8 | usize::from(change[2]);
            let place = match place % 4 {
                0 => place / 4 % 32,
                1 | 2 => TABLE + place / 4 % table,
                _ => DATA + place / 4 % extents,
            };
            if change[0] & 0x80 != 0 {
                file.truncate(place);
            } else if let Some(byte) = file.get_mut(place) {
                *byte ^= change[3];
            }
        }
        fs::write(&self.file, &file)?;
        Ok(file)
    }

    /// Each blob gives the bytes that were written, or an error. Gives those that say that they are damaged.
    fn check(&self, runtime: &Runtime, store: &FolderBlobs, file: &[u8]) -> Result<Vec<BlobId>, Failure> {
        // CRC-32C tells up to three flipped bits from none, whatever they are; more of them, nearly always.
        let flipped: u32 = self.sound.iter().zip(file).map(|(one, other)| (one ^ other).count_ones()).sum();
        let mut damaged = Vec::new();
        for (id, data) in &self.blobs {
            match runtime.block_on(read(store, id)) {
                Ok(read) => assert!(read == *data || flipped > 3, "{flipped} bits were flipped and nobody noticed"),
                Err(BlobError::Corrupt { .. } | BlobError::Unsupported { .. }) => damaged.push(*id),
                // What is beyond the end was never written; and what broke off in a crash is emptied.
                Err(BlobError::NotFound(_)) => assert!(file != self.sound, "{id} is lost"),
                Err(other) => return Err(other.into()),
            }
        }
        assert!(file != self.sound || damaged.is_empty(), "nothing has changed");
        Ok(damaged)
    }

    fn readable(&self, runtime: &Runtime, store: &FolderBlobs) -> Result<Vec<BlobId>, Failure> {
        let mut readable = Vec::new();
        for id in self.blobs.keys() {
            match runtime.block_on(read(store, id)) {
                Ok(_) => readable.push(*id),
                Err(BlobError::Corrupt { .. } | BlobError::Unsupported { .. } | BlobError::NotFound(_)) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Ok(readable)
    }
}

async fn read(store: &FolderBlobs, id: &BlobId) -> Result<Vec<u8>, BlobError> {
    store.open(id, None).await?.collect(1 << 20).await
}

fn pattern(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 31 + seed).to_le_bytes()[0]).collect()
}

/// Nothing is compacted: that is another thread, and another claim.
fn open(root: &Path) -> Result<FolderBlobs, BlobError> {
    let limits = FolderLimits { compaction_pause: Duration::from_secs(3600), ..FolderLimits::default() };
    FolderBlobs::open(root, limits)
}

fn both() -> Result<Both, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (open, store) = keep(&runtime)?;
    let (crashed, closed) = keep(&runtime)?;
    drop(closed);
    Ok(Both { runtime, open, store, crashed })
}

fn keep(runtime: &Runtime) -> Result<(Kept, FolderBlobs), Failure> {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
    let root = folder.path().join("blobs");
    let store = open(&root)?;
    let mut blobs = BTreeMap::new();
    for (seed, length) in LENGTHS.into_iter().enumerate() {
        let data = pattern(length, seed);
        let written = runtime.block_on(store.put(source_of(data.clone()), u64::MAX, &[]))?;
        blobs.insert(written.id, data);
    }
    let marker = fs::read_dir(root.join("active"))?.flatten().next().ok_or("no segment is being written")?.path();
    let name = marker.file_name().and_then(|name| name.to_str()).ok_or("a segment has no name")?.to_owned();
    let file = root.join(&name[..2]).join(format!("{name}.segment"));
    let sound = fs::read(&file)?;
    Ok((Kept { _folder: folder, root, blobs, file, sound, marker }, store))
}
