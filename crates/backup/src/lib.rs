//! Backups: one snapshot of a store and the blobs that it names, with the audit trail, in one file that says when it is
//! damaged.
//!
//! [`write`] makes one while the store and the blobs are in use; [`Reader`] gives back what is in it. `format` says how
//! the bytes lie.
//! Not here: which records name blobs, what the files of a trail are, where a data folder keeps what, disks of machines, encryption.
#![forbid(unsafe_code)]

mod contents;
mod error;
mod format;
mod make;
mod read;
#[cfg(test)]
mod tests;

pub use contents::{Item, Manifest, Summary, TrailFile};
pub use error::BackupError;
pub use format::FORMAT;
pub use make::{BlobNames, Source, TrailFiles, write};
pub use read::Reader;
