//! What is stored of an object: its current state under its key, where listings find it. Older versions and delete
//! markers are [`super::VersionRecord`]s, the bytes of parts [`crate::uploads::PartRecord`]s.
//!
//! Every blob that is safe has either a [`BlobRefRecord`] and a record that names it (an object, a version or a part), or
//! a [`GarbageRecord`]; each change writes both sides in one commit. A blob with neither is an upload under way, or what
//! is left of one.

use std::collections::BTreeMap;

use blobs::BlobId;
use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{MigrationError, Record};

use super::checksums::StoredChecksum;
use crate::S3Error;
use crate::acl::Acl;
use crate::encryption::{Encryption, Place};
use crate::error::MAX_KEY_BYTES;
use crate::lock::ObjectLock;

/// The id of the version that an object has whose bucket has never had versions, or has them suspended.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html>.
pub(crate) const NULL_VERSION: &str = "null";

/// An object, as stored: under its key the current one, within a [`super::VersionRecord`] an older one. Keys sort by
/// their UTF-8 bytes, as S3 lists them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRecord {
    /// The bucket it is in.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its version id: [`NULL_VERSION`], or 32 characters.
    pub version: String,
    /// Its place among the versions of its key: nanoseconds since 1970, but always more than those before it.
    pub order: u64,
    /// Its bytes.
    pub content: Content,
    /// How many bytes it has.
    pub length: u64,
    /// The entity tag, without quotes.
    pub etag: String,
    /// When it was put, in whole seconds, as HTTP dates have them.
    pub last_modified: Timestamp,
    /// The checksum; none only if several parts were put without one.
    pub checksum: Option<StoredChecksum>,
    /// What was said of it beside its bytes.
    pub traits: ObjectTraits,
    /// Until when it can be read although its storage class is an archive; none if it was never restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_until: Option<Timestamp>,
}

/// Where the bytes of an object are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// There are none.
    Empty,
    /// In one blob.
    Blob(BlobId),
    /// In the parts of this upload, one after the other by their numbers.
    Parts(String),
}

impl Content {
    /// The content that is all in `blob`; none for no bytes.
    pub(crate) fn of(blob: Option<BlobId>) -> Self {
        blob.map_or(Self::Empty, Self::Blob)
    }
}

/// What is said of an object beside its bytes, when it is put or its upload begun.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectTraits {
    /// The headers that come back with it.
    pub headers: ObjectHeaders,
    /// The user metadata: names in lower case, without `x-amz-meta-`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// The storage class.
    pub storage_class: String,
    /// Who owns it; none if whoever owns the bucket does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<AccountId>,
    /// Its access control list; none for the private one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acl: Option<Acl>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// How its bytes are encrypted.
    #[serde(default, skip_serializing_if = "Encryption::is_none")]
    pub encryption: Encryption,
    /// What keeps it from being deleted.
    #[serde(default, skip_serializing_if = "ObjectLock::is_none")]
    pub lock: ObjectLock,
    /// Where a website sends who asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<String>,
}

/// The headers of an object that S3 keeps and gives back as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectHeaders {
    /// `Content-Type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// `Content-Encoding`, without `aws-chunked`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// `Content-Disposition`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    /// `Content-Language`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    /// `Cache-Control`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    /// `Expires`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

impl Record for ObjectRecord {
    const TABLE: &'static str = "s3/object";
    const VERSION: u16 = 2;
    type Key = (String, String);

    fn key(&self) -> Self::Key {
        (self.bucket.clone(), self.key.clone())
    }

    /// Version 1 knew neither versions nor parts.
    fn migrate(_from: u16, mut value: Value) -> Result<Value, MigrationError> {
        let blob = value["blob"].take();
        value["content"] = if blob.is_null() { json!("empty") } else { json!({ "blob": blob }) };
        value["version"] = json!(NULL_VERSION);
        value["order"] = json!(0);
        let traits = json!({
            "headers": value["headers"].take(),
            "metadata": value["metadata"].take(),
            "storage_class": value["storage_class"].take(),
        });
        value["traits"] = traits;
        Ok(value)
    }
}

impl ObjectRecord {
    /// The entity tag in quotes, as headers have it.
    pub(crate) fn quoted_etag(&self) -> String {
        format!("\"{}\"", self.etag)
    }

    /// Where the key of its bytes opens.
    pub(crate) fn place(&self) -> Place<'_> {
        Place { bucket: &self.bucket, key: &self.key }
    }
}

/// Refuses keys that S3 refuses.
pub(crate) fn check_key(key: &str) -> Result<(), S3Error> {
    if key.len() > MAX_KEY_BYTES { Err(S3Error::KeyTooLong(key.len())) } else { Ok(()) }
}
