//! `s3:GetObjectAcl` and `s3:PutObjectAcl`.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAcl.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html>.

use api::s3::{
    GetObjectAcl, GetObjectAclOutput, GetObjectAclRequest, PutObjectAcl, PutObjectAclOutput, PutObjectAclRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::error::AclError;
use super::given::{AclHeaders, Reader};
use super::new::{is_private, is_the_owners, object_owner, refuse_blocked};
use super::shown::shown;
use crate::access::{Grounds, given};
use crate::buckets::known_bucket;
use crate::objects::{describable, read_md5, readable, rewrite};
use crate::owner::owner;
use crate::unbuilt::refuse_given;
use crate::{S3, S3Error};

impl Operation<S3> for GetObjectAcl {
    type Error = S3Error;

    fn needs(input: &GetObjectAclRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        let grounds = Grounds::of(view, scope, &input.bucket)?;
        let actions = ("s3:GetObjectAcl", "s3:GetObjectVersionAcl");
        Ok(vec![grounds.on_version(actions, view, &input.key, input.version_id.as_deref())?])
    }

    fn apply(input: &GetObjectAclRequest, view: &View, _cx: &Cx) -> Result<Applied<GetObjectAclOutput>, S3Error> {
        refuse_given(&[("x-amz-request-payer", input.request_payer.is_some())])?;
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let object = readable(view, &bucket, &input.key, input.version_id.as_deref(), "GET")?;
        let its_owner = object_owner(&bucket, &object);
        let acl = object.traits.acl.as_ref().filter(|_| bucket.ownership.has_lists());
        Ok(Applied::read(GetObjectAclOutput {
            owner: Some(owner(its_owner)),
            grants: Some(shown(acl, its_owner)),
            request_charged: None,
        }))
    }
}

fn headers(input: &PutObjectAclRequest) -> AclHeaders<'_> {
    AclHeaders {
        canned: input.acl.as_deref(),
        full_control: input.grant_full_control.as_deref(),
        read: input.grant_read.as_deref(),
        read_acp: input.grant_read_acp.as_deref(),
        write: input.grant_write.as_deref(),
        write_acp: input.grant_write_acp.as_deref(),
    }
}

impl Operation<S3> for PutObjectAcl {
    type Error = S3Error;

    fn needs(input: &PutObjectAclRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        let grounds = Grounds::of(view, scope, &input.bucket)?;
        let actions = ("s3:PutObjectAcl", "s3:PutObjectVersionAcl");
        let need = grounds.on_version(actions, view, &input.key, input.version_id.as_deref())?;
        Ok(vec![given(need, &headers(input).keys())])
    }

    fn apply(input: &PutObjectAclRequest, view: &View, cx: &Cx) -> Result<Applied<PutObjectAclOutput>, S3Error> {
        refuse_given(&[("x-amz-request-payer", input.request_payer.is_some())])?;
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        read_md5(input.content_md5.as_deref())?;
        let mut object = describable(view, &bucket, &input.key, input.version_id.as_deref(), "PUT")?;
        let its_owner = object_owner(&bucket, &object).clone();
        let headers = headers(input);
        let reader = Reader::new(view, cx, &its_owner, &bucket.owner);
        let acl = match (reader.headers(&headers)?, &input.access_control_policy) {
            (Some(_), Some(_)) => return Err(AclError::UnexpectedContent.into()),
            (Some(acl), None) => acl,
            (None, Some(document)) => reader.document(document)?,
            (None, None) => return Err(AclError::Missing.into()),
        };
        if !bucket.ownership.has_lists() {
            return if is_the_owners(&acl, &headers, &bucket) {
                Ok(Applied::read(PutObjectAclOutput::default()))
            } else {
                Err(AclError::NotSupported.into())
            };
        }
        refuse_blocked(view, cx, &bucket, &acl, "s3:PutObjectAcl", Some(&input.key))?;
        object.traits.acl = (!is_private(&acl, &its_owner)).then_some(acl);
        let mut changes = Changes::new();
        rewrite(view, &mut changes, &object)?;
        Ok(Applied::with(PutObjectAclOutput::default(), changes))
    }
}
