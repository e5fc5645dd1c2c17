//! What is stored of a multipart upload, and of its parts, which are also those of the object that it becomes.

use blobs::BlobId;
use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::Record;

use crate::objects::{ChecksumKind, ObjectTraits, StoredChecksum};

/// An upload that was begun and neither completed nor aborted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadRecord {
    /// The bucket.
    pub bucket: String,
    /// The key that the object will have.
    pub key: String,
    /// Its id. Ids of one key sort by the time when they were begun.
    pub id: String,
    /// When it was begun.
    pub initiated: Timestamp,
    /// The account of who began it.
    pub initiator: AccountId,
    /// The ARN of who began it.
    pub initiator_arn: String,
    /// Which checksum its parts must have; none if the beginning didn't say.
    pub checksum: Option<ChecksumKind>,
    /// Whether the checksum of the object will be one of its parts' checksums instead of one of its bytes.
    pub is_composite: bool,
    /// What the object will be beside its bytes.
    pub traits: ObjectTraits,
}

impl Record for UploadRecord {
    const TABLE: &'static str = "s3/upload";
    const VERSION: u16 = 1;
    type Key = (String, String, String);

    fn key(&self) -> Self::Key {
        (self.bucket.clone(), self.key.clone(), self.id.clone())
    }
}

/// One part. It stays when its upload is completed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRecord {
    /// The upload.
    pub upload: String,
    /// Its number, from 1 to 10,000.
    pub number: u32,
    /// Its bytes; none for an empty part.
    pub blob: Option<BlobId>,
    /// How many bytes it has.
    pub length: u64,
    /// The MD5 of its bytes in hexadecimal.
    pub etag: String,
    /// When it was put.
    pub last_modified: Timestamp,
    /// Its checksum.
    pub checksum: StoredChecksum,
}

impl Record for PartRecord {
    const TABLE: &'static str = "s3/part";
    const VERSION: u16 = 1;
    type Key = (String, u32);

    fn key(&self) -> Self::Key {
        (self.upload.clone(), self.number)
    }
}
