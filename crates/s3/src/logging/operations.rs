//! `s3:PutBucketLogging` and `s3:GetBucketLogging`. Whether the log may be written to its target is seen when it is,
//! as its policy may change at any time.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLogging.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html>.

use api::s3::{
    GetBucketLogging, GetBucketLoggingOutput, GetBucketLoggingRequest, LoggingEnabled, PutBucketLogging,
    PutBucketLoggingRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::record::Logging;
use crate::access::Grounds;
use crate::acl::{Acl, Grantee, Ownership, Permission};
use crate::buckets::{BucketRecord, known_bucket};
use crate::config::{Faithful, config, delete_config, put_config};
use crate::objects::read_md5;
use crate::{S3, S3Error};

impl Operation<S3> for PutBucketLogging {
    type Error = S3Error;

    fn needs(input: &PutBucketLoggingRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutBucketLogging")])
    }

    fn apply(input: &PutBucketLoggingRequest, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        read_md5(input.content_md5.as_deref())?;
        let mut changes = Changes::new();
        match &input.bucket_logging_status.logging_enabled {
            Some(wanted) => {
                check_form(wanted)?;
                check_target(view, &bucket, wanted)?;
                put_config(&mut changes, &bucket.name, "", &Logging(Faithful(wanted.clone())))?;
            }
            None => delete_config::<Logging>(&mut changes, &bucket.name, ""),
        }
        Ok(Applied::with((), changes))
    }
}

fn check_form(wanted: &LoggingEnabled) -> Result<(), S3Error> {
    if let Some(format) = &wanted.target_object_key_format {
        let source = format.partitioned_prefix.as_ref().and_then(|prefix| prefix.partition_date_source.as_deref());
        let is_known = matches!(source, None | Some("EventTime" | "DeliveryTime"));
        if format.simple_prefix.is_some() == format.partitioned_prefix.is_some() || !is_known {
            return Err(S3Error::MalformedXml);
        }
    }
    let is_grant = |permission: Option<&str>| matches!(permission, Some("FULL_CONTROL" | "READ" | "WRITE"));
    let grants = wanted.target_grants.as_deref().unwrap_or_default();
    let is_fit = grants.iter().all(|grant| grant.grantee.is_some() && is_grant(grant.permission.as_deref()));
    if is_fit { Ok(()) } else { Err(S3Error::MalformedXml) }
}

/// Refuses a bucket that no log of this one goes to.
fn check_target(view: &View, bucket: &BucketRecord, wanted: &LoggingEnabled) -> Result<(), S3Error> {
    let refused = |message| Err(S3Error::InvalidLogTarget { message, bucket: wanted.target_bucket.clone() });
    let Some(target) = view.get::<BucketRecord>(&wanted.target_bucket)? else {
        return refused("The target bucket for logging does not exist");
    };
    if target.owner != bucket.owner {
        return refused("The owner for the bucket to be logged and the target bucket must be the same.");
    }
    if target.region != bucket.region {
        return refused("The bucket to be logged and the target bucket must be in the same region.");
    }
    let has_grants = wanted.target_grants.as_ref().is_some_and(|grants| !grants.is_empty());
    if target.ownership == Ownership::BucketOwnerEnforced {
        if has_grants {
            let text = "The bucket does not allow ACLs";
            return Err(S3Error::misconfigured("AccessControlListNotSupported", text));
        }
        return Ok(());
    }
    let has_policy = view.contains::<crate::BucketPolicyRecord>(&target.name)?;
    if has_policy || target.acl.as_ref().is_some_and(admits_logs) {
        return Ok(());
    }
    refused("You must give the log-delivery group WRITE and READ_ACP permissions to the target bucket")
}

/// Whether a list lets logs be written, and be given to the owner.
fn admits_logs(acl: &Acl) -> bool {
    let grants = |wanted| {
        let mut of_logs = acl.grants.iter().filter(|grant| grant.grantee == Grantee::LogDelivery);
        of_logs.any(|grant| grant.permission == wanted || grant.permission == Permission::FullControl)
    };
    grants(Permission::Write) && grants(Permission::ReadAcp)
}

impl Operation<S3> for GetBucketLogging {
    type Error = S3Error;

    fn needs(input: &GetBucketLoggingRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:GetBucketLogging")])
    }

    /// A bucket that is not logged answers an empty document.
    fn apply(
        input: &GetBucketLoggingRequest,
        view: &View,
        _cx: &Cx,
    ) -> Result<Applied<GetBucketLoggingOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let logging_enabled = config::<Logging>(view, &bucket.name, "")?.map(|found| found.0.0);
        Ok(Applied::read(GetBucketLoggingOutput { logging_enabled }))
    }
}
