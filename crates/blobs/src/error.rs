//! Why bytes could not be kept or given.

use std::io;
use std::path::PathBuf;

use crate::BlobId;

/// Whatever went wrong in the caller's own stream of bytes; the caller can downcast it to find its own error again.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// Why an operation on blobs did not happen.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no blob of this id.
    #[error("blob {0} does not exist")]
    NotFound(BlobId),
    /// What is stored is not what was written. None of the wrong bytes were given out.
    #[error("blob {id} is damaged: {detail}")]
    Corrupt {
        /// The blob.
        id: BlobId,
        /// What does not fit, for the log.
        detail: String,
    },
    /// The blob is sound, but of a format that this version does not read.
    #[error("blob {id} has format {version}, which this version does not read")]
    Unsupported {
        /// The blob.
        id: BlobId,
        /// Its format.
        version: u16,
    },
    /// The disk, the quota or the size that a file may have is used up.
    #[error("no space left for blobs: free space where the data folder is, and writes succeed again by themselves")]
    NoSpace,
    /// There were more bytes than the caller allows.
    #[error("more than {limit} bytes")]
    TooLarge {
        /// What the caller allows.
        limit: u64,
    },
    /// The range does not lie within the blob.
    #[error("the range is outside of the blob's {blob_length} bytes")]
    OutOfRange {
        /// How many bytes the blob has.
        blob_length: u64,
    },
    /// The caller's stream of bytes gave an error.
    #[error("the source of the bytes failed")]
    Source(#[source] SourceError),
    /// Too much else is going on, and it did not end in time. A later try may succeed.
    #[error("too many transfers at once")]
    Busy,
    /// Another process copies what is there, so that nothing is deleted now. A later try will succeed.
    #[error("another process makes a backup: nothing is deleted until it is done")]
    Held,
    /// Another process, or another store of this process, has the folder open.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The folder holds something else, or blobs in a layout that this version does not know.
    #[error("{} is not a folder of blobs that this version can use", .0.display())]
    UnknownLayout(PathBuf),
    /// The operating system failed.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl BlobError {
    /// The error for what the system said: [`BlobError::NoSpace`] or [`BlobError::Io`].
    pub fn io(doing: impl Into<String>, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Self::NoSpace,
            _ => Self::Io { doing: doing.into(), source },
        }
    }

    pub(crate) fn corrupt(id: BlobId, detail: impl Into<String>) -> Self {
        Self::Corrupt { id, detail: detail.into() }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::BlobError;

    #[test]
    fn a_full_disk_quota_or_file_is_no_space() {
        for (number, is_no_space) in [(28, true), (122, true), (27, true), (5, false), (13, false)] {
            let error = BlobError::io("write", io::Error::from_raw_os_error(number));
            assert_eq!(matches!(error, BlobError::NoSpace), is_no_space, "errno {number}: {error}");
        }
    }
}
