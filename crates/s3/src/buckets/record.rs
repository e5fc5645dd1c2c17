//! What is stored of a bucket, and how one is found.

use ids::{AccountId, Arn};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use service::Cx;
use store::{IndexEntry, Record, View};

use super::names::is_bucket_name;
use crate::S3Error;
use crate::acl::{Acl, Ownership};
use crate::encryption::BucketEncryption;
use crate::lock::BucketLock;

/// A bucket, as stored. Names are unique among all accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketRecord {
    /// Its name.
    pub name: String,
    /// The account that made it.
    pub owner: AccountId,
    /// Where it is.
    pub region: String,
    /// When it was made.
    pub created: Timestamp,
    /// Whether its objects have versions.
    #[serde(default, skip_serializing_if = "Versioning::is_never")]
    pub versioning: Versioning,
    /// Who owns its objects.
    #[serde(default, skip_serializing_if = "Ownership::is_default")]
    pub ownership: Ownership,
    /// Its access control list; none for the private one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acl: Option<Acl>,
    /// Its object lock, if its objects can be locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<BucketLock>,
    /// How its objects are encrypted; none for the default of S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<BucketEncryption>,
    /// Whether those of other accounts pay for what they ask for.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_requester_pays: bool,
    /// Whether its tags decide who may do what with it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_abac: bool,
    /// Whether it has rules for the lives of its objects.
    #[serde(default, skip_serializing_if = "is_false")]
    pub has_lifecycle: bool,
}

fn is_false(is_so: &bool) -> bool {
    !is_so
}

/// Whether the objects of a bucket have versions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Versioning {
    /// They never had.
    #[default]
    Never,
    /// Every change makes one.
    Enabled,
    /// No more; those that there are stay.
    Suspended,
}

impl Versioning {
    fn is_never(&self) -> bool {
        *self == Self::Never
    }
}

impl BucketRecord {
    /// The index by owner and name.
    pub(crate) const BY_OWNER: &'static str = "owner";

    /// A bucket as it is when nothing was said of it.
    pub(crate) fn new(name: &str, owner: AccountId, region: &str, created: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            owner,
            region: region.to_owned(),
            created,
            versioning: Versioning::Never,
            ownership: Ownership::default(),
            acl: None,
            lock: None,
            encryption: None,
            is_requester_pays: false,
            is_abac: false,
            has_lifecycle: false,
        }
    }

    /// The id of a version that was just written, as answers show it: only where every change makes one, as it is always
    /// `null` otherwise.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html> (`x-amz-version-id`).
    pub(crate) fn made_version(&self, id: &str) -> Option<String> {
        (self.versioning == Versioning::Enabled).then(|| id.to_owned())
    }

    /// A version id as answers show it: not at all where there never were versions.
    pub(crate) fn shown_version(&self, id: &str) -> Option<String> {
        (self.versioning != Versioning::Never).then(|| id.to_owned())
    }
}

impl Record for BucketRecord {
    const TABLE: &'static str = "s3/bucket";
    const VERSION: u16 = 1;
    type Key = String;
    const INDEXES: &'static [&'static str] = &[Self::BY_OWNER];

    fn key(&self) -> String {
        self.name.clone()
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new(Self::BY_OWNER, (&self.owner, &self.name))]
    }
}

/// The ARN of a bucket. Source:
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>.
pub(crate) fn bucket_arn(bucket: &str) -> Arn {
    Arn::new("s3", "", "", bucket)
}

/// The ARN of an object.
pub(crate) fn object_arn(bucket: &str, key: &str) -> Arn {
    Arn::new("s3", "", "", &format!("{bucket}/{key}"))
}

/// The bucket `name`, and `expected_owner`'s if that is given. Whether the caller may do anything with it is not asked
/// here.
///
/// # Errors
/// [`S3Error::InvalidBucketName`], [`S3Error::NoSuchBucket`], [`S3Error::InvalidExpectedOwner`], [`S3Error::AccessDenied`].
pub(crate) fn known_bucket(view: &View, name: &str, expected_owner: Option<&str>) -> Result<BucketRecord, S3Error> {
    if !is_bucket_name(name) {
        return Err(S3Error::InvalidBucketName(name.to_owned()));
    }
    let found = view.get::<BucketRecord>(&name.to_owned())?;
    let bucket = found.ok_or_else(|| S3Error::NoSuchBucket(name.to_owned()))?;
    match expected_owner {
        Some(expected) if expected.parse::<AccountId>().is_err() => {
            Err(S3Error::InvalidExpectedOwner(expected.to_owned()))
        }
        Some(expected) if expected != bucket.owner.as_str() => Err(S3Error::AccessDenied),
        _ => Ok(bucket),
    }
}

/// Refuses a method that only those of the owner's account may use, whoever else is allowed to.
///
/// # Errors
/// [`S3Error::MethodNotAllowed`].
pub(crate) fn only_within(
    bucket: &BucketRecord,
    cx: &Cx,
    method: &'static str,
    resource_type: &'static str,
) -> Result<(), S3Error> {
    if cx.call.caller.account.as_ref() == Some(&bucket.owner) {
        return Ok(());
    }
    Err(S3Error::MethodNotAllowed { method, resource_type })
}
