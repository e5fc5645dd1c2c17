//! `s3:DeleteObject` and `s3:DeleteObjects`. Deleting what is not there succeeds.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use api::s3::{
    DeleteObject, DeleteObjectOutput, DeleteObjectRequest, DeleteObjects, DeleteObjectsOutput, DeleteObjectsRequest,
    DeletedObject, Error, ObjectIdentifier,
};
use jiff::Timestamp;
use service::{Applied, Cx, Need, Operation, Scope, Service};
use store::{Changes, View};
use wire::ServiceError;

use super::conditions::has_tag;
use super::error::ObjectError;
use super::record::{ObjectRecord, check_key};
use super::stack::Stack;
use super::versions::{Deleted, check_id};
use crate::access::{Grounds, given};
use crate::buckets::{BucketRecord, known_bucket};
use crate::config::charged;
use crate::lock::check_delete;
use crate::{S3, S3Error};

/// The most objects of one `DeleteObjects`.
const MAX_OBJECTS: usize = 1000;

/// One deletion.
#[derive(Debug, Clone, Copy)]
struct Deletion<'a> {
    key: &'a str,
    version: Option<&'a str>,
    /// What the object must be like to be deleted.
    tag: Option<&'a str>,
    last_modified: Option<Timestamp>,
    size: Option<i64>,
    /// Whether a lock that may be passed by is.
    is_bypassing: bool,
}

impl<'a> Deletion<'a> {
    fn of(input: &'a DeleteObjectRequest) -> Self {
        Self {
            key: &input.key,
            version: input.version_id.as_deref(),
            tag: input.if_match.as_deref(),
            last_modified: input.if_match_last_modified_time,
            size: input.if_match_size,
            is_bypassing: input.bypass_governance_retention == Some(true),
        }
    }

    fn of_one(object: &'a ObjectIdentifier, input: &DeleteObjectsRequest) -> Self {
        Self {
            key: &object.key,
            version: object.version_id.as_deref(),
            tag: object.e_tag.as_deref(),
            last_modified: object.last_modified_time,
            size: object.size,
            is_bypassing: input.bypass_governance_retention == Some(true),
        }
    }

    /// What it needs. Who may try tags out learns them, so that is for those who may read.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html>.
    fn needs(&self, grounds: &Grounds) -> Vec<Need> {
        let action = if self.version.is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" };
        let keys = [("s3:VersionId", self.version), ("s3:if-match", self.tag)];
        let mut needs = vec![given(grounds.object(action, self.key), &keys)];
        if self.tag.is_some_and(|tag| tag != "*") {
            needs.push(grounds.object("s3:GetObject", self.key));
        }
        if self.is_bypassing && self.version.is_some() {
            needs.push(grounds.object("s3:BypassGovernanceRetention", self.key));
        }
        needs
    }

    /// Deletes out of `stack`, which is that of the key.
    fn apply(&self, stack: &mut Stack<'_>, changes: &mut Changes, cx: &Cx) -> Result<Deleted, S3Error> {
        self.check(stack.current())?;
        let Some(id) = self.version else { return stack.delete(changes, cx) };
        if let Some(object) = stack.object(id)? {
            check_delete(&object, self.is_bypassing, cx.now)?;
        }
        stack.delete_version(changes, id, cx)
    }

    /// Whether the current object, whichever version is deleted, is what it must be like. Only a tag demands that there
    /// is one.
    fn check(&self, old: Option<&ObjectRecord>) -> Result<(), S3Error> {
        let Some(old) = old else {
            return match self.tag {
                None => Ok(()),
                Some("*") => Err(S3Error::PreconditionFailed("If-Match")),
                Some(_) => Err(S3Error::NoSuchKey(self.key.to_owned())),
            };
        };
        if self.tag.is_some_and(|tag| !has_tag(tag, &old.etag)) {
            return Err(S3Error::PreconditionFailed("If-Match"));
        }
        if self.last_modified.is_some_and(|time| time.as_second() != old.last_modified.as_second()) {
            return Err(S3Error::PreconditionFailed("x-amz-if-match-last-modified-time"));
        }
        if self.size.is_some_and(|size| u64::try_from(size) != Ok(old.length)) {
            return Err(S3Error::PreconditionFailed("x-amz-if-match-size"));
        }
        Ok(())
    }
}

impl Operation<S3> for DeleteObject {
    type Error = S3Error;

    fn needs(input: &DeleteObjectRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(Deletion::of(input).needs(&Grounds::of(view, scope, &input.bucket)?))
    }

    fn apply(input: &DeleteObjectRequest, view: &View, cx: &Cx) -> Result<Applied<DeleteObjectOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let request_charged = charged(&bucket, &cx.call.caller, input.request_payer.as_deref())?;
        check_key(&input.key)?;
        check_id(&bucket, input.version_id.as_deref())?;
        let (mut changes, mut stack) = (Changes::new(), Stack::of(view, &bucket, &input.key)?);
        let deleted = Deletion::of(input).apply(&mut stack, &mut changes, cx)?;
        stack.write(&mut changes)?;
        let output = DeleteObjectOutput {
            delete_marker: deleted.is_marker.then_some(true),
            version_id: deleted.version,
            request_charged,
        };
        Ok(Applied::with(output, changes))
    }
}

impl Operation<S3> for DeleteObjects {
    type Error = S3Error;

    fn needs(input: &DeleteObjectsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        let grounds = Grounds::of(view, scope, &input.bucket)?;
        let objects = (0..).zip(input.delete.objects.iter().take(MAX_OBJECTS));
        let of_one = |(part, object)| {
            let needs = Deletion::of_one(object, input).needs(&grounds).into_iter();
            needs.map(move |need| need.for_part(part))
        };
        let needs: Vec<Need> = objects.flat_map(of_one).collect();
        Ok(if needs.is_empty() { vec![grounds.object("s3:DeleteObject", "")] } else { needs })
    }

    fn apply(input: &DeleteObjectsRequest, view: &View, cx: &Cx) -> Result<Applied<DeleteObjectsOutput>, S3Error> {
        let objects = &input.delete.objects;
        if objects.is_empty() || objects.len() > MAX_OBJECTS {
            return Err(S3Error::MalformedXml);
        }
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let request_charged = charged(&bucket, &cx.call.caller, input.request_payer.as_deref())?;
        if objects.iter().any(|object| object.key.is_empty()) {
            return Err(ObjectError::NoKey.into());
        }
        let is_quiet = input.delete.quiet == Some(true);
        let (mut deleted, mut errors, mut changes) = (Vec::new(), Vec::new(), Changes::new());
        // A key may come several times, and each time finds what the last one left.
        let mut stacks: BTreeMap<&str, Stack<'_>> = BTreeMap::new();
        for (part, object) in (0..).zip(objects) {
            let done = match cx.refused(part) {
                Some(refusal) => Err(S3Error::Unauthorized(Box::new(S3::unauthorized(&cx.call, refusal)))),
                None => delete_listed(input, object, view, &bucket, &mut stacks, &mut changes, cx),
            };
            match done {
                Ok(_) if is_quiet => {}
                Ok(done) => deleted.push(DeletedObject {
                    key: Some(object.key.clone()),
                    version_id: object.version_id.clone(),
                    delete_marker: done.is_marker.then_some(true),
                    delete_marker_version_id: done.version.filter(|_| done.is_marker),
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
        for stack in stacks.into_values() {
            stack.write(&mut changes)?;
        }
        let some = |errors: Vec<Error>| (!errors.is_empty()).then_some(errors);
        let deleted = (!deleted.is_empty()).then_some(deleted);
        let output = DeleteObjectsOutput { deleted, request_charged, errors: some(errors) };
        Ok(Applied::with(output, changes))
    }
}

fn delete_listed<'a>(
    input: &'a DeleteObjectsRequest,
    object: &'a ObjectIdentifier,
    view: &'a View,
    bucket: &'a BucketRecord,
    stacks: &mut BTreeMap<&'a str, Stack<'a>>,
    changes: &mut Changes,
    cx: &Cx,
) -> Result<Deleted, S3Error> {
    check_key(&object.key)?;
    let is_id = check_id(bucket, object.version_id.as_deref()).is_ok();
    if let Some(version) = object.version_id.clone().filter(|_| !is_id) {
        return Err(ObjectError::NoSuchVersion { key: object.key.clone(), version }.into());
    }
    let stack = match stacks.entry(&object.key) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(entry) => entry.insert(Stack::of(view, bucket, &object.key)?),
    };
    Deletion::of_one(object, input).apply(stack, changes, cx)
}
