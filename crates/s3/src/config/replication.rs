//! `s3:GetBucketReplication` and `s3:DeleteBucketReplication`: no bucket has a replication here, as none can be put.

use api::s3::{
    DeleteBucketReplication, DeleteBucketReplicationRequest, GetBucketReplication, GetBucketReplicationOutput,
    GetBucketReplicationRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use crate::access::Grounds;
use crate::buckets::known_bucket;
use crate::{S3, S3Error};

/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketReplication.html>.
impl Operation<S3> for GetBucketReplication {
    type Error = S3Error;

    fn needs(input: &GetBucketReplicationRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:GetReplicationConfiguration")])
    }

    fn apply(
        input: &GetBucketReplicationRequest,
        view: &View,
        _cx: &Cx,
    ) -> Result<Applied<GetBucketReplicationOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let text = "The replication configuration was not found";
        Err(S3Error::not_configured("ReplicationConfigurationNotFoundError", text, bucket.name))
    }
}

/// That there is none is as good.
impl Operation<S3> for DeleteBucketReplication {
    type Error = S3Error;

    fn needs(input: &DeleteBucketReplicationRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutReplicationConfiguration")])
    }

    fn apply(input: &DeleteBucketReplicationRequest, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
        known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        Ok(Applied::read(()))
    }
}
