//! `s3:DeleteObject` and `s3:DeleteObjects`. Deleting what is not there succeeds. Of several objects each is permitted for
//! itself.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>.

use api::s3::{
    DeleteObject, DeleteObjectOutput, DeleteObjectRequest, DeleteObjects, DeleteObjectsOutput, DeleteObjectsRequest,
    DeletedObject, Error, ObjectIdentifier,
};
use service::{Applied, Cx, Need, Operation, Scope, Service};
use store::{Changes, View};
use wire::ServiceError;

use super::conditions::has_tag;
use super::record::check_key;
use super::versions::{self, Deleted};
use crate::access::{Grounds, given};
use crate::buckets::{BucketRecord, known_bucket};
use crate::unbuilt::refuse_given;
use crate::{S3, S3Error};

/// The most objects of one `DeleteObjects`.
const MAX_OBJECTS: usize = 1000;

impl Operation<S3> for DeleteObject {
    type Error = S3Error;

    fn needs(input: &DeleteObjectRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        let grounds = Grounds::of(view, scope, &input.bucket)?;
        Ok(deleting(&grounds, &input.key, input.version_id.as_deref(), input.if_match.as_deref()).collect())
    }

    fn apply(input: &DeleteObjectRequest, view: &View, cx: &Cx) -> Result<Applied<DeleteObjectOutput>, S3Error> {
        refuse_given(&[
            ("x-amz-mfa", input.mfa.is_some()),
            ("x-amz-request-payer", input.request_payer.is_some()),
            ("x-amz-bypass-governance-retention", input.bypass_governance_retention == Some(true)),
            ("x-amz-if-match-last-modified-time", input.if_match_last_modified_time.is_some()),
            ("x-amz-if-match-size", input.if_match_size.is_some()),
        ])?;
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let mut changes = Changes::new();
        let tag = input.if_match.as_deref();
        let deleted = delete_one(view, &mut changes, cx, &bucket, &input.key, input.version_id.as_deref(), tag)?;
        let output = DeleteObjectOutput {
            delete_marker: deleted.is_marker.then_some(true),
            version_id: deleted.version,
            request_charged: None,
        };
        Ok(Applied::with(output, changes))
    }
}

impl Operation<S3> for DeleteObjects {
    type Error = S3Error;

    fn needs(input: &DeleteObjectsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        let grounds = Grounds::of(view, scope, &input.bucket)?;
        let is_somebody = scope.account.is_some();
        let needs = input.delete.objects.iter().take(MAX_OBJECTS).enumerate().flat_map(|(part, object)| {
            let needs = deleting(&grounds, &object.key, object.version_id.as_deref(), object.e_tag.as_deref());
            // Nobody is refused as a whole: what comes without any proof costs its sender patience by its status.
            needs.map(move |need| if is_somebody { need.for_part(part) } else { need })
        });
        let needs: Vec<Need> = needs.collect();
        Ok(if needs.is_empty() { vec![grounds.object("s3:DeleteObject", "")] } else { needs })
    }

    fn apply(input: &DeleteObjectsRequest, view: &View, cx: &Cx) -> Result<Applied<DeleteObjectsOutput>, S3Error> {
        refuse_given(&[
            ("x-amz-mfa", input.mfa.is_some()),
            ("x-amz-request-payer", input.request_payer.is_some()),
            ("x-amz-bypass-governance-retention", input.bypass_governance_retention == Some(true)),
        ])?;
        let objects = &input.delete.objects;
        if objects.is_empty() || objects.len() > MAX_OBJECTS {
            return Err(S3Error::MalformedXml);
        }
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let is_quiet = input.delete.quiet == Some(true);
        let (mut deleted, mut errors, mut changes) = (Vec::new(), Vec::new(), Changes::new());
        for (part, object) in objects.iter().enumerate() {
            if let Some(refusal) = cx.refused(part) {
                errors.push(failed(object, S3::unauthorized(&cx.call, refusal)));
                continue;
            }
            match delete_listed(view, &mut changes, cx, &bucket, object) {
                Ok(_) if is_quiet => {}
                Ok(done) => deleted.push(DeletedObject {
                    key: Some(object.key.clone()),
                    version_id: object.version_id.clone(),
                    delete_marker: done.is_marker.then_some(true),
                    delete_marker_version_id: done.version.filter(|_| done.is_marker),
                }),
                // What of ours failed fails the whole call, so that nothing is half done.
                Err(error @ (S3Error::Store(_) | S3Error::Internal(_))) => return Err(error),
                Err(error) => errors.push(failed(object, error.into())),
            }
        }
        let some = |errors: Vec<Error>| (!errors.is_empty()).then_some(errors);
        let deleted = (!deleted.is_empty()).then_some(deleted);
        let output = DeleteObjectsOutput { deleted, request_charged: None, errors: some(errors) };
        Ok(Applied::with(output, changes))
    }
}

/// The error of one object.
fn failed(object: &ObjectIdentifier, error: ServiceError) -> Error {
    Error {
        key: Some(object.key.clone()),
        version_id: object.version_id.clone(),
        code: Some(error.code.into_owned()),
        message: Some(error.message),
    }
}

/// What deleting one object needs. Who may try tags out learns them, so that is for those who may read.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html>.
fn deleting(grounds: &Grounds, key: &str, version: Option<&str>, tag: Option<&str>) -> impl Iterator<Item = Need> {
    let action = if version.is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" };
    let read = tag.filter(|tag| *tag != "*").map(|_| grounds.object("s3:GetObject", key));
    let delete = given(grounds.object(action, key), &[("s3:VersionId", version), ("s3:if-match", tag)]);
    std::iter::once(delete).chain(read)
}

fn delete_listed(
    view: &View,
    changes: &mut Changes,
    cx: &Cx,
    bucket: &BucketRecord,
    object: &ObjectIdentifier,
) -> Result<Deleted, S3Error> {
    refuse_given(&[("LastModifiedTime", object.last_modified_time.is_some()), ("Size", object.size.is_some())])?;
    delete_one(view, changes, cx, bucket, &object.key, object.version_id.as_deref(), object.e_tag.as_deref())
}

/// Adds what deletes one object. With a tag, only an object of that tag is deleted.
fn delete_one(
    view: &View,
    changes: &mut Changes,
    cx: &Cx,
    bucket: &BucketRecord,
    key: &str,
    version_id: Option<&str>,
    tag: Option<&str>,
) -> Result<Deleted, S3Error> {
    check_key(key)?;
    if let Some(tag) = tag {
        let old = versions::current(view, &bucket.name, key)?;
        if !old.is_some_and(|old| has_tag(tag, &old.etag)) {
            return Err(S3Error::PreconditionFailed("If-Match"));
        }
    }
    match version_id {
        Some(id) => versions::delete_version(view, changes, bucket, key, id, cx),
        None => versions::delete(view, changes, bucket, key, cx),
    }
}
