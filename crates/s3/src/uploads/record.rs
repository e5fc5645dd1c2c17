//! What is stored of a multipart upload, of its parts, and of how the parts of a completed one follow each other. The
//! parts of an upload are also those of the object that it becomes: completing moves no bytes.

use blobs::BlobId;
use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Record, View};

use super::error::UploadError;
use crate::S3Error;
use crate::encryption::Encryption;
use crate::objects::{ChecksumKind, Content, ObjectTraits, StoredChecksum};

/// The most parts of an upload, and the highest number of one.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>.
pub(crate) const MAX_PARTS: usize = 10_000;

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
    /// What its key had when it was begun.
    #[serde(default, skip_serializing_if = "Before::is_unknown")]
    pub before: Before,
    /// What the object will be beside its bytes.
    pub traits: ObjectTraits,
}

/// What a key had when an upload to it was begun, so that a condition on its end can tell what came in between.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    /// It was begun before anybody asked.
    #[default]
    Unknown,
    /// No object.
    Nothing,
    /// An object with these bytes.
    Object(Content),
}

impl Before {
    fn is_unknown(&self) -> bool {
        *self == Self::Unknown
    }
}

impl UploadRecord {
    /// The checksum that each of its parts is kept with.
    pub(crate) fn kind(&self) -> ChecksumKind {
        self.checksum.unwrap_or(ChecksumKind::DEFAULT)
    }

    /// Its checksum's type, as in `x-amz-checksum-type`.
    pub(crate) fn type_name(&self) -> &'static str {
        if self.is_composite { "COMPOSITE" } else { "FULL_OBJECT" }
    }
}

impl Record for UploadRecord {
    const TABLE: &'static str = "s3/upload";
    const VERSION: u16 = 1;
    type Key = (String, String, String);

    fn key(&self) -> Self::Key {
        (self.bucket.clone(), self.key.clone(), self.id.clone())
    }
}

/// The upload of this id under this key.
///
/// # Errors
/// [`UploadError::NoSuchUpload`], also for one that was completed or aborted; the store's.
pub(crate) fn known_upload(view: &View, bucket: &str, key: &str, id: &str) -> Result<UploadRecord, S3Error> {
    let found = view.get::<UploadRecord>(&(bucket.to_owned(), key.to_owned(), id.to_owned()))?;
    found.ok_or_else(|| UploadError::NoSuchUpload(id.to_owned()).into())
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
    /// How its bytes are encrypted.
    #[serde(default, skip_serializing_if = "Encryption::is_none")]
    pub encryption: Encryption,
}

impl PartRecord {
    /// The entity tag in quotes, as headers have it.
    pub(crate) fn quoted_etag(&self) -> String {
        format!("\"{}\"", self.etag)
    }
}

impl Record for PartRecord {
    const TABLE: &'static str = "s3/part";
    const VERSION: u16 = 1;
    type Key = (String, u32);

    fn key(&self) -> Self::Key {
        (self.upload.clone(), self.number)
    }
}

/// Which parts of a completed upload are the bytes of its object, and how long they are, so that a range is found
/// without reading the parts before it. Parts that are not among them are spare: they are being deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssemblyRecord {
    /// The upload.
    pub upload: String,
    /// Its parts, by their numbers.
    pub runs: Vec<Run>,
    /// Bucket and key of the object that it became, also when that is gone and its parts are not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub became: Option<(String, String)>,
}

/// Parts whose numbers follow each other and whose lengths are the same: most uploads are one run and their last part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The number of the first.
    pub first: u32,
    /// How many there are.
    pub count: u32,
    /// How many bytes each of them has.
    pub length: u64,
}

impl Record for AssemblyRecord {
    const TABLE: &'static str = "s3/assembly";
    const VERSION: u16 = 1;
    type Key = String;

    fn key(&self) -> String {
        self.upload.clone()
    }
}

/// That somebody has been reading the parts of an upload for a while: they are not taken away before its end, even if
/// nothing names them any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// The upload.
    pub upload: String,
    /// Until when, if nobody renews it.
    pub until: Timestamp,
}

impl Record for LeaseRecord {
    const TABLE: &'static str = "s3/lease";
    const VERSION: u16 = 1;
    type Key = String;

    fn key(&self) -> String {
        self.upload.clone()
    }
}
