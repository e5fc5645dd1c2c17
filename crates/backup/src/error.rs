//! Why a backup could not be made or read.

use std::io;

use blobs::BlobError;
use store::StoreError;

use crate::format::FORMAT;

/// Why a backup could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The bytes don't begin as a backup does.
    #[error("it is not a backup of Welkin")]
    Foreign,
    /// It is a backup in a format that this program doesn't know.
    #[error(
        "it is a backup in format {0}; this Welkin reads formats up to {FORMAT}: use the Welkin that made it, or a later one"
    )]
    Newer(u16),
    /// It ends before its end.
    #[error("it was cut off: it ends at byte {0}, in the middle")]
    CutOff(u64),
    /// Something in it isn't what was written.
    #[error("it is damaged at byte {at}: {what}")]
    Damaged {
        /// Where the damaged part begins.
        at: u64,
        /// What doesn't fit.
        what: &'static str,
    },
    /// Whoever made it could not go on, and said why.
    #[error("the region could not complete it: {0}")]
    Abandoned(String),
    /// It can't be read.
    #[error("it cannot be read")]
    Read(#[source] io::Error),
    /// It can't be written.
    #[error("it cannot be written")]
    Write(#[source] io::Error),
    /// A file of the data folder can't be read, or is too large for what it is.
    #[error("cannot read {name} of the data folder")]
    File {
        /// Its name.
        name: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The store can't be read.
    #[error("the store cannot be read")]
    Store(#[from] StoreError),
    /// The blobs can't be read, for a reason that isn't one blob's.
    #[error("the blobs cannot be read")]
    Blobs(#[source] BlobError),
}
