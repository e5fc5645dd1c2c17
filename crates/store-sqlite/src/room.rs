//! Whether the disk has room. SQLite says so of a full disk, but calls a quota, a limit on the size of files, and a full
//! disk that it notices while flushing, an input or output error.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::ErrorCode;
use store::StoreError;

use crate::error::store_error;

/// Bytes without which nothing can be committed: a few pages of the log and of its index.
const NEEDED: usize = 64 * 1024;
/// The file that is written to find out.
const TRIAL: &str = "room";
/// How often a full disk is spoken of while it stays full.
const REPEAT: Duration = Duration::from_secs(60);

/// What is known of the disk that the store is on.
pub(crate) struct Room {
    folder: PathBuf,
    /// When the log was told that there is none.
    told: Option<Instant>,
    is_full: bool,
}

impl Room {
    /// Of the disk of a store's file.
    pub(crate) fn of(file: &Path) -> Self {
        let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
        // Of a process that ended while it tried.
        let _ = fs::remove_file(folder.join(TRIAL));
        Self { folder, told: None, is_full: false }
    }

    /// The error of a commit: a full disk where that is the cause.
    pub(crate) fn error(&self, doing: &'static str, error: rusqlite::Error) -> StoreError {
        let is_io = error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure);
        if is_io && self.has_none() { StoreError::Full } else { store_error(doing, error) }
    }

    /// A commit failed for want of room. The log is told, but not again for every commit.
    pub(crate) fn tell_full(&mut self) {
        self.is_full = true;
        if self.told.is_none_or(|told| told.elapsed() >= REPEAT) {
            self.told = Some(Instant::now());
            tracing::error!(
                folder = %self.folder.display(),
                "the disk is full: writes are refused and reads go on; free space on this disk, and writes succeed again by themselves"
            );
        }
    }

    /// A commit succeeded.
    pub(crate) fn tell_room(&mut self) {
        if std::mem::take(&mut self.is_full) {
            tracing::info!(folder = %self.folder.display(), "there is room on the disk again: writes succeed");
        }
    }

    /// Tries to write where the store's files end: there a limit on the size of files is felt too.
    fn has_none(&self) -> bool {
        let size = |name: &str| fs::metadata(self.folder.join(name)).map_or(0, |metadata| metadata.len());
        let end = size("store.db").max(size("store.db-wal"));
        let path = self.folder.join(TRIAL);
        let tried =
            File::create(&path).and_then(|file| file.write_all_at(&[0; NEEDED], end).and_then(|()| file.sync_data()));
        // What stays is written over by the next try.
        let _ = fs::remove_file(&path);
        tried.is_err_and(|error| {
            use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
            matches!(error.kind(), FileTooLarge | QuotaExceeded | StorageFull)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Room, TRIAL};

    #[test]
    fn nothing_stays_of_a_trial() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(TRIAL);
        std::fs::write(&left, "of a process that was killed").unwrap();
        let room = Room::of(&folder.path().join("store.db"));
        assert!(!left.exists());
        assert!(!room.has_none());
        assert!(!left.exists());
    }
}
