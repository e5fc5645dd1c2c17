//! `s3:PutBucketTagging`, `s3:GetBucketTagging` and `s3:DeleteBucketTagging`.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/CostAllocTagging.html>.

use std::collections::BTreeSet;

use api::s3::{
    DeleteBucketTagging, DeleteBucketTaggingRequest, GetBucketTagging, GetBucketTaggingOutput, GetBucketTaggingRequest,
    PutBucketTagging, PutBucketTaggingRequest, Tag, Tagging,
};
use serde::{Deserialize, Serialize};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::faithful::Faithful;
use super::record::{BucketConfig, config, delete_config, put_config};
use crate::access::Grounds;
use crate::buckets::{BucketRecord, known_bucket};
use crate::objects::read_md5;
use crate::{S3, S3Error};

/// The most tags of a bucket.
const MAX_TAGS: usize = 50;

/// The tags of a bucket.
#[derive(Serialize, Deserialize)]
pub(crate) struct BucketTags(Faithful<Tagging>);

impl BucketConfig for BucketTags {
    const KIND: &'static str = "tagging";
}

/// The tags of a bucket; none if it has no set of them.
///
/// # Errors
/// As [`config`].
pub(crate) fn tags_of(view: &View, bucket: &str) -> Result<Vec<Tag>, S3Error> {
    Ok(config::<BucketTags>(view, bucket, "")?.map(|tags| tags.0.0.tag_set).unwrap_or_default())
}

/// Adds what gives a bucket these tags, in place of those that it has.
///
/// # Errors
/// Those of S3 for tags that cannot be.
pub(crate) fn put_tags(changes: &mut Changes, bucket: &str, tags: &[Tag]) -> Result<(), S3Error> {
    if tags.len() > MAX_TAGS {
        let text = format!("Bucket tag count cannot be greater than {MAX_TAGS}");
        return Err(S3Error::Misconfigured { code: "BadRequest", message: text });
    }
    check_tags(tags)?;
    put_config(changes, bucket, "", &BucketTags(Faithful(Tagging { tag_set: tags.to_vec() })))
}

/// Refuses tags that nothing of S3 can have.
///
/// # Errors
/// [`S3Error::InvalidTag`].
pub(crate) fn check_tags(tags: &[Tag]) -> Result<(), S3Error> {
    let mut keys = BTreeSet::new();
    for tag in tags {
        check_tag(&tag.key, &tag.value)?;
        if !keys.insert(&tag.key) {
            let message = "Cannot provide multiple Tags with the same key";
            return Err(S3Error::InvalidTag { message, fields: vec![("TagKey", tag.key.clone())] });
        }
    }
    Ok(())
}

/// Refuses a tag whose name or value cannot be.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/tagging.html> (tag restrictions).
fn check_tag(key: &str, value: &str) -> Result<(), S3Error> {
    let is_fit = |text: &str| {
        text.chars().all(|letter| letter.is_alphanumeric() || letter.is_whitespace() || "_.:/=+-@".contains(letter))
    };
    let invalid = |message| Err(S3Error::InvalidTag { message, fields: vec![("TagKey", key.to_owned())] });
    if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
        return invalid("System tags cannot be added/updated by requester");
    }
    if key.is_empty() || key.encode_utf16().count() > 128 || !is_fit(key) {
        return invalid("The TagKey you have provided is invalid");
    }
    if value.encode_utf16().count() > 256 || !is_fit(value) {
        let message = "The TagValue you have provided is invalid";
        let fields = vec![("TagKey", key.to_owned()), ("TagValue", value.to_owned())];
        return Err(S3Error::InvalidTag { message, fields });
    }
    Ok(())
}

/// Where tags decide who may do what, they are set by `TagResource`, which this region does not have yet.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/buckets-tagging-enable-abac.html>.
fn refuse_with_abac(bucket: &BucketRecord) -> Result<(), S3Error> {
    if !bucket.is_abac {
        return Ok(());
    }
    let text = "ABAC is enabled for this bucket. Use TagResource and UntagResource to change its tags.";
    Err(S3Error::InvalidRequest(text.into()))
}

impl Operation<S3> for PutBucketTagging {
    type Error = S3Error;

    fn needs(input: &PutBucketTaggingRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutBucketTagging")])
    }

    fn apply(input: &PutBucketTaggingRequest, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        read_md5(input.content_md5.as_deref())?;
        refuse_with_abac(&bucket)?;
        let mut changes = Changes::new();
        put_tags(&mut changes, &bucket.name, &input.tagging.tag_set)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<S3> for GetBucketTagging {
    type Error = S3Error;

    fn needs(input: &GetBucketTaggingRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:GetBucketTagging")])
    }

    fn apply(
        input: &GetBucketTaggingRequest,
        view: &View,
        _cx: &Cx,
    ) -> Result<Applied<GetBucketTaggingOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let tag_set = tags_of(view, &bucket.name)?;
        if tag_set.is_empty() {
            return Err(S3Error::not_configured("NoSuchTagSet", "The TagSet does not exist", bucket.name));
        }
        Ok(Applied::read(GetBucketTaggingOutput { tag_set }))
    }
}

/// The action is that of putting them. Source: the service authorization reference of S3.
impl Operation<S3> for DeleteBucketTagging {
    type Error = S3Error;

    fn needs(input: &DeleteBucketTaggingRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutBucketTagging")])
    }

    fn apply(input: &DeleteBucketTaggingRequest, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        refuse_with_abac(&bucket)?;
        let mut changes = Changes::new();
        delete_config::<BucketTags>(&mut changes, &bucket.name, "");
        Ok(Applied::with((), changes))
    }
}

#[cfg(test)]
mod tests {
    use api::s3::Tag;

    use super::check_tags;
    use crate::S3Error;

    #[test]
    fn tags_that_cannot_be() {
        let check = |pairs: &[(&str, &str)]| {
            let tag = |(key, value): &(&str, &str)| Tag { key: (*key).to_owned(), value: (*value).to_owned() };
            match check_tags(&pairs.iter().map(tag).collect::<Vec<_>>()) {
                Ok(()) => "",
                Err(S3Error::InvalidTag { message, .. }) => message,
                Err(_) => "another",
            }
        };
        let long = "k".repeat(129);
        let key = "The TagKey you have provided is invalid";
        let value = "The TagValue you have provided is invalid";
        for (pairs, expected) in [
            (&[("k", "v"), ("K", "v")][..], ""),
            (&[("größe", "+ - = . _ : / @")], ""),
            (&[("k", "")], ""),
            (&[("k", "v"), ("k", "w")], "Cannot provide multiple Tags with the same key"),
            (&[("aws:k", "v")], "System tags cannot be added/updated by requester"),
            (&[("AWS:k", "v")], "System tags cannot be added/updated by requester"),
            (&[("", "v")], key),
            (&[("k*", "v")], key),
            (&[(&long, "v")], key),
            (&[("k", "v!")], value),
            (&[("k", &"v".repeat(257))], value),
        ] {
            assert_eq!(check(pairs), expected, "{pairs:?}");
        }
    }
}
