//! What a backup consists of.

use std::path::PathBuf;

use blobs::BlobId;
use serde::{Deserialize, Serialize};
use store::Pair;

/// What a backup says of itself before anything else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of Welkin that made it.
    pub welkin: String,
    /// When, as RFC 3339 writes times.
    pub made_at: String,
    /// The region's name.
    pub region: String,
    /// The last commit that is in it.
    pub version: u64,
}

/// What a backup says of itself at its end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Keys of the store.
    pub pairs: u64,
    /// Files of the data folder.
    pub files: u64,
    /// Whole blobs.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Whole files of the audit trail.
    #[serde(default)]
    pub trail_files: u64,
    /// Their bytes.
    #[serde(default)]
    pub trail_bytes: u64,
    /// Files of the audit trail that could not be read whole, so that they are not in it.
    #[serde(default)]
    pub lost_trail_files: u64,
    /// Blobs that are named but could not be read whole, so that they are not in it.
    pub lost: Vec<BlobId>,
}

/// A file of the audit trail, as far as it is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailFile {
    /// Its name in the trail's folder, with slashes.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// How many of its bytes are copied: it may grow meanwhile.
    pub length: u64,
}

/// A part of a backup, in the order in which they come: files, pairs, then each blob followed by its bytes, then each
/// file of the audit trail followed by its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A small file of the data folder.
    File {
        /// Its name in the folder: one part, without a slash.
        name: String,
        /// What is in it.
        bytes: Vec<u8>,
    },
    /// Keys with their values, in ascending order. Few enough, and small enough together, for one transaction.
    Pairs(Vec<Pair>),
    /// A blob begins, whose bytes follow.
    Blob {
        /// Its id.
        id: BlobId,
        /// How many bytes it has.
        length: u64,
    },
    /// A file of the audit trail begins, whose bytes follow.
    TrailFile {
        /// Its name in the trail's folder. Who writes it checks that it is one.
        name: String,
        /// How many bytes it has.
        length: u64,
    },
    /// The next bytes of the blob or the file.
    Bytes(Vec<u8>),
    /// The blob or the file is complete.
    BlobEnd,
    /// Its other bytes could not be read. What came of it is worth nothing.
    BlobLost,
    /// The end. Everything that it counts has come.
    End(Summary),
}
