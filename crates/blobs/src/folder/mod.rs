//! Blobs in a local folder: large ones are files of their own, small ones share segments. The bytes within both are
//! `format.rs`'s business, segments that of `segments`.
//!
//! ```text
//! layout   "welkin-blobs 2"; locked by the process that uses the folder
//! tmp/     files being written, named by their blobs' ids; whatever is here when the folder is opened is rubbish, but
//!          for the folders in it of processes that share the blobs: each locks its own
//! active/  names the segments that are being written
//! disks    the other folders of a store that has several; scrub.json: what a scrub found
//! holds/   a locked file for each hold of a process that has others beside it
//! 00/…ff/  finished blobs: 0f/0f…, by the first byte of the id; never changed, only deleted. And segments, by the
//!          first byte of their number: 0f/0f….segment
//! ```
//!
//! A large blob is written to `tmp/`, its data is flushed, it is renamed, and the folder it is now in is flushed: two
//! flushes a blob. The 256 folders are made when the store is opened, so that no upload pays for a new folder and its
//! parents. Kill the process anywhere, and there is a whole blob or a file in `tmp/`.
//!
//! Layout 1 had no segments. A folder of it becomes one of layout 2 when a process opens it that is alone with it; its
//! blobs stay where they are.
//!
//! No thread waits for a client: an upload takes two of the runtime's blocking threads for each batch that has arrived,
//! a reader one for each batch that is wanted. Batches are up to 1 MiB where memory allows, and 64 KiB where it does not.

mod batch;
mod buffers;
mod draft;
mod import;
mod list;
mod read;
mod shared;
#[cfg(test)]
mod tests;
mod write;

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use crate::hold::Holds;
use crate::room::Room;
use crate::segments::{self, Compactor, SMALL, Segments, Writer};
use crate::{
    BlobError, BlobHold, BlobId, BlobListed, BlobReader, BlobStore, BlobWritten, ByteSource, Cipher, DigestKind,
    DiskStats,
};

use batch::Budget;
use buffers::Buffers;
pub use import::Import;

const LAYOUT: &[u8] = b"welkin-blobs 2\n";
/// What older programs wrote: without segments.
const LAYOUT_1: &[u8] = b"welkin-blobs 1\n";

/// How much a [`FolderBlobs`] does at once. Whoever comes later waits.
#[derive(Debug, Clone)]
pub struct FolderLimits {
    /// Uploads; each holds 64 KiB at most, and what it gets of `upload_memory`.
    pub uploads: usize,
    /// Bytes that uploads hold beyond that, together.
    pub upload_memory: usize,
    /// Open readers; each holds at most 128 KiB, and what it gets of `read_memory`.
    pub readers: usize,
    /// Bytes that readers hold beyond that, together.
    pub read_memory: usize,
    /// Blocking threads. Each keeps some 100 KB of what it has freed as long as it is there.
    pub workers: usize,
    /// How long to wait for one of these before [`BlobError::Busy`].
    pub patience: Duration,
    /// Blobs of so many bytes and fewer share segments, up to 128 KiB; with 0, every blob is a file.
    pub small: usize,
    /// How often space of deleted small blobs is looked for.
    pub compaction_pause: Duration,
    /// How many bytes of deleted blobs may stay in the segment that is being written.
    pub spare_garbage: u64,
    /// How many bytes of the disk uploads leave free, or the sixteenth part of a small disk: deleting needs some. More than
    /// a segment has, which is copied before its garbage goes.
    pub spare_disk: u64,
}

impl Default for FolderLimits {
    fn default() -> Self {
        Self {
            uploads: 2048,
            upload_memory: 64 << 20,
            readers: 1024,
            read_memory: 64 << 20,
            workers: 16,
            patience: Duration::from_secs(20),
            small: SMALL,
            compaction_pause: Duration::from_secs(1),
            spare_garbage: 1 << 20,
            spare_disk: 80 << 20,
        }
    }
}

/// Keeps blobs in a local folder.
pub struct FolderBlobs {
    shared: Arc<Shared>,
}

struct Shared {
    root: PathBuf,
    room: Room,
    uploads: Arc<Semaphore>,
    budget: Budget,
    readers: Arc<Semaphore>,
    read_budget: Arc<Semaphore>,
    buffers: Arc<Buffers>,
    workers: Arc<Semaphore>,
    patience: Duration,
    holds: Holds,
    /// Whether other processes use the folder too.
    has_others: bool,
    /// Where blobs are while they are written.
    drafts: PathBuf,
    segments: Arc<Segments>,
    /// Bytes of the largest blob that goes into a segment.
    small: usize,
    /// None in a folder that a program which knows no segments uses too.
    writer: Option<Writer>,
    _compactor: Compactor,
    /// Held locked for as long as anything of this store is alive: given back last.
    _locks: Vec<File>,
}

impl FolderBlobs {
    /// Opens the folder, which is made if it is not there, and clears away what a crash left. Blocks on the disk: call
    /// it when starting. Errors: [`BlobError::InUse`], [`BlobError::UnknownLayout`], [`BlobError::NoSpace`],
    /// [`BlobError::Io`].
    pub fn open(folder: impl Into<PathBuf>, limits: FolderLimits) -> Result<Self, BlobError> {
        let root = folder.into();
        let layout = prepare(&root, &File::try_lock)?;
        let drafts = root.join("tmp");
        shared::sweep(&drafts)?;
        Self::new(root, drafts, layout, None, limits)
    }

    /// Opens a folder that other processes use too, all of them by this function. Each deletes what it left itself, and
    /// what those left that have ended. Errors: as [`FolderBlobs::open`].
    pub fn open_shared(folder: impl Into<PathBuf>, limits: FolderLimits) -> Result<Self, BlobError> {
        let root = folder.into();
        let layout = prepare(&root, &File::try_lock_shared)?;
        let tmp = root.join("tmp");
        shared::sweep(&tmp)?;
        let (drafts, lock) = shared::own_folder(&tmp)?;
        Self::new(root, drafts, layout, Some(lock), limits)
    }

    fn new(
        root: PathBuf,
        drafts: PathBuf,
        layout: Layout,
        own: Option<File>,
        limits: FolderLimits,
    ) -> Result<Self, BlobError> {
        let segments = Segments::new(&root, &drafts);
        let writer = if layout.has_segments && limits.small > 0 {
            segments::recover(&segments)?;
            Some(Writer::start(Arc::clone(&segments), Room::new(&root, limits.spare_disk))?)
        } else {
            None
        };
        let compactor = Compactor::start(Arc::clone(&segments), limits.compaction_pause, limits.spare_garbage)?;
        let has_others = own.is_some();
        let shared = Shared {
            room: Room::new(&root, limits.spare_disk),
            root,
            drafts,
            uploads: Arc::new(Semaphore::new(limits.uploads)),
            budget: Budget::new(limits.upload_memory),
            readers: Arc::new(Semaphore::new(limits.readers)),
            read_budget: Arc::new(Semaphore::new(limits.read_memory / crate::format::FRAME)),
            buffers: Arc::default(),
            workers: Arc::new(Semaphore::new(limits.workers)),
            patience: limits.patience,
            holds: Holds::default(),
            has_others,
            segments,
            small: limits.small.min(SMALL),
            writer,
            _compactor: compactor,
            _locks: own.into_iter().chain([layout.file]).collect(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Where a blob that is a file is: the file is the blob's extent.
    pub fn file_of(&self, id: &BlobId) -> PathBuf {
        self.shared.path(id)
    }

    /// How many bytes are free where the folder is. Errors: [`BlobError::Io`].
    pub fn free_bytes(&self) -> Result<u64, BlobError> {
        list::free_bytes(&self.shared.root)
    }

    /// Whether a blob is here, damaged or not. Errors: [`BlobError::Busy`], [`BlobError::Io`].
    pub(crate) async fn contains(&self, id: &BlobId) -> Result<bool, BlobError> {
        let (id, shared) = (*id, Arc::clone(&self.shared));
        self.shared.blocking(move || Ok(shared.segments.contains(&id)? || shared.path(&id).exists())).await
    }

    /// Begins to write a blob under the id that it had in another store. Blocks on the disk, and flushes nothing:
    /// whoever fills a folder flushes its file system once, before the folder is used.
    pub fn import(&self, id: BlobId) -> Import {
        Import::new(Arc::clone(&self.shared), id)
    }
}

#[async_trait]
impl BlobStore for FolderBlobs {
    async fn put_with(
        &self,
        source: ByteSource,
        limit: u64,
        digests: &[DigestKind],
        cipher: Option<Arc<dyn Cipher>>,
    ) -> Result<BlobWritten, BlobError> {
        let _slot = self.shared.wait_for(&self.shared.uploads).await?;
        write::put(&self.shared, source, limit, digests, cipher).await
    }

    async fn open_with(
        &self,
        id: &BlobId,
        range: Option<Range<u64>>,
        cipher: Option<Arc<dyn Cipher>>,
    ) -> Result<BlobReader, BlobError> {
        let slot = self.shared.wait_for(&self.shared.readers).await?;
        read::open(&self.shared, *id, range, slot, cipher).await
    }

    async fn delete(&self, id: &BlobId) -> Result<(), BlobError> {
        if self.shared.holds.defer(id)? {
            return Ok(());
        }
        let (id, shared) = (*id, Arc::clone(&self.shared));
        self.shared
            .blocking(move || {
                if shared.has_others && shared::is_held(&shared.root)? {
                    return Err(BlobError::Held);
                }
                shared.remove(&id)
            })
            .await
    }

    async fn list(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobListed>, BlobError> {
        let shared = Arc::clone(&self.shared);
        self.shared.blocking(move || list::list(&shared, after, limit, false)).await
    }

    async fn survey(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobId>, BlobError> {
        let shared = Arc::clone(&self.shared);
        let found = self.shared.blocking(move || list::list(&shared, after, limit, true)).await?;
        Ok(found.into_iter().map(|blob| blob.id).collect())
    }

    fn folder(&self) -> Option<PathBuf> {
        Some(self.shared.root.clone())
    }

    async fn stats(&self) -> Result<Vec<DiskStats>, BlobError> {
        let shared = Arc::clone(&self.shared);
        Ok(vec![self.shared.blocking(move || list::stats(&shared)).await?])
    }

    fn hold(&self) -> Result<BlobHold, BlobError> {
        let shown = if self.shared.has_others {
            Some(shared::show_hold(&self.shared.root, &self.shared.drafts)?)
        } else {
            None
        };
        self.shared.holds.begin();
        let shared = Arc::clone(&self.shared);
        Ok(BlobHold::new(move || {
            drop(shown);
            for id in shared.holds.end() {
                // What cannot be removed is a blob that no record names.
                let _ = shared.remove(&id);
            }
        }))
    }
}

impl Shared {
    /// Removes a blob, wherever it is.
    fn remove(&self, id: &BlobId) -> Result<(), BlobError> {
        if self.segments.delete(id)? { Ok(()) } else { remove(&self.path(id)) }
    }

    fn path(&self, id: &BlobId) -> PathBuf {
        self.folder(id).join(id.to_string())
    }

    /// The folder that a finished blob is in.
    fn folder(&self, id: &BlobId) -> PathBuf {
        self.root.join(shard(id.as_bytes()[0]))
    }

    fn draft_path(&self, id: &BlobId) -> PathBuf {
        self.drafts.join(id.to_string())
    }

    async fn wait_for(&self, permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, BlobError> {
        match tokio::time::timeout(self.patience, Arc::clone(permits).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(BlobError::Busy),
        }
    }

    /// Runs blocking work when there is a thread for it. If the future is dropped while the work runs, the work runs to
    /// its end and what it gives is dropped.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let permit = self.wait_for(&self.workers).await?;
        // The permit is given back with the outcome, when the thread is about to be idle: given back by the work itself,
        // it would let others in while the thread is still busy, and they would make another one.
        let (outcome, _permit) = joined(tokio::task::spawn_blocking(move || Ok((work(), permit)))).await?;
        outcome
    }

    /// Begins blocking work when there is a thread for it.
    async fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
    ) -> Result<JoinHandle<Result<T, BlobError>>, BlobError> {
        let permit = self.wait_for(&self.workers).await?;
        Ok(tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        }))
    }
}

async fn joined<T>(work: JoinHandle<Result<T, BlobError>>) -> Result<T, BlobError> {
    work.await.unwrap_or_else(|error| Err(BlobError::io("run work on blobs", io::Error::other(error))))
}

pub(crate) fn shard(first_byte: u8) -> String {
    format!("{first_byte:02x}")
}

/// Removes a file; one that is not there is not an error.
pub(crate) fn remove(path: &Path) -> Result<(), BlobError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Flushes the entries of a folder.
pub(crate) fn sync_folder(path: &Path) -> Result<(), BlobError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(failed("flush", path))
}

pub(crate) fn failed(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> BlobError {
    move |error| BlobError::io(format!("{doing} {}", path.display()), error)
}

/// The layout file, locked.
struct Layout {
    file: File,
    has_segments: bool,
}

/// Makes the folders; gives the layout file, locked as `lock` does.
fn prepare(root: &Path, lock: &dyn Fn(&File) -> Result<(), fs::TryLockError>) -> Result<Layout, BlobError> {
    let is_new = !root.exists();
    fs::create_dir_all(root).map_err(failed("make", root))?;
    let path = root.join("layout");
    let mut options = File::options();
    let file =
        options.read(true).write(true).create(true).truncate(false).open(&path).map_err(failed("open", &path))?;
    let locked = |outcome: Result<(), fs::TryLockError>| match outcome {
        Ok(()) => Ok(()),
        Err(fs::TryLockError::WouldBlock) => Err(BlobError::InUse(root.to_owned())),
        Err(fs::TryLockError::Error(error)) => Err(failed("lock", &path)(error)),
    };
    locked(lock(&file))?;
    let mut found = Vec::new();
    (&file).take(64).read_to_end(&mut found).map_err(failed("read", &path))?;
    if !found.is_empty() && found != LAYOUT && found != LAYOUT_1 {
        return Err(BlobError::UnknownLayout(root.to_owned()));
    }

    for name in (0..=u8::MAX).map(shard).chain(["tmp".to_owned(), "active".to_owned()]) {
        let folder = root.join(name);
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed("make", &folder)(error)),
            _ => {}
        }
    }
    sync_folder(root)?;
    // Also when a process ended between making the folder and this.
    if let (true, Some(parent)) =
        (is_new || found.is_empty(), root.canonicalize().ok().as_deref().and_then(Path::parent))
    {
        sync_folder(parent)?;
    }
    // Another process may be of a program that reads only layout 1.
    let is_alone = found != LAYOUT_1 || file.try_lock().is_ok();
    if found != LAYOUT && is_alone {
        // In place, as the lock is the file's: one byte of layout 1 changes.
        file.write_all_at(LAYOUT, 0).and_then(|()| file.sync_all()).map_err(failed("write", &path))?;
    }
    if found == LAYOUT_1 {
        locked(lock(&file))?;
    }
    Ok(Layout { file, has_segments: is_alone })
}
