//! One owner a folder: an advisory lock that the kernel gives back when its process ends, however it ends.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::error::OpenError;

/// Held as long as the store is open.
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Makes the folder where it is missing, for its owner only, and locks it.
    pub(crate) fn take(folder: &Path) -> Result<Self, OpenError> {
        let refused = |cause: io::Error| OpenError::Folder { folder: folder.to_owned(), cause };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(refused)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join("lock"))
            .map_err(refused)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let pid = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
                return Err(OpenError::InUse { folder: folder.to_owned(), pid });
            }
            Err(TryLockError::Error(cause)) => return Err(refused(cause)),
        }
        // Only whoever is refused later reads it; on a full disk it is left as it was.
        let _ = file.rewind().and_then(|()| writeln!(file, "{:<10}", std::process::id()));
        Ok(Self { _file: file })
    }
}
