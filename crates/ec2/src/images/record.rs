//! Machine images, as stored.

use std::path::PathBuf;

use ids::{AccountId, ImageId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::Record;

/// A machine image. All accounts see the public ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// Its id.
    pub id: ImageId,
    /// The account it belongs to; none for the region's own images, whose owner is shown as twelve zeros.
    pub owner: Option<AccountId>,
    /// Its name, unique among its owner's images.
    pub name: String,
    /// What it is.
    pub description: String,
    /// `x86_64`.
    pub architecture: String,
    /// When it was registered.
    pub created: Timestamp,
    /// Whether every account may launch it.
    pub is_public: bool,
    /// Its bytes.
    pub source: ImageSource,
}

/// Where the bytes of an image are: files of a folder on the node, made by `welkin image build`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageSource {
    /// Kernel to boot directly, if it has one.
    pub kernel: Option<PathBuf>,
    /// Initial RAM file system, with a kernel.
    pub initrd: Option<PathBuf>,
    /// Kernel command line.
    pub command_line: String,
    /// Root disk (raw).
    pub root: Option<PathBuf>,
    /// Size of a machine's root disk in bytes.
    pub root_bytes: u64,
}

impl Record for ImageRecord {
    const TABLE: &'static str = "ec2/image";
    const VERSION: u16 = 1;
    type Key = ImageId;

    fn key(&self) -> ImageId {
        self.id.clone()
    }
}
