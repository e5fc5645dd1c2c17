//! `s3:PutBucketPolicy`: a policy in the place of the one before, if it is one, and if it may be public where it is.
//! `ConfirmRemoveSelfBucketAccess` is taken and changes nothing: S3 takes a policy that locks its giver out without it too, and
//! the root user of the bucket's account can mend the policy whatever it says, with it too.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html>.

use api::s3::{PutBucketPolicy, PutBucketPolicyRequest};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::BucketPolicyRecord;
use super::document::Document;
use super::principals;
use crate::access::Grounds;
use crate::buckets::{bucket_arn, known_bucket, only_within};
use crate::objects::read_md5;
use crate::public_access::Blocked;
use crate::{S3, S3Error};

impl Operation<S3> for PutBucketPolicy {
    type Error = S3Error;

    fn needs(input: &PutBucketPolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutBucketPolicy")])
    }

    fn apply(input: &PutBucketPolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        only_within(&bucket, cx, "PUT", "BUCKETPOLICY")?;
        read_md5(input.content_md5.as_deref())?;
        let document = Document::read(&input.policy, &bucket.name)?;
        let is_public = document.is_public();
        if is_public && Blocked::of(view, &bucket)?.public_policy {
            return Err(S3Error::Prevented(format!(
                "User: {} is not authorized to perform: s3:PutBucketPolicy on resource: \"{}\" because public policies are blocked by the BlockPublicPolicy block public access setting.",
                cx.call.caller.arn().unwrap_or_else(|| "anonymous".to_owned()),
                bucket_arn(&bucket.name),
            )));
        }
        let (document, principals) = principals::known(&input.policy, view, cx)?;
        let mut changes = Changes::new();
        changes.put(&BucketPolicyRecord { bucket: bucket.name, document, principals, is_public })?;
        Ok(Applied::with((), changes))
    }
}
