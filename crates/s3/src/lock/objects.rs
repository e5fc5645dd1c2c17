//! `s3:PutObjectRetention`, `s3:GetObjectRetention`, `s3:PutObjectLegalHold` and `s3:GetObjectLegalHold`.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectRetention.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLegalHold.html>.

use api::s3::{
    GetObjectLegalHold, GetObjectLegalHoldOutput, GetObjectLegalHoldRequest, GetObjectRetention,
    GetObjectRetentionOutput, GetObjectRetentionRequest, ObjectLockLegalHold, ObjectLockRetention, PutObjectLegalHold,
    PutObjectLegalHoldOutput, PutObjectLegalHoldRequest, PutObjectRetention, PutObjectRetentionOutput,
    PutObjectRetentionRequest,
};
use jiff::Timestamp;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::error::LockError;
use super::record::{LockMode, Retention};
use super::rules::{check_change, future, hold_name, read_hold};
use crate::access::{Grounds, given};
use crate::buckets::{BucketRecord, known_bucket};
use crate::objects::{describable, read_md5, rewrite};
use crate::unbuilt::refuse_given;
use crate::{S3, S3Error};

/// The bucket, if it can lock objects.
fn locking(view: &View, name: &str, expected_owner: Option<&str>) -> Result<BucketRecord, S3Error> {
    let bucket = known_bucket(view, name, expected_owner)?;
    if bucket.lock.is_none() {
        return Err(LockError::BucketWithout.into());
    }
    Ok(bucket)
}

/// What conditions may ask about a lock that a request sets.
/// Source: the service authorization reference of S3.
pub(crate) fn lock_keys(
    need: Need,
    mode: Option<&str>,
    until: Option<Timestamp>,
    hold: Option<&str>,
    now: Timestamp,
) -> Need {
    // Whole days, as a part of one counts for one.
    let days = until.map(|until| (until.as_second() - now.as_second()).max(0).div_euclid(86_400).to_string());
    let until = until.map(|until| until.to_string());
    given(
        need,
        &[
            ("s3:object-lock-mode", mode),
            ("s3:object-lock-retain-until-date", until.as_deref()),
            ("s3:object-lock-remaining-retention-days", days.as_deref()),
            ("s3:object-lock-legal-hold", hold),
        ],
    )
}

impl Operation<S3> for PutObjectRetention {
    type Error = S3Error;

    fn needs(input: &PutObjectRetentionRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        let grounds = Grounds::of(view, scope, &input.bucket)?;
        let version = input.version_id.as_deref();
        let actions = ("s3:PutObjectRetention", "s3:PutObjectRetention");
        let need = grounds.on_version(actions, view, &input.key, version)?;
        let (mode, until) = match &input.retention {
            Some(retention) => (retention.mode.as_deref(), retention.retain_until_date),
            None => (None, None),
        };
        let mut needs = vec![lock_keys(need, mode, until, None, scope.now)];
        if input.bypass_governance_retention == Some(true) {
            needs.push(grounds.object("s3:BypassGovernanceRetention", &input.key));
        }
        Ok(needs)
    }

    fn apply(
        input: &PutObjectRetentionRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<PutObjectRetentionOutput>, S3Error> {
        refuse_given(&[("x-amz-request-payer", input.request_payer.is_some())])?;
        let given = input.retention.as_ref().ok_or(S3Error::MalformedXml)?;
        let bucket = locking(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        read_md5(input.content_md5.as_deref())?;
        let wanted = read_retention(given, cx.now)?;
        let mut object = describable(view, &bucket, &input.key, input.version_id.as_deref(), "PUT")?;
        let bypass = input.bypass_governance_retention == Some(true);
        check_change(object.traits.lock.retention.as_ref(), wanted.as_ref(), bypass, cx.now)?;
        object.traits.lock.retention = wanted;
        let mut changes = Changes::new();
        rewrite(view, &mut changes, &object)?;
        Ok(Applied::with(PutObjectRetentionOutput::default(), changes))
    }
}

/// What a document says of a retention: both mode and date, or neither, which takes one away.
fn read_retention(given: &ObjectLockRetention, now: Timestamp) -> Result<Option<Retention>, S3Error> {
    refuse_given(&[
        ("EventHold", given.event_hold.is_some()),
        ("EventHoldDuration", given.event_hold_duration.is_some()),
    ])?;
    match (&given.mode, given.retain_until_date) {
        (None, None) => Ok(None),
        (Some(mode), Some(until)) => {
            let mode = LockMode::named(mode).ok_or(S3Error::MalformedXml)?;
            Ok(Some(Retention { mode, until: future("RetainUntilDate", until, now)? }))
        }
        (Some(_), None) | (None, Some(_)) => Err(S3Error::MalformedXml),
    }
}

impl Operation<S3> for GetObjectRetention {
    type Error = S3Error;

    fn needs(input: &GetObjectRetentionRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        let grounds = Grounds::of(view, scope, &input.bucket)?;
        let actions = ("s3:GetObjectRetention", "s3:GetObjectRetention");
        Ok(vec![grounds.on_version(actions, view, &input.key, input.version_id.as_deref())?])
    }

    fn apply(
        input: &GetObjectRetentionRequest,
        view: &View,
        _cx: &Cx,
    ) -> Result<Applied<GetObjectRetentionOutput>, S3Error> {
        refuse_given(&[("x-amz-request-payer", input.request_payer.is_some())])?;
        let bucket = locking(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let object = describable(view, &bucket, &input.key, input.version_id.as_deref(), "GET")?;
        let retention = object.traits.lock.retention.ok_or(LockError::NoLock)?;
        let shown = ObjectLockRetention {
            mode: Some(retention.mode.name().to_owned()),
            retain_until_date: Some(retention.until),
            ..ObjectLockRetention::default()
        };
        Ok(Applied::read(GetObjectRetentionOutput { retention: Some(shown) }))
    }
}

impl Operation<S3> for PutObjectLegalHold {
    type Error = S3Error;

    fn needs(input: &PutObjectLegalHoldRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        let grounds = Grounds::of(view, scope, &input.bucket)?;
        let actions = ("s3:PutObjectLegalHold", "s3:PutObjectLegalHold");
        let need = grounds.on_version(actions, view, &input.key, input.version_id.as_deref())?;
        let hold = input.legal_hold.as_ref().and_then(|hold| hold.status.as_deref());
        Ok(vec![lock_keys(need, None, None, hold, scope.now)])
    }

    fn apply(
        input: &PutObjectLegalHoldRequest,
        view: &View,
        _cx: &Cx,
    ) -> Result<Applied<PutObjectLegalHoldOutput>, S3Error> {
        refuse_given(&[("x-amz-request-payer", input.request_payer.is_some())])?;
        let given = input.legal_hold.as_ref().ok_or(S3Error::MalformedXml)?;
        let bucket = locking(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        read_md5(input.content_md5.as_deref())?;
        let status = given.status.as_deref();
        let is_held = status.and_then(read_hold).ok_or(S3Error::MalformedXml)?;
        let mut object = describable(view, &bucket, &input.key, input.version_id.as_deref(), "PUT")?;
        object.traits.lock.is_held = Some(is_held);
        let mut changes = Changes::new();
        rewrite(view, &mut changes, &object)?;
        Ok(Applied::with(PutObjectLegalHoldOutput::default(), changes))
    }
}

impl Operation<S3> for GetObjectLegalHold {
    type Error = S3Error;

    fn needs(input: &GetObjectLegalHoldRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        let grounds = Grounds::of(view, scope, &input.bucket)?;
        let actions = ("s3:GetObjectLegalHold", "s3:GetObjectLegalHold");
        Ok(vec![grounds.on_version(actions, view, &input.key, input.version_id.as_deref())?])
    }

    fn apply(
        input: &GetObjectLegalHoldRequest,
        view: &View,
        _cx: &Cx,
    ) -> Result<Applied<GetObjectLegalHoldOutput>, S3Error> {
        refuse_given(&[("x-amz-request-payer", input.request_payer.is_some())])?;
        let bucket = locking(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let object = describable(view, &bucket, &input.key, input.version_id.as_deref(), "GET")?;
        let is_held = object.traits.lock.is_held.ok_or(LockError::NoLock)?;
        let legal_hold = Some(ObjectLockLegalHold { status: Some(hold_name(is_held).to_owned()) });
        Ok(Applied::read(GetObjectLegalHoldOutput { legal_hold }))
    }
}
