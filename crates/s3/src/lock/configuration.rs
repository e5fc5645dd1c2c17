//! `s3:PutObjectLockConfiguration` and `s3:GetObjectLockConfiguration`. A bucket that locks objects does so for ever.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html>.

use api::s3::{
    DefaultRetention as GivenDefault, GetObjectLockConfiguration, GetObjectLockConfigurationOutput,
    GetObjectLockConfigurationRequest, ObjectLockConfiguration, ObjectLockRule, PutObjectLockConfiguration,
    PutObjectLockConfigurationOutput, PutObjectLockConfigurationRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::error::LockError;
use super::record::{BucketLock, DefaultPeriod, DefaultRetention, LockMode};
use super::rules::{MAX_DAYS, MAX_YEARS};
use crate::access::Grounds;
use crate::buckets::{Versioning, known_bucket};
use crate::objects::read_md5;
use crate::unbuilt::refuse_given;
use crate::{S3, S3Error};

impl Operation<S3> for PutObjectLockConfiguration {
    type Error = S3Error;

    fn needs(input: &PutObjectLockConfigurationRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutBucketObjectLockConfiguration")])
    }

    fn apply(
        input: &PutObjectLockConfigurationRequest,
        view: &View,
        _cx: &Cx,
    ) -> Result<Applied<PutObjectLockConfigurationOutput>, S3Error> {
        refuse_given(&[("x-amz-request-payer", input.request_payer.is_some())])?;
        let mut bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        read_md5(input.content_md5.as_deref())?;
        let wanted = input.object_lock_configuration.as_ref();
        let wanted =
            wanted.ok_or_else(|| S3Error::misconfigured("MissingRequestBodyError", "Request Body is empty"))?;
        if wanted.object_lock_enabled.as_deref() != Some("Enabled") {
            return Err(S3Error::MalformedXml);
        }
        let default = wanted.rule.as_ref().map(|rule| rule.default_retention.as_ref().ok_or(S3Error::MalformedXml));
        let default = default.transpose()?.map(read_default).transpose()?;
        if bucket.versioning != Versioning::Enabled {
            return Err(LockError::NoVersions.into());
        }
        bucket.lock = Some(BucketLock { default });
        let mut changes = Changes::new();
        changes.put(&bucket)?;
        Ok(Applied::with(PutObjectLockConfigurationOutput::default(), changes))
    }
}

/// A mode and either days or years.
fn read_default(given: &GivenDefault) -> Result<DefaultRetention, S3Error> {
    refuse_given(&[("DefaultEventHold", given.default_event_hold.is_some())])?;
    let mode = given.mode.as_deref().and_then(LockMode::named).ok_or(S3Error::MalformedXml)?;
    let bounded = |name, given: i32, most: i32| match u32::try_from(given) {
        Ok(period) if period > 0 && given <= most => Ok(period),
        Ok(period) if period > 0 => {
            Err(S3Error::argument(name, given.to_string(), "Default retention period too large."))
        }
        _ => {
            let text = "Default retention period must be a positive integer value.";
            Err(S3Error::argument(name, given.to_string(), text))
        }
    };
    let period = match (given.days, given.years) {
        (Some(days), None) => DefaultPeriod::Days(bounded("Days", days, MAX_DAYS)?),
        (None, Some(years)) => DefaultPeriod::Years(bounded("Years", years, MAX_YEARS)?),
        (Some(_), Some(_)) | (None, None) => return Err(S3Error::MalformedXml),
    };
    Ok(DefaultRetention { mode, period })
}

impl Operation<S3> for GetObjectLockConfiguration {
    type Error = S3Error;

    fn needs(input: &GetObjectLockConfigurationRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:GetBucketObjectLockConfiguration")])
    }

    fn apply(
        input: &GetObjectLockConfigurationRequest,
        view: &View,
        _cx: &Cx,
    ) -> Result<Applied<GetObjectLockConfigurationOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let lock = bucket.lock.ok_or(LockError::NoConfiguration(bucket.name))?;
        let shown = ObjectLockConfiguration {
            object_lock_enabled: Some("Enabled".to_owned()),
            rule: lock.default.map(|default| ObjectLockRule { default_retention: Some(shown(&default)) }),
        };
        Ok(Applied::read(GetObjectLockConfigurationOutput { object_lock_configuration: Some(shown) }))
    }
}

fn shown(default: &DefaultRetention) -> GivenDefault {
    let (days, years) = match default.period {
        DefaultPeriod::Days(days) => (i32::try_from(days).ok(), None),
        DefaultPeriod::Years(years) => (None, i32::try_from(years).ok()),
    };
    GivenDefault { mode: Some(default.mode.name().to_owned()), days, years, default_event_hold: None }
}
