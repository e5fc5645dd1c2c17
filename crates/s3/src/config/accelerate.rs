//! `s3:PutBucketAccelerateConfiguration` and `s3:GetBucketAccelerateConfiguration`. There are no edge locations here to
//! be accelerated by: what is put is kept, and given back.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAccelerateConfiguration.html>.

use api::s3::{
    AccelerateConfiguration, GetBucketAccelerateConfiguration, GetBucketAccelerateConfigurationOutput,
    GetBucketAccelerateConfigurationRequest, PutBucketAccelerateConfiguration, PutBucketAccelerateConfigurationRequest,
};
use serde::{Deserialize, Serialize};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::faithful::Faithful;
use super::payment::charged;
use super::record::{BucketConfig, config, put_config};
use crate::access::Grounds;
use crate::buckets::known_bucket;
use crate::{S3, S3Error};

#[derive(Serialize, Deserialize)]
struct Acceleration(Faithful<AccelerateConfiguration>);

impl BucketConfig for Acceleration {
    const KIND: &'static str = "accelerate";
}

impl Operation<S3> for PutBucketAccelerateConfiguration {
    type Error = S3Error;

    fn needs(
        input: &PutBucketAccelerateConfigurationRequest,
        view: &View,
        scope: &Scope,
    ) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutAccelerateConfiguration")])
    }

    fn apply(input: &PutBucketAccelerateConfigurationRequest, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let wanted = &input.accelerate_configuration;
        if !matches!(wanted.status.as_deref(), Some("Enabled" | "Suspended")) {
            return Err(S3Error::MalformedXml);
        }
        if bucket.name.contains('.') {
            let text = "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names";
            return Err(S3Error::InvalidRequest(text.into()));
        }
        let mut changes = Changes::new();
        put_config(&mut changes, &bucket.name, "", &Acceleration(Faithful(wanted.clone())))?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<S3> for GetBucketAccelerateConfiguration {
    type Error = S3Error;

    fn needs(
        input: &GetBucketAccelerateConfigurationRequest,
        view: &View,
        scope: &Scope,
    ) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:GetAccelerateConfiguration")])
    }

    /// A bucket that never had one answers an empty document.
    fn apply(
        input: &GetBucketAccelerateConfigurationRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<GetBucketAccelerateConfigurationOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let request_charged = charged(&bucket, &cx.call.caller, input.request_payer.as_deref())?;
        let found = config::<Acceleration>(view, &bucket.name, "")?;
        let status = found.and_then(|found| found.0.0.status);
        Ok(Applied::read(GetBucketAccelerateConfigurationOutput { status, request_charged }))
    }
}
