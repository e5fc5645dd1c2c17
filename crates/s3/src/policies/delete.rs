//! `s3:DeleteBucketPolicy`. Deleting what is not there succeeds.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketPolicy.html>.

use api::s3::{DeleteBucketPolicy, DeleteBucketPolicyRequest};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::BucketPolicyRecord;
use crate::access::Grounds;
use crate::buckets::{known_bucket, only_within};
use crate::{S3, S3Error};

impl Operation<S3> for DeleteBucketPolicy {
    type Error = S3Error;

    fn needs(input: &DeleteBucketPolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:DeleteBucketPolicy")])
    }

    fn apply(input: &DeleteBucketPolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        only_within(&bucket, cx, "DELETE", "BUCKETPOLICY")?;
        let mut changes = Changes::new();
        changes.delete::<BucketPolicyRecord>(&bucket.name);
        Ok(Applied::with((), changes))
    }
}
