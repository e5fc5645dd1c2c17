//! `s3:PutBucketVersioning` and `s3:GetBucketVersioning`.
//! Not here: deletion under a second factor, which only the root of an account with such a device could turn on.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiFactorAuthenticationDelete.html>.

use api::s3::{
    GetBucketVersioning, GetBucketVersioningOutput, GetBucketVersioningRequest, PutBucketVersioning,
    PutBucketVersioningRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::mfa;
use super::record::{BucketRecord, Versioning, known_bucket};
use crate::access::Grounds;
use crate::objects::ObjectError;
use crate::{S3, S3Error};

impl Operation<S3> for PutBucketVersioning {
    type Error = S3Error;

    fn needs(input: &PutBucketVersioningRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutBucketVersioning")])
    }

    fn apply(input: &PutBucketVersioningRequest, view: &View, cx: &Cx) -> Result<Applied<()>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let wanted = &input.versioning_configuration;
        let versioning = match wanted.status.as_deref() {
            None | Some("") => return Err(ObjectError::IllegalVersioning.into()),
            Some("Enabled") => Versioning::Enabled,
            Some("Suspended") => Versioning::Suspended,
            Some(_) => return Err(S3Error::MalformedXml),
        };
        let mut changes = Changes::new();
        let mfa_delete = match wanted.mfa_delete.as_deref() {
            None => None,
            Some("Enabled") => Some(true),
            Some("Disabled") => Some(false),
            Some(_) => return Err(S3Error::MalformedXml),
        };
        if mfa_delete == Some(true) || mfa::is_needed(view, &bucket.name)? {
            mfa::show(view, &mut changes, &bucket, input.mfa.as_deref(), cx)?;
        }
        if mfa_delete == Some(true) && bucket.has_lifecycle {
            let text = "MFA delete cannot be enabled on a bucket with a lifecycle configuration.";
            return Err(ObjectError::InvalidBucketState(text).into());
        }
        if let Some(is_enabled) = mfa_delete {
            mfa::put_status(&mut changes, &bucket.name, is_enabled)?;
        }
        if bucket.lock.is_some() && versioning == Versioning::Suspended {
            let text =
                "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.";
            return Err(ObjectError::InvalidBucketState(text).into());
        }
        changes.put(&BucketRecord { versioning, ..bucket })?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<S3> for GetBucketVersioning {
    type Error = S3Error;

    fn needs(input: &GetBucketVersioningRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:GetBucketVersioning")])
    }

    fn apply(
        input: &GetBucketVersioningRequest,
        view: &View,
        _cx: &Cx,
    ) -> Result<Applied<GetBucketVersioningOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let status = match bucket.versioning {
            Versioning::Never => None,
            Versioning::Enabled => Some("Enabled".to_owned()),
            Versioning::Suspended => Some("Suspended".to_owned()),
        };
        let mfa_delete = mfa::status(view, &bucket.name)?;
        Ok(Applied::read(GetBucketVersioningOutput { status, mfa_delete }))
    }
}
