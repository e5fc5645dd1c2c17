//! `s3control:TagResource`, `s3control:UntagResource` and `s3control:ListTagsForResource`, for buckets, whether their tags
//! decide who may do what or not.
//! Not here: access points, Storage Lens groups and access grants, of which there are none.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_TagResource.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/buckets-tagging.html>.

use api::s3;
use api::s3control::{
    ListTagsForResource, ListTagsForResourceRequest, ListTagsForResourceResult, Tag, TagResource, TagResourceRequest,
    TagResourceResult, UntagResource, UntagResourceRequest, UntagResourceResult,
};
use ids::Arn;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::{ControlError, S3Control, account};
use crate::S3Error;
use crate::access::Grounds;
use crate::buckets::{BucketRecord, is_bucket_name, known_bucket};
use crate::config::{MAX_TAGS, change_tags, check_tags, tags_of};

/// The bucket that an ARN names.
fn bucket_of(text: &str) -> Result<&str, ControlError> {
    let arn: Arn = text.parse().map_err(|_| ControlError::InvalidArn(text.to_owned()))?;
    if arn.service() != "s3" {
        return Err(ControlError::InvalidArn(text.to_owned()));
    }
    match text.rsplit_once(":::") {
        Some((_, name)) if is_bucket_name(name) => Ok(name),
        _ => Err(ControlError::NoSuchResource(text.to_owned())),
    }
}

/// S3 Control names what is missing by its ARN.
fn of_resource(error: S3Error, arn: &str) -> ControlError {
    match error {
        S3Error::NoSuchBucket(_) => ControlError::NoSuchResource(arn.to_owned()),
        other => other.into(),
    }
}

fn grounds(view: &View, scope: &Scope, arn: &str) -> Result<Grounds, ControlError> {
    Grounds::of(view, scope, bucket_of(arn)?).map_err(|error| of_resource(error, arn))
}

/// The bucket of a request, which must be the account's that the request names.
fn owned(view: &View, account_id: &str, arn: &str) -> Result<BucketRecord, ControlError> {
    let bucket = known_bucket(view, bucket_of(arn)?, None).map_err(|error| of_resource(error, arn))?;
    if account(account_id)? == bucket.owner { Ok(bucket) } else { Err(ControlError::AccessDenied) }
}

impl Operation<S3Control> for TagResource {
    type Error = ControlError;

    fn needs(input: &TagResourceRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, ControlError> {
        let need = grounds(view, scope, &input.resource_arn)?.bucket("s3:TagResource");
        Ok(vec![need.tagging(input.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())))])
    }

    fn apply(input: &TagResourceRequest, view: &View, _: &Cx) -> Result<Applied<TagResourceResult>, ControlError> {
        let bucket = owned(view, &input.account_id, &input.resource_arn)?;
        let given: Vec<s3::Tag> =
            input.tags.iter().map(|Tag { key, value }| s3::Tag { key: key.clone(), value: value.clone() }).collect();
        check_tags(&given)?;
        let mut tags = tags_of(view, &bucket.name)?;
        for tag in given {
            match tags.iter_mut().find(|there| there.key == tag.key) {
                Some(there) => *there = tag,
                None => tags.push(tag),
            }
        }
        if tags.len() > MAX_TAGS {
            return Err(ControlError::TooManyTags(tags.len()));
        }
        let mut changes = Changes::new();
        change_tags(&mut changes, &bucket.name, &tags)?;
        Ok(Applied::with(TagResourceResult::default(), changes))
    }
}

impl Operation<S3Control> for UntagResource {
    type Error = ControlError;

    fn needs(input: &UntagResourceRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, ControlError> {
        let mut need = grounds(view, scope, &input.resource_arn)?.bucket("s3:UntagResource");
        if !input.tag_keys.is_empty() {
            need.context.set_all("aws:TagKeys", input.tag_keys.clone());
        }
        Ok(vec![need])
    }

    /// Keys that it does not have are no fault.
    fn apply(input: &UntagResourceRequest, view: &View, _: &Cx) -> Result<Applied<UntagResourceResult>, ControlError> {
        let bucket = owned(view, &input.account_id, &input.resource_arn)?;
        let mut tags = tags_of(view, &bucket.name)?;
        let before = tags.len();
        tags.retain(|tag| !input.tag_keys.contains(&tag.key));
        let mut changes = Changes::new();
        if tags.len() < before {
            change_tags(&mut changes, &bucket.name, &tags)?;
        }
        Ok(Applied::with(UntagResourceResult::default(), changes))
    }
}

impl Operation<S3Control> for ListTagsForResource {
    type Error = ControlError;

    fn needs(input: &ListTagsForResourceRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, ControlError> {
        Ok(vec![grounds(view, scope, &input.resource_arn)?.bucket("s3:ListTagsForResource")])
    }

    fn apply(
        input: &ListTagsForResourceRequest,
        view: &View,
        _: &Cx,
    ) -> Result<Applied<ListTagsForResourceResult>, ControlError> {
        let bucket = owned(view, &input.account_id, &input.resource_arn)?;
        let tags = tags_of(view, &bucket.name)?;
        let tags = tags.into_iter().map(|s3::Tag { key, value }| Tag { key, value }).collect();
        Ok(Applied::read(ListTagsForResourceResult { tags: Some(tags) }))
    }
}

#[cfg(test)]
mod tests {
    use super::bucket_of;
    use crate::ControlError;

    #[test]
    fn buckets_of_arns() {
        for (arn, expected) in [
            ("arn:aws:s3:::bucket", "bucket"),
            ("arn:aws-cn:s3:::my.bucket", "my.bucket"),
            ("arn:aws:s3:::bucket/key", "no resource"),
            ("arn:aws:s3:us-east-1:123456789012:storage-lens-group/g", "no resource"),
            ("arn:aws:s3:us-east-1:123456789012:accesspoint/p", "no resource"),
            ("arn:aws:sqs:us-east-1:123456789012:q", "no ARN"),
            ("bucket", "no ARN"),
            ("", "no ARN"),
        ] {
            let found = match bucket_of(arn) {
                Ok(name) => name,
                Err(ControlError::NoSuchResource(_)) => "no resource",
                Err(_) => "no ARN",
            };
            assert_eq!(found, expected, "{arn}");
        }
    }
}
