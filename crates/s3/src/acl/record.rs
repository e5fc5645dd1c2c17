//! What is stored of an access control list.

use ids::AccountId;
use serde::{Deserialize, Serialize};

/// The grants of a bucket or an object. Its owner is not stored here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acl {
    /// Its grants, in the order given.
    pub grants: Vec<Grant>,
}

/// One grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// To whom.
    pub grantee: Grantee,
    /// What.
    pub permission: Permission,
}

/// To whom something is granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grantee {
    /// An account.
    Account(AccountId),
    /// Everyone: the group `AllUsers`.
    Everyone,
    /// Every account: the group `AuthenticatedUsers`.
    Authenticated,
    /// Who writes logs: the group `LogDelivery`.
    LogDelivery,
}

/// What is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Permission {
    /// Everything below.
    FullControl,
    /// To put and delete objects of a bucket.
    Write,
    /// To write the list.
    WriteAcp,
    /// To list a bucket, or to get an object.
    Read,
    /// To read the list.
    ReadAcp,
}

/// Who owns the objects of a bucket, and whether lists count there at all.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ownership {
    /// The bucket's owner, and lists don't: the default since April 2023.
    #[default]
    BucketOwnerEnforced,
    /// The bucket's owner, if the writer puts them with `bucket-owner-full-control`.
    BucketOwnerPreferred,
    /// Who writes them.
    ObjectWriter,
}

impl Ownership {
    /// Whether it is what buckets have of which nothing was said.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
