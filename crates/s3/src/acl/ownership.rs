//! `s3:PutBucketOwnershipControls`, `s3:GetBucketOwnershipControls` and `s3:DeleteBucketOwnershipControls`.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketOwnershipControls.html>.

use api::s3::{
    DeleteBucketOwnershipControls, DeleteBucketOwnershipControlsRequest, GetBucketOwnershipControls,
    GetBucketOwnershipControlsOutput, GetBucketOwnershipControlsRequest, OwnershipControls, OwnershipControlsRule,
    PutBucketOwnershipControls, PutBucketOwnershipControlsRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::error::AclError;
use super::record::Ownership;
use crate::access::{Grounds, given};
use crate::buckets::known_bucket;
use crate::objects::read_md5;
use crate::{S3, S3Error};

impl Operation<S3> for PutBucketOwnershipControls {
    type Error = S3Error;

    fn needs(input: &PutBucketOwnershipControlsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        let need = Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutBucketOwnershipControls");
        let wanted = input.ownership_controls.rules.first().map(|rule| rule.object_ownership.as_str());
        Ok(vec![given(need, &[("s3:x-amz-object-ownership", wanted)])])
    }

    fn apply(input: &PutBucketOwnershipControlsRequest, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
        let mut bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        read_md5(input.content_md5.as_deref())?;
        let [rule] = &*input.ownership_controls.rules else { return Err(S3Error::MalformedXml) };
        let wanted = Ownership::named(&rule.object_ownership).ok_or(S3Error::MalformedXml)?;
        // A list that is not the private one must be taken away before.
        if !wanted.has_lists() && bucket.acl.is_some() && bucket.ownership.has_lists() {
            return Err(AclError::WithOwnership.into());
        }
        bucket.ownership = wanted;
        let mut changes = Changes::new();
        changes.put(&bucket)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<S3> for GetBucketOwnershipControls {
    type Error = S3Error;

    fn needs(input: &GetBucketOwnershipControlsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:GetBucketOwnershipControls")])
    }

    fn apply(
        input: &GetBucketOwnershipControlsRequest,
        view: &View,
        _cx: &Cx,
    ) -> Result<Applied<GetBucketOwnershipControlsOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let object_ownership = bucket.ownership.name().ok_or(AclError::NoOwnershipControls(bucket.name))?.to_owned();
        let ownership_controls = Some(OwnershipControls { rules: vec![OwnershipControlsRule { object_ownership }] });
        Ok(Applied::read(GetBucketOwnershipControlsOutput { ownership_controls }))
    }
}

/// The action is that of putting them. Source: the service authorization reference of S3.
impl Operation<S3> for DeleteBucketOwnershipControls {
    type Error = S3Error;

    fn needs(input: &DeleteBucketOwnershipControlsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutBucketOwnershipControls")])
    }

    fn apply(input: &DeleteBucketOwnershipControlsRequest, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
        let mut bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        bucket.ownership = Ownership::Unsaid;
        let mut changes = Changes::new();
        changes.put(&bucket)?;
        Ok(Applied::with((), changes))
    }
}
