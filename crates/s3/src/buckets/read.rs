//! `s3:HeadBucket` and `s3:GetBucketLocation`.

use api::s3::{
    GetBucketLocation, GetBucketLocationOutput, GetBucketLocationRequest, HeadBucket, HeadBucketOutput,
    HeadBucketRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::create_delete::FIRST_REGION;
use super::record::{bucket_arn, known_bucket};
use crate::access::Grounds;
use crate::{S3, S3Error};

/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html>.
impl Operation<S3> for HeadBucket {
    type Error = S3Error;

    fn needs(input: &HeadBucketRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:ListBucket")])
    }

    fn apply(input: &HeadBucketRequest, view: &View, _cx: &Cx) -> Result<Applied<HeadBucketOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        Ok(Applied::read(HeadBucketOutput {
            bucket_arn: Some(bucket_arn(&bucket.name).to_string()),
            bucket_region: Some(bucket.region),
            access_point_alias: Some(false),
            ..HeadBucketOutput::default()
        }))
    }
}

/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html>: empty in the first region.
impl Operation<S3> for GetBucketLocation {
    type Error = S3Error;

    fn needs(input: &GetBucketLocationRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:GetBucketLocation")])
    }

    fn apply(
        input: &GetBucketLocationRequest,
        view: &View,
        _cx: &Cx,
    ) -> Result<Applied<GetBucketLocationOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let location_constraint = (bucket.region != FIRST_REGION).then_some(bucket.region);
        Ok(Applied::read(GetBucketLocationOutput { location_constraint }))
    }
}
