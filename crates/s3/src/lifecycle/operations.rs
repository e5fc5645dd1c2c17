//! `s3:PutBucketLifecycleConfiguration`, `s3:GetBucketLifecycleConfiguration` and `s3:DeleteBucketLifecycle`.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html>. The older
//! `PutBucketLifecycle` is the same request.

use api::s3::{
    DeleteBucketLifecycle, DeleteBucketLifecycleRequest, GetBucketLifecycleConfiguration,
    GetBucketLifecycleConfigurationOutput, GetBucketLifecycleConfigurationRequest, PutBucketLifecycleConfiguration,
    PutBucketLifecycleConfigurationOutput, PutBucketLifecycleConfigurationRequest,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::check::{check, invalid_request};
use super::record::{ALL_CLASSES, BY_CLASS, Lifecycle};
use crate::access::Grounds;
use crate::buckets::{known_bucket, mfa};
use crate::config::{Faithful, config, delete_config, put_config};
use crate::objects::ObjectError;
use crate::{S3, S3Error};

impl Operation<S3> for PutBucketLifecycleConfiguration {
    type Error = S3Error;

    fn needs(input: &PutBucketLifecycleConfigurationRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutLifecycleConfiguration")])
    }

    fn apply(
        input: &PutBucketLifecycleConfigurationRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<PutBucketLifecycleConfigurationOutput>, S3Error> {
        let mut bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let mut configuration = input.lifecycle_configuration.clone().ok_or(S3Error::MalformedXml)?;
        check(&configuration.rules)?;
        // Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-and-other-bucket-config.html.
        if mfa::is_needed(view, &bucket.name)? {
            let text = "Lifecycle configuration on MFA-enabled buckets is not supported.";
            return Err(ObjectError::InvalidBucketState(text).into());
        }
        let minimum_size = match input.transition_default_minimum_object_size.as_deref() {
            None => ALL_CLASSES,
            Some(known @ (ALL_CLASSES | BY_CLASS)) => known,
            Some(other) => {
                return Err(invalid_request(format!("Invalid TransitionDefaultMinimumObjectSize found: {other}")));
            }
        };
        for rule in &mut configuration.rules {
            if rule.id.as_deref().is_none_or(str::is_empty) {
                rule.id = Some(new_id(cx));
            }
        }
        bucket.has_lifecycle = true;
        let mut changes = Changes::new();
        changes.put(&bucket)?;
        let lifecycle = Lifecycle { rules: Faithful(configuration), minimum_size: minimum_size.to_owned() };
        put_config(&mut changes, &bucket.name, "", &lifecycle)?;
        let transition_default_minimum_object_size = Some(lifecycle.minimum_size);
        Ok(Applied::with(PutBucketLifecycleConfigurationOutput { transition_default_minimum_object_size }, changes))
    }
}

/// An id for a rule that came without one, in the form of S3's: 48 characters.
fn new_id(cx: &Cx) -> String {
    STANDARD.encode(wire::uuid_request_id(cx.random()))
}

impl Operation<S3> for GetBucketLifecycleConfiguration {
    type Error = S3Error;

    fn needs(input: &GetBucketLifecycleConfigurationRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:GetLifecycleConfiguration")])
    }

    fn apply(
        input: &GetBucketLifecycleConfigurationRequest,
        view: &View,
        _cx: &Cx,
    ) -> Result<Applied<GetBucketLifecycleConfigurationOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let Some(found) = config::<Lifecycle>(view, &bucket.name, "")? else {
            let text = "The lifecycle configuration does not exist";
            return Err(S3Error::not_configured("NoSuchLifecycleConfiguration", text, bucket.name));
        };
        Ok(Applied::read(GetBucketLifecycleConfigurationOutput {
            rules: Some(found.rules.0.rules),
            transition_default_minimum_object_size: Some(found.minimum_size),
        }))
    }
}

/// The action is that of putting one. Source: the service authorization reference of S3.
impl Operation<S3> for DeleteBucketLifecycle {
    type Error = S3Error;

    fn needs(input: &DeleteBucketLifecycleRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutLifecycleConfiguration")])
    }

    fn apply(input: &DeleteBucketLifecycleRequest, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
        let mut bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let mut changes = Changes::new();
        if bucket.has_lifecycle {
            bucket.has_lifecycle = false;
            changes.put(&bucket)?;
            delete_config::<Lifecycle>(&mut changes, &bucket.name, "");
        }
        Ok(Applied::with((), changes))
    }
}
