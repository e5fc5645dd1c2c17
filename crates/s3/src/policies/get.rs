//! `s3:GetBucketPolicy` and `s3:GetBucketPolicyStatus`.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicy.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicyStatus.html>.

use api::s3::{
    GetBucketPolicy, GetBucketPolicyOutput, GetBucketPolicyRequest, GetBucketPolicyStatus, GetBucketPolicyStatusOutput,
    GetBucketPolicyStatusRequest, PolicyStatus,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::BucketPolicyRecord;
use crate::access::Grounds;
use crate::buckets::{known_bucket, only_within};
use crate::{S3, S3Error};

impl Operation<S3> for GetBucketPolicy {
    type Error = S3Error;

    fn needs(input: &GetBucketPolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:GetBucketPolicy")])
    }

    fn apply(input: &GetBucketPolicyRequest, view: &View, cx: &Cx) -> Result<Applied<GetBucketPolicyOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        only_within(&bucket, cx, "GET", "BUCKETPOLICY")?;
        let policy = view.get::<BucketPolicyRecord>(&bucket.name)?;
        let policy = policy.ok_or(S3Error::NoSuchBucketPolicy(bucket.name))?;
        let text = cx.directory().in_force(view, &policy.document, &policy.principals)?;
        Ok(Applied::read(GetBucketPolicyOutput { policy: Some(text) }))
    }
}

impl Operation<S3> for GetBucketPolicyStatus {
    type Error = S3Error;

    fn needs(input: &GetBucketPolicyStatusRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:GetBucketPolicyStatus")])
    }

    fn apply(
        input: &GetBucketPolicyStatusRequest,
        view: &View,
        _cx: &Cx,
    ) -> Result<Applied<GetBucketPolicyStatusOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let policy = view.get::<BucketPolicyRecord>(&bucket.name)?;
        let policy = policy.ok_or(S3Error::NoSuchBucketPolicy(bucket.name))?;
        let policy_status = Some(PolicyStatus { is_public: Some(policy.is_public) });
        Ok(Applied::read(GetBucketPolicyStatusOutput { policy_status }))
    }
}
