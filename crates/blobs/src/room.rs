//! What uploads leave free of a disk. Deleting needs room too: for the log of the store, and for the copy that takes the
//! place of a segment. On a disk without any nothing could be deleted, so that it would stay full.

use std::path::{Path, PathBuf};

use crate::BlobError;

/// A disk of less than sixteen times what is to be left free: so much of it is.
const SMALL_DISK: u64 = 16;

/// The room of the disk that a folder is on.
pub(crate) struct Room {
    folder: PathBuf,
    spare: u64,
}

impl Room {
    /// `spare` bytes are left free, but not more than the sixteenth part of the disk.
    pub(crate) fn new(folder: &Path, spare: u64) -> Self {
        Self { folder: folder.to_owned(), spare }
    }

    /// [`BlobError::NoSpace`] when no more is to be written. Takes a microsecond or two.
    pub(crate) fn require(&self) -> Result<(), BlobError> {
        // What can't be asked will be told by the write.
        let Ok(facts) = rustix::fs::statvfs(&self.folder) else { return Ok(()) };
        let bytes = |blocks: u64| blocks.saturating_mul(facts.f_frsize);
        if bytes(facts.f_bavail) < self.spare.min(bytes(facts.f_blocks) / SMALL_DISK) {
            return Err(BlobError::NoSpace);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Room;
    use crate::BlobError;

    #[test]
    fn a_disk_has_room_up_to_what_is_spared() {
        let folder = tempfile::tempdir().unwrap();
        let facts = rustix::fs::statvfs(folder.path()).unwrap();
        assert!(Room::new(folder.path(), 0).require().is_ok());
        let is_nearly_full = facts.f_bavail < facts.f_blocks / 16;
        assert_eq!(Room::new(folder.path(), u64::MAX).require().is_err(), is_nearly_full);
        assert!(Room::new(&folder.path().join("none"), u64::MAX).require().is_ok(), "the write will tell");
        assert!(!matches!(Room::new(folder.path(), 1).require(), Err(BlobError::NoSpace)), "a test needs a disk");
    }
}
