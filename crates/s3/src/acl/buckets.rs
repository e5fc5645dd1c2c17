//! `s3:GetBucketAcl` and `s3:PutBucketAcl`.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketAcl.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAcl.html>.

use api::s3::{GetBucketAcl, GetBucketAclOutput, GetBucketAclRequest, PutBucketAcl, PutBucketAclRequest};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::error::AclError;
use super::given::{AclHeaders, Reader};
use super::new::{is_private, refuse_blocked};
use super::shown::shown;
use crate::access::{Grounds, given};
use crate::buckets::known_bucket;
use crate::objects::read_md5;
use crate::owner::owner;
use crate::{S3, S3Error};

impl Operation<S3> for GetBucketAcl {
    type Error = S3Error;

    fn needs(input: &GetBucketAclRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:GetBucketAcl")])
    }

    fn apply(input: &GetBucketAclRequest, view: &View, _cx: &Cx) -> Result<Applied<GetBucketAclOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let acl = bucket.acl.as_ref().filter(|_| bucket.ownership.has_lists());
        let grants = Some(shown(acl, &bucket.owner));
        Ok(Applied::read(GetBucketAclOutput { owner: Some(owner(&bucket.owner)), grants }))
    }
}

fn headers(input: &PutBucketAclRequest) -> AclHeaders<'_> {
    AclHeaders {
        canned: input.acl.as_deref(),
        full_control: input.grant_full_control.as_deref(),
        read: input.grant_read.as_deref(),
        read_acp: input.grant_read_acp.as_deref(),
        write: input.grant_write.as_deref(),
        write_acp: input.grant_write_acp.as_deref(),
    }
}

impl Operation<S3> for PutBucketAcl {
    type Error = S3Error;

    fn needs(input: &PutBucketAclRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        let need = Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutBucketAcl");
        Ok(vec![given(need, &headers(input).keys())])
    }

    fn apply(input: &PutBucketAclRequest, view: &View, cx: &Cx) -> Result<Applied<()>, S3Error> {
        let mut bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        read_md5(input.content_md5.as_deref())?;
        let reader = Reader::of_bucket(view, cx, &bucket.owner);
        let acl = match (reader.headers(&headers(input))?, &input.access_control_policy) {
            (Some(_), Some(_)) => return Err(AclError::UnexpectedContent.into()),
            (Some(acl), None) => acl,
            (None, Some(document)) => reader.document(document)?,
            (None, None) => return Err(AclError::Missing.into()),
        };
        if !bucket.ownership.has_lists() {
            return Err(AclError::NotSupported.into());
        }
        refuse_blocked(view, cx, &bucket, &acl, "s3:PutBucketAcl", None)?;
        let acl = (!is_private(&acl, &bucket.owner)).then_some(acl);
        let mut changes = Changes::new();
        // Many that say the same at once do not stand in each other's way.
        if acl != bucket.acl {
            bucket.acl = acl;
            changes.put(&bucket)?;
        }
        Ok(Applied::with((), changes))
    }
}
