//! Whose a new object or bucket is, and which list it gets.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>.

use ids::AccountId;
use service::Cx;
use store::View;

use super::error::AclError;
use super::given::{AclHeaders, Reader};
use super::record::{Acl, Grant, Ownership};
use crate::S3Error;
use crate::buckets::{BucketRecord, bucket_arn, object_arn};
use crate::objects::ObjectRecord;
use crate::public_access::Blocked;

/// Whose a new object is and which list it gets: what its traits say of both.
#[derive(Debug, Default)]
pub(crate) struct NewAcl {
    /// Its owner; none if whoever owns the bucket does.
    pub owner: Option<AccountId>,
    /// Its list; none for the private one.
    pub acl: Option<Acl>,
}

/// What becomes of an object's list that the caller puts into a bucket.
///
/// # Errors
/// [`S3Error::InvalidArgument`], [`S3Error::InvalidRequest`], [`AclError`], and [`S3Error::Prevented`] where the bucket
/// blocks public lists.
pub(crate) fn from_headers(
    view: &View,
    cx: &Cx,
    bucket: &BucketRecord,
    key: &str,
    headers: &AclHeaders<'_>,
) -> Result<NewAcl, S3Error> {
    let owner = owner_of_new(cx.call.caller.account.as_ref(), bucket, headers);
    let its_owner = owner.as_ref().unwrap_or(&bucket.owner);
    let reader = Reader::new(view, cx, its_owner, &bucket.owner);
    let acl = reader.headers(headers)?;
    if !bucket.ownership.has_lists() {
        // Older clients say `private` with every object. Where the owner's own account does, it comes to the same.
        let is_private = headers.canned == Some("private") && cx.call.caller.account.as_ref() == Some(&bucket.owner);
        return if is_private || acl.is_none_or(|acl| is_the_owners(&acl, headers, bucket)) {
            Ok(NewAcl::default())
        } else {
            Err(AclError::NotSupported.into())
        };
    }
    if let Some(acl) = &acl {
        refuse_blocked(view, cx, bucket, acl, "s3:PutObjectAcl", Some(key))?;
    }
    Ok(NewAcl { acl: acl.filter(|acl| !is_private(acl, its_owner)), owner })
}

/// Who owns what `writer` puts; none for the bucket's owner. What nobody in particular puts is the bucket owner's too,
/// since nobody could do anything with it else.
fn owner_of_new(writer: Option<&AccountId>, bucket: &BucketRecord, headers: &AclHeaders<'_>) -> Option<AccountId> {
    let is_the_writers = match bucket.ownership {
        Ownership::BucketOwnerEnforced => false,
        Ownership::BucketOwnerPreferred => headers.canned != Some("bucket-owner-full-control"),
        Ownership::ObjectWriter | Ownership::Unsaid => true,
    };
    writer.filter(|writer| is_the_writers && **writer != bucket.owner).cloned()
}

/// Who owns an object that is there.
pub(crate) fn object_owner<'a>(bucket: &'a BucketRecord, object: &'a ObjectRecord) -> &'a AccountId {
    match &object.traits.owner {
        Some(owner) if bucket.ownership.has_lists() => owner,
        _ => &bucket.owner,
    }
}

/// Whether a list is what `bucket-owner-full-control` says: all that a bucket without lists takes.
pub(super) fn is_the_owners(acl: &Acl, headers: &AclHeaders<'_>, bucket: &BucketRecord) -> bool {
    match headers.canned {
        Some(canned) => canned == "bucket-owner-full-control",
        None => is_private(acl, &bucket.owner),
    }
}

/// Whether a list grants all to the owner, and nothing else.
pub(super) fn is_private(acl: &Acl, owner: &AccountId) -> bool {
    acl.grants == [Grant::full_control(owner)]
}

/// Refuses a public list where public lists are blocked.
pub(super) fn refuse_blocked(
    view: &View,
    cx: &Cx,
    bucket: &BucketRecord,
    acl: &Acl,
    action: &str,
    key: Option<&str>,
) -> Result<(), S3Error> {
    if !acl.is_public() {
        return Ok(());
    }
    if !Blocked::of(view, bucket)?.public_acls {
        return Ok(());
    }
    let arn = key.map_or_else(|| bucket_arn(&bucket.name), |key| object_arn(&bucket.name, key));
    Err(S3Error::Prevented(format!(
        "User: {} is not authorized to perform: {action} on resource: \"{arn}\" because public access control lists (ACLs) are blocked by the BlockPublicAcls block public access setting.",
        cx.call.caller.arn().unwrap_or_else(|| "anonymous".to_owned()),
    )))
}

/// The list that a bucket gets by these headers, none for the private one.
///
/// # Errors
/// As [`from_headers`].
pub(crate) fn acl_of_bucket(
    view: &View,
    cx: &Cx,
    bucket: &BucketRecord,
    headers: &AclHeaders<'_>,
) -> Result<Option<Acl>, S3Error> {
    let acl = Reader::of_bucket(view, cx, &bucket.owner).headers(headers)?;
    if let Some(acl) = &acl {
        refuse_blocked(view, cx, bucket, acl, "s3:PutBucketAcl", None)?;
    }
    Ok(acl.filter(|acl| !is_private(acl, &bucket.owner)))
}

/// The list of a new bucket, none for the private one. New buckets block public lists.
///
/// # Errors
/// As [`from_headers`].
pub(crate) fn of_new_bucket(
    view: &View,
    cx: &Cx,
    owner: &AccountId,
    ownership: Ownership,
    headers: &AclHeaders<'_>,
) -> Result<Option<Acl>, S3Error> {
    let reader = Reader::of_bucket(view, cx, owner);
    let acl = reader.headers(headers)?.filter(|acl| !is_private(acl, owner));
    if acl.is_some() && !ownership.has_lists() {
        return Err(AclError::WithOwnership.into());
    }
    if acl.as_ref().is_some_and(Acl::is_public) {
        return Err(AclError::WithPublicAccessBlock.into());
    }
    Ok(acl)
}
