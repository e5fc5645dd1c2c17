//! `s3:PutBucketVersioning` and `s3:GetBucketVersioning`.
//! Not here: deletion under a second factor, which only the root of an account with such a device could turn on.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiFactorAuthenticationDelete.html>.

use api::s3::{
    GetBucketVersioning, GetBucketVersioningOutput, GetBucketVersioningRequest, PutBucketVersioning,
    PutBucketVersioningRequest,
};
use serde::{Deserialize, Serialize};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::record::{BucketRecord, Versioning, known_bucket};
use crate::access::Grounds;
use crate::config::{BucketConfig, config, put_config};
use crate::objects::ObjectError;
use crate::{S3, S3Error};

/// That somebody said that a second factor is not needed: S3 shows it from then on.
#[derive(Debug, Serialize, Deserialize)]
struct MfaDelete {
    /// `Disabled`.
    status: String,
}

impl BucketConfig for MfaDelete {
    const KIND: &'static str = "mfa-delete";
}

impl Operation<S3> for PutBucketVersioning {
    type Error = S3Error;

    fn needs(input: &PutBucketVersioningRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutBucketVersioning")])
    }

    fn apply(input: &PutBucketVersioningRequest, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let wanted = &input.versioning_configuration;
        let versioning = match wanted.status.as_deref() {
            None | Some("") => return Err(ObjectError::IllegalVersioning.into()),
            Some("Enabled") => Versioning::Enabled,
            Some("Suspended") => Versioning::Suspended,
            Some(_) => return Err(S3Error::MalformedXml),
        };
        let mut changes = Changes::new();
        match wanted.mfa_delete.as_deref() {
            None => {}
            Some("Disabled") => {
                put_config(&mut changes, &bucket.name, "", &MfaDelete { status: "Disabled".to_owned() })?;
            }
            Some("Enabled") => {
                return Err(S3Error::Prevented("Mfa Authentication must be used for this request".to_owned()));
            }
            Some(_) => return Err(S3Error::MalformedXml),
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
        let mfa_delete = config::<MfaDelete>(view, &bucket.name, "")?.map(|mfa| mfa.status);
        Ok(Applied::read(GetBucketVersioningOutput { status, mfa_delete }))
    }
}
