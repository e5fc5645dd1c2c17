//! `s3:PutBucketAbac` and `s3:GetBucketAbac`: whether the tags of a bucket decide who may do what with it.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/buckets-tagging-enable-abac.html>.

use api::s3::{
    AbacStatus, GetBucketAbac, GetBucketAbacOutput, GetBucketAbacRequest, PutBucketAbac, PutBucketAbacRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use crate::access::Grounds;
use crate::buckets::known_bucket;
use crate::objects::read_md5;
use crate::{S3, S3Error};

impl Operation<S3> for PutBucketAbac {
    type Error = S3Error;

    fn needs(input: &PutBucketAbacRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutBucketAbac")])
    }

    fn apply(input: &PutBucketAbacRequest, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
        let mut bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        read_md5(input.content_md5.as_deref())?;
        bucket.is_abac = match input.abac_status.status.as_deref() {
            Some("Enabled") => true,
            Some("Disabled") => false,
            _ => return Err(S3Error::MalformedXml),
        };
        let mut changes = Changes::new();
        changes.put(&bucket)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<S3> for GetBucketAbac {
    type Error = S3Error;

    fn needs(input: &GetBucketAbacRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:GetBucketAbac")])
    }

    fn apply(input: &GetBucketAbacRequest, view: &View, _cx: &Cx) -> Result<Applied<GetBucketAbacOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let status = if bucket.is_abac { "Enabled" } else { "Disabled" };
        let status = AbacStatus { status: Some(status.to_owned()) };
        Ok(Applied::read(GetBucketAbacOutput { abac_status: Some(status) }))
    }
}
