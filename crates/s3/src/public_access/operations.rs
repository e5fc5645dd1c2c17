//! `s3:PutPublicAccessBlock`, `s3:GetPublicAccessBlock` and `s3:DeletePublicAccessBlock`.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutPublicAccessBlock.html>.

use api::s3::{
    DeletePublicAccessBlock, DeletePublicAccessBlockRequest, GetPublicAccessBlock, GetPublicAccessBlockOutput,
    GetPublicAccessBlockRequest, PublicAccessBlockConfiguration, PutPublicAccessBlock, PutPublicAccessBlockRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::PublicAccessBlockRecord;
use crate::access::Grounds;
use crate::buckets::known_bucket;
use crate::objects::read_md5;
use crate::{S3, S3Error};

impl Operation<S3> for PutPublicAccessBlock {
    type Error = S3Error;

    fn needs(input: &PutPublicAccessBlockRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutBucketPublicAccessBlock")])
    }

    fn apply(input: &PutPublicAccessBlockRequest, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        read_md5(input.content_md5.as_deref())?;
        let wanted = &input.public_access_block_configuration;
        let is = |wanted: Option<bool>| wanted.unwrap_or(false);
        let mut changes = Changes::new();
        changes.put(&PublicAccessBlockRecord {
            bucket: bucket.name,
            block_public_acls: is(wanted.block_public_acls),
            ignore_public_acls: is(wanted.ignore_public_acls),
            block_public_policy: is(wanted.block_public_policy),
            restrict_public_buckets: is(wanted.restrict_public_buckets),
        })?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<S3> for GetPublicAccessBlock {
    type Error = S3Error;

    fn needs(input: &GetPublicAccessBlockRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:GetBucketPublicAccessBlock")])
    }

    fn apply(
        input: &GetPublicAccessBlockRequest,
        view: &View,
        _cx: &Cx,
    ) -> Result<Applied<GetPublicAccessBlockOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let block = view.get::<PublicAccessBlockRecord>(&bucket.name)?;
        let block = block.ok_or(S3Error::NoSuchPublicAccessBlock(bucket.name))?;
        let shown = PublicAccessBlockConfiguration {
            block_public_acls: Some(block.block_public_acls),
            ignore_public_acls: Some(block.ignore_public_acls),
            block_public_policy: Some(block.block_public_policy),
            restrict_public_buckets: Some(block.restrict_public_buckets),
        };
        Ok(Applied::read(GetPublicAccessBlockOutput { public_access_block_configuration: Some(shown) }))
    }
}

/// The action is that of putting one. Source: the service authorization reference of S3.
impl Operation<S3> for DeletePublicAccessBlock {
    type Error = S3Error;

    fn needs(input: &DeletePublicAccessBlockRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutBucketPublicAccessBlock")])
    }

    fn apply(input: &DeletePublicAccessBlockRequest, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let mut changes = Changes::new();
        changes.delete::<PublicAccessBlockRecord>(&bucket.name);
        Ok(Applied::with((), changes))
    }
}
