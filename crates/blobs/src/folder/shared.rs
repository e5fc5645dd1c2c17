//! `tmp/` where several processes use one folder: each writes into a folder of its own in it, and holds that one's lock,
//! which the kernel gives back however the process ends.

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
