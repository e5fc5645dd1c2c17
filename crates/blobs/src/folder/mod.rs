//! Blobs in a local folder, one file a blob. The bytes within a file are `format.rs`'s business.
//!
//! ```text
//! layout   "welkin-blobs 1"; locked by the process that uses the folder
//! tmp/     files being written, named by their blobs' ids; whatever is here when the folder is opened is rubbish, but
//!          for the folders in it of processes that share the blobs: each locks its own
//! holds/   a locked file for each hold of a process that has others beside it
//! 00/…ff/  finished blobs: 0f/0f…, by the first byte of the id; never changed, only deleted
//! ```
//!
//! A blob is written to `tmp/`, its data is flushed, it is renamed, and the folder it is now in is flushed: two
//! flushes a blob. The 256 folders are made when the store is opened, so that no upload pays for a new folder and its
//! parents. Kill the process anywhere, and there is a whole blob or a file in `tmp/`.
//!
//! No thread waits for a client: an upload takes one of the runtime's blocking threads for each 256 KiB that have
//! arrived, a reader for each 256 KiB that are wanted.

mod import;
mod read;
mod shared;
#[cfg(test)]
mod tests;
mod write;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::hold::Holds;
use crate::{BlobError, BlobHold, BlobId, BlobListed, BlobReader, BlobStore, BlobWritten, ByteSource, DigestKind};

pub use import::Import;

const LAYOUT: &[u8] = b"welkin-blobs 1\n";

/// How much a [`FolderBlobs`] does at once. Whoever comes later waits.
#[derive(Debug, Clone)]
pub struct FolderLimits {
    /// Uploads; each holds at most 512 KiB.
    pub uploads: usize,
    /// Open readers; each holds at most 256 KiB.
    pub readers: usize,
    /// Blocking threads. Each keeps some 100 KB of what it has freed as long as it is there.
    pub workers: usize,
    /// How long to wait for one of these before [`BlobError::Busy`].
    pub patience: Duration,
}

impl Default for FolderLimits {
    fn default() -> Self {
        Self { uploads: 256, readers: 1024, workers: 16, patience: Duration::from_secs(20) }
    }
}

/// Keeps blobs in a local folder.
pub struct FolderBlobs {
    shared: Arc<Shared>,
}

struct Shared {
    root: PathBuf,
    uploads: Arc<Semaphore>,
    readers: Arc<Semaphore>,
    workers: Arc<Semaphore>,
    patience: Duration,
    holds: Holds,
    /// Whether other processes use the folder too.
    has_others: bool,
    /// Where blobs are while they are written.
    drafts: PathBuf,
    /// Held locked for as long as anything of this store is alive.
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
        Ok(Self::new(root, drafts, vec![layout], false, limits))
    }

    /// Opens a folder that other processes use too, all of them by this function. Each deletes what it left itself, and
    /// what those left that have ended. Errors: as [`FolderBlobs::open`].
    pub fn open_shared(folder: impl Into<PathBuf>, limits: FolderLimits) -> Result<Self, BlobError> {
        let root = folder.into();
        let layout = prepare(&root, &File::try_lock_shared)?;
        let tmp = root.join("tmp");
        shared::sweep(&tmp)?;
        let (drafts, lock) = shared::own_folder(&tmp)?;
        Ok(Self::new(root, drafts, vec![layout, lock], true, limits))
    }

    fn new(root: PathBuf, drafts: PathBuf, locks: Vec<File>, has_others: bool, limits: FolderLimits) -> Self {
        let shared = Shared {
            root,
            drafts,
            uploads: Arc::new(Semaphore::new(limits.uploads)),
            readers: Arc::new(Semaphore::new(limits.readers)),
            workers: Arc::new(Semaphore::new(limits.workers)),
            patience: limits.patience,
            holds: Holds::default(),
            has_others,
            _locks: locks,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Begins to write a blob under the id that it had in another store. Blocks on the disk, and flushes nothing:
    /// whoever fills a folder flushes its file system once, before the folder is used.
    pub fn import(&self, id: BlobId) -> Import {
        Import::new(Arc::clone(&self.shared), id)
    }
}

#[async_trait]
impl BlobStore for FolderBlobs {
    async fn put(&self, source: ByteSource, limit: u64, digests: &[DigestKind]) -> Result<BlobWritten, BlobError> {
        let _slot = self.shared.wait_for(&self.shared.uploads).await?;
        write::put(&self.shared, source, limit, digests).await
    }

    async fn open(&self, id: &BlobId, range: Option<Range<u64>>) -> Result<BlobReader, BlobError> {
        let slot = self.shared.wait_for(&self.shared.readers).await?;
        read::open(&self.shared, *id, range, slot).await
    }

    async fn delete(&self, id: &BlobId) -> Result<(), BlobError> {
        if self.shared.holds.defer(id)? {
            return Ok(());
        }
        let (path, shared) = (self.shared.path(id), Arc::clone(&self.shared));
        self.shared
            .blocking(move || {
                if shared.has_others && shared::is_held(&shared.root)? {
                    return Err(BlobError::Held);
                }
                remove(&path)
            })
            .await
    }

    async fn list(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobListed>, BlobError> {
        let root = self.shared.root.clone();
        self.shared.blocking(move || read::list(&root, after, limit)).await
    }

    fn hold(&self) -> Result<BlobHold, BlobError> {
        let shown = if self.shared.has_others { Some(shared::show_hold(&self.shared.root)?) } else { None };
        self.shared.holds.begin();
        let shared = Arc::clone(&self.shared);
        Ok(BlobHold::new(move || {
            drop(shown);
            for id in shared.holds.end() {
                // What cannot be removed is a blob that no record names.
                let _ = remove(&shared.path(&id));
            }
        }))
    }
}

impl Shared {
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
}

async fn joined<T>(work: tokio::task::JoinHandle<Result<T, BlobError>>) -> Result<T, BlobError> {
    work.await.unwrap_or_else(|error| Err(BlobError::io("run work on blobs", io::Error::other(error))))
}

fn shard(first_byte: u8) -> String {
    format!("{first_byte:02x}")
}

/// Removes a file; one that is not there is not an error.
fn remove(path: &Path) -> Result<(), BlobError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Flushes the entries of a folder.
fn sync_folder(path: &Path) -> Result<(), BlobError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(failed("flush", path))
}

fn failed(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> BlobError {
    move |error| BlobError::io(format!("{doing} {}", path.display()), error)
}

/// Makes the folders; gives the layout file, locked as `lock` does.
fn prepare(root: &Path, lock: &dyn Fn(&File) -> Result<(), fs::TryLockError>) -> Result<File, BlobError> {
    let is_new = !root.exists();
    fs::create_dir_all(root).map_err(failed("make", root))?;
    let layout_path = root.join("layout");
    let mut options = File::options();
    let mut layout = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&layout_path)
        .map_err(failed("open", &layout_path))?;
    match lock(&layout) {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Err(BlobError::InUse(root.to_owned())),
        Err(fs::TryLockError::Error(error)) => return Err(failed("lock", &layout_path)(error)),
    }
    let mut found = Vec::new();
    (&layout).take(64).read_to_end(&mut found).map_err(failed("read", &layout_path))?;
    if found.is_empty() {
        layout.write_all(LAYOUT).and_then(|()| layout.sync_all()).map_err(failed("write", &layout_path))?;
    } else if found != LAYOUT {
        return Err(BlobError::UnknownLayout(root.to_owned()));
    }

    for name in (0..=u8::MAX).map(shard).chain(["tmp".to_owned()]) {
        let folder = root.join(name);
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed("make", &folder)(error)),
            _ => {}
        }
    }
    sync_folder(root)?;
    if let (true, Some(parent)) = (is_new, root.canonicalize().ok().as_deref().and_then(Path::parent)) {
        sync_folder(parent)?;
    }
    Ok(layout)
}
