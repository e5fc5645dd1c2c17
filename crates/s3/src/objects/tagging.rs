//! `s3:PutObjectTagging`, `s3:GetObjectTagging` and `s3:DeleteObjectTagging`: the tags of an object or of a version.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html>.

use std::collections::BTreeMap;

use api::s3::{
    DeleteObjectTagging, DeleteObjectTaggingOutput, DeleteObjectTaggingRequest, GetObjectTagging,
    GetObjectTaggingOutput, GetObjectTaggingRequest, PutObjectTagging, PutObjectTaggingOutput, PutObjectTaggingRequest,
    Tag,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::error::ObjectError;
use super::put_needs::with_tags;
use super::record::{ObjectRecord, check_key};
use super::rewrite::rewrite;
use super::tags::read_set;
use super::versions::describable;
use crate::access::Grounds;
use crate::buckets::known_bucket;
use crate::config::charged;
use crate::{S3, S3Error};

/// The object whose tags are meant, and its version as answers show it.
fn look_up(
    (bucket, key, version): (&str, &str, Option<&str>),
    expected_owner: Option<&str>,
    method: &'static str,
    view: &View,
    (payer, cx): (Option<&str>, &Cx),
) -> Result<(ObjectRecord, Option<String>), S3Error> {
    check_key(key)?;
    let bucket = known_bucket(view, bucket, expected_owner)?;
    charged(&bucket, &cx.call.caller, payer)?;
    let object = describable(view, &bucket, key, version, method).map_err(|error| placed(error, &bucket.name))?;
    let shown = bucket.shown_version(&object.version);
    Ok((object, shown))
}

/// Of tags S3 says with the key which bucket it is missing in.
fn placed(error: S3Error, bucket: &str) -> S3Error {
    match error {
        S3Error::NoSuchKey(key) => S3Error::NoSuchKey(format!("{bucket}/{key}")),
        S3Error::Object(ObjectError::NoSuchVersion { key, version }) => {
            ObjectError::NoSuchVersion { key: format!("{bucket}/{key}"), version }.into()
        }
        other => other,
    }
}

/// The object with other tags.
fn changed(view: &View, mut object: ObjectRecord, tags: BTreeMap<String, String>) -> Result<Changes, S3Error> {
    let mut changes = Changes::new();
    if object.traits.tags != tags {
        object.traits.tags = tags;
        rewrite(view, &mut changes, &object)?;
    }
    Ok(changes)
}

impl Operation<S3> for PutObjectTagging {
    type Error = S3Error;

    fn needs(input: &PutObjectTaggingRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        let actions = ("s3:PutObjectTagging", "s3:PutObjectVersionTagging");
        let grounds = Grounds::of(view, scope, &input.bucket)?;
        let need = grounds.on_version(actions, view, &input.key, input.version_id.as_deref())?;
        let tags = input.tagging.tag_set.iter().map(|tag| (tag.key.clone(), tag.value.clone()));
        Ok(vec![with_tags(need, &tags.collect::<Vec<_>>())])
    }

    fn apply(
        input: &PutObjectTaggingRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<PutObjectTaggingOutput>, S3Error> {
        let place = (input.bucket.as_str(), input.key.as_str(), input.version_id.as_deref());
        let payer = input.request_payer.as_deref();
        let (object, version_id) = look_up(place, input.expected_bucket_owner.as_deref(), "PUT", view, (payer, cx))?;
        let tags = read_set(input.tagging.tag_set.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())))?;
        Ok(Applied::with(PutObjectTaggingOutput { version_id }, changed(view, object, tags)?))
    }
}

impl Operation<S3> for GetObjectTagging {
    type Error = S3Error;

    fn needs(input: &GetObjectTaggingRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        let actions = ("s3:GetObjectTagging", "s3:GetObjectVersionTagging");
        let grounds = Grounds::of(view, scope, &input.bucket)?;
        Ok(vec![grounds.on_version(actions, view, &input.key, input.version_id.as_deref())?])
    }

    fn apply(
        input: &GetObjectTaggingRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<GetObjectTaggingOutput>, S3Error> {
        let place = (input.bucket.as_str(), input.key.as_str(), input.version_id.as_deref());
        let payer = input.request_payer.as_deref();
        let (object, version_id) = look_up(place, input.expected_bucket_owner.as_deref(), "GET", view, (payer, cx))?;
        let tag_set = object.traits.tags.into_iter().map(|(key, value)| Tag { key, value }).collect();
        Ok(Applied::read(GetObjectTaggingOutput { version_id, tag_set }))
    }
}

impl Operation<S3> for DeleteObjectTagging {
    type Error = S3Error;

    fn needs(input: &DeleteObjectTaggingRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        let actions = ("s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging");
        let grounds = Grounds::of(view, scope, &input.bucket)?;
        Ok(vec![grounds.on_version(actions, view, &input.key, input.version_id.as_deref())?])
    }

    fn apply(
        input: &DeleteObjectTaggingRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<DeleteObjectTaggingOutput>, S3Error> {
        let place = (input.bucket.as_str(), input.key.as_str(), input.version_id.as_deref());
        let (object, version_id) = look_up(place, input.expected_bucket_owner.as_deref(), "DELETE", view, (None, cx))?;
        Ok(Applied::with(DeleteObjectTaggingOutput { version_id }, changed(view, object, BTreeMap::new())?))
    }
}
