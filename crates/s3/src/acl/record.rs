//! What is stored of an access control list.

use ids::AccountId;
use serde::{Deserialize, Serialize};

/// The grants of a bucket or an object. Its owner is not stored here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acl {
    /// Its grants, in the order given.
    pub grants: Vec<Grant>,
}

impl Acl {
    /// Whether it gives something to everyone, or to every account: what a public access block is about.
    pub(crate) fn is_public(&self) -> bool {
        self.grants.iter().any(|grant| grant.grantee.is_public())
    }
}

impl Grant {
    /// All that can be granted, to an account.
    pub(crate) fn full_control(account: &AccountId) -> Self {
        Self { grantee: Grantee::Account(account.clone()), permission: Permission::FullControl }
    }
}

impl Grantee {
    /// Whether it is everyone, or everyone with an account.
    pub(crate) fn is_public(&self) -> bool {
        matches!(self, Self::Everyone | Self::Authenticated)
    }
}

impl Permission {
    /// What S3 calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FullControl => "FULL_CONTROL",
            Self::Write => "WRITE",
            Self::WriteAcp => "WRITE_ACP",
            Self::Read => "READ",
            Self::ReadAcp => "READ_ACP",
        }
    }

    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::FullControl, Self::Write, Self::WriteAcp, Self::Read, Self::ReadAcp]
            .into_iter()
            .find(|one| one.name() == name)
    }
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
    /// The service that makes instances of images: the canned list `aws-exec-read`.
    Ec2,
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
    /// Nothing is said any more: as [`Ownership::ObjectWriter`].
    Unsaid,
}

impl Ownership {
    /// What S3 calls it; none if nothing is said.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::BucketOwnerEnforced => Some("BucketOwnerEnforced"),
            Self::BucketOwnerPreferred => Some("BucketOwnerPreferred"),
            Self::ObjectWriter => Some("ObjectWriter"),
            Self::Unsaid => None,
        }
    }

    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::BucketOwnerEnforced, Self::BucketOwnerPreferred, Self::ObjectWriter]
            .into_iter()
            .find(|one| one.name() == Some(name))
    }

    /// Whether access control lists say anything.
    pub(crate) fn has_lists(self) -> bool {
        self != Self::BucketOwnerEnforced
    }

    /// Whether it is what buckets have of which nothing was said.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
