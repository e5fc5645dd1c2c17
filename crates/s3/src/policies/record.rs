//! What is stored of a bucket's policy.

use serde::{Deserialize, Serialize};
use store::{MigrationError, Record};

/// The policy of a bucket, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketPolicyRecord {
    /// The bucket.
    pub bucket: String,
    /// The document, as it was given, but for canonical user ids, in whose place their accounts are.
    pub document: String,
    /// The users and roles that it names, as they are written in it, with their unique ids.
    pub principals: Vec<(String, String)>,
    /// Whether it gives something to everyone, in the sense of the public access block.
    pub is_public: bool,
}

impl Record for BucketPolicyRecord {
    const TABLE: &'static str = "s3/bucket-policy";
    const VERSION: u16 = 2;
    type Key = String;

    fn key(&self) -> String {
        self.bucket.clone()
    }

    /// Version 1 did not know whom it names: it goes on to mean whoever has the name.
    fn migrate(_from: u16, mut value: serde_json::Value) -> Result<serde_json::Value, MigrationError> {
        let fields = value.as_object_mut().ok_or_else(|| MigrationError("not an object".to_owned()))?;
        fields.insert("principals".to_owned(), serde_json::Value::Array(Vec::new()));
        Ok(value)
    }
}
