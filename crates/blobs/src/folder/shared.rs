//! `tmp/` where several processes use one folder: each writes into a folder of its own in it, and holds that one's lock,
//! which the kernel gives back however the process ends. And `holds/`, where a process shows the others that it holds.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::{failed, remove};
use crate::{BlobError, BlobId};

/// Tries to make a folder that nobody sweeps away before it is locked.
const TRIES: usize = 16;

/// Removes what processes that have ended left in `tmp/`.
pub(super) fn sweep(tmp: &Path) -> Result<(), BlobError> {
    for entry in fs::read_dir(tmp).map_err(failed("list", tmp))? {
        let entry = entry.map_err(failed("list", tmp))?;
        let path = entry.path();
        if !entry.file_type().map_err(failed("look at", &path))?.is_dir() {
            remove(&path)?;
            continue;
        }
        // One that is gone by now was swept by another process.
        let Ok(folder) = File::open(&path) else { continue };
        match folder.try_lock() {
            Ok(()) => match fs::remove_dir_all(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("remove", &path)(error)),
                _ => {}
            },
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
        }
    }
    Ok(())
}

/// A new folder in `tmp/`, and the lock on it.
pub(super) fn own_folder(tmp: &Path) -> Result<(PathBuf, File), BlobError> {
    for _ in 0..TRIES {
        let path = tmp.join(BlobId::random()?.to_string());
        fs::create_dir(&path).map_err(failed("make", &path))?;
        let Ok(folder) = File::open(&path) else { continue };
        // Between its making and its lock, another process may have taken it for a leftover.
        if folder.try_lock().is_ok() && path.exists() {
            return Ok((path, folder));
        }
    }
    let error = io::Error::other("other processes keep removing it");
    Err(failed("make a folder in", tmp)(error))
}

/// Shows the other processes that nothing is to be deleted, for as long as what this gives is there. `drafts` is this
/// process's own folder: what lies in `tmp/` itself is swept away by whoever opens the blobs.
pub(super) fn show_hold(root: &Path, drafts: &Path) -> Result<ShownHold, BlobError> {
    let (name, holds) = (BlobId::random()?.to_string(), root.join("holds"));
    match fs::create_dir(&holds) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed("make", &holds)(error)),
        _ => {}
    }
    // Locked before the others can see it: one that they see unlocked was left behind.
    let (hidden, path) = (drafts.join(&name), holds.join(&name));
    let file = File::create_new(&hidden).map_err(failed("make", &hidden))?;
    file.lock().map_err(failed("lock", &hidden))?;
    fs::rename(&hidden, &path).map_err(failed("rename", &hidden))?;
    Ok(ShownHold { path, _file: file })
}

/// A hold that other processes see.
pub(super) struct ShownHold {
    path: PathBuf,
    _file: File,
}

impl Drop for ShownHold {
    fn drop(&mut self) {
        // What stays is unlocked, and removed by whoever looks next.
        let _ = remove(&self.path);
    }
}

/// Whether a process shows a hold.
pub(super) fn is_held(root: &Path) -> Result<bool, BlobError> {
    let holds = root.join("holds");
    let entries = match fs::read_dir(&holds) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed("list", &holds)(error)),
    };
    for entry in entries {
        let path = entry.map_err(failed("list", &holds))?.path();
        // One that is gone by now has ended.
        let Ok(file) = File::open(&path) else { continue };
        match file.try_lock_shared() {
            Ok(()) => remove(&path)?,
            Err(TryLockError::WouldBlock) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
        }
    }
    Ok(false)
}
