//! `s3:DeleteObject` and `s3:DeleteObjects`. Deleting what is not there succeeds.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>.

use api::s3::{
    DeleteObject, DeleteObjectOutput, DeleteObjectRequest, DeleteObjects, DeleteObjectsOutput, DeleteObjectsRequest,
    DeletedObject, Error, ObjectIdentifier,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};
use wire::ServiceError;

use super::conditions::has_tag;
use super::record::{check_key, find, remove};
use crate::buckets::{object_arn, own_bucket};
use crate::unbuilt::{refuse_given, refuse_version};
use crate::{S3, S3Error};

/// The most objects of one `DeleteObjects`.
const MAX_OBJECTS: usize = 1000;

impl Operation<S3> for DeleteObject {
    type Error = S3Error;

    fn needs(input: &DeleteObjectRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![Need::on("s3:DeleteObject", object_arn(&input.bucket, &input.key))])
    }

    fn apply(input: &DeleteObjectRequest, view: &View, cx: &Cx) -> Result<Applied<DeleteObjectOutput>, S3Error> {
        refuse_given(&[
            ("x-amz-mfa", input.mfa.is_some()),
            ("x-amz-request-payer", input.request_payer.is_some()),
            ("x-amz-bypass-governance-retention", input.bypass_governance_retention == Some(true)),
            ("x-amz-if-match-last-modified-time", input.if_match_last_modified_time.is_some()),
            ("x-amz-if-match-size", input.if_match_size.is_some()),
        ])?;
        own_bucket(view, cx, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let mut changes = Changes::new();
        let tag = input.if_match.as_deref();
        delete_one(view, &mut changes, cx, &input.bucket, &input.key, input.version_id.as_deref(), tag)?;
        Ok(Applied::with(DeleteObjectOutput::default(), changes))
    }
}

impl Operation<S3> for DeleteObjects {
    type Error = S3Error;

    fn needs(input: &DeleteObjectsRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        let need = |object: &ObjectIdentifier| Need::on("s3:DeleteObject", object_arn(&input.bucket, &object.key));
        Ok(input.delete.objects.iter().map(need).collect())
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
        own_bucket(view, cx, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let is_quiet = input.delete.quiet == Some(true);
        let (mut deleted, mut errors, mut changes) = (Vec::new(), Vec::new(), Changes::new());
        for object in objects {
            match delete_listed(view, &mut changes, cx, &input.bucket, object) {
                Ok(()) if is_quiet => {}
                Ok(()) => deleted.push(DeletedObject {
                    key: Some(object.key.clone()),
                    version_id: object.version_id.clone(),
                    ..DeletedObject::default()
                }),
                // What of ours failed fails the whole call, so that nothing is half done.
                Err(error @ (S3Error::Store(_) | S3Error::Internal(_))) => return Err(error),
                Err(error) => {
                    let error = ServiceError::from(error);
                    errors.push(Error {
                        key: Some(object.key.clone()),
                        version_id: object.version_id.clone(),
                        code: Some(error.code.into_owned()),
                        message: Some(error.message),
                    });
                }
            }
        }
        let some = |errors: Vec<Error>| (!errors.is_empty()).then_some(errors);
        let deleted = (!deleted.is_empty()).then_some(deleted);
        let output = DeleteObjectsOutput { deleted, request_charged: None, errors: some(errors) };
        Ok(Applied::with(output, changes))
    }
}

fn delete_listed(
    view: &View,
    changes: &mut Changes,
    cx: &Cx,
    bucket: &str,
    object: &ObjectIdentifier,
) -> Result<(), S3Error> {
    refuse_given(&[("LastModifiedTime", object.last_modified_time.is_some()), ("Size", object.size.is_some())])?;
    delete_one(view, changes, cx, bucket, &object.key, object.version_id.as_deref(), object.e_tag.as_deref())
}

/// Adds what deletes one object. With a tag, only an object of that tag is deleted.
fn delete_one(
    view: &View,
    changes: &mut Changes,
    cx: &Cx,
    bucket: &str,
    key: &str,
    version_id: Option<&str>,
    tag: Option<&str>,
) -> Result<(), S3Error> {
    check_key(key)?;
    refuse_version(version_id)?;
    let old = find(view, bucket, key)?;
    if tag.is_some_and(|tag| !old.as_ref().is_some_and(|old| has_tag(tag, &old.etag))) {
        return Err(S3Error::PreconditionFailed("If-Match"));
    }
    if let Some(old) = old {
        remove(changes, &old, cx.now)?;
    }
    Ok(())
}
