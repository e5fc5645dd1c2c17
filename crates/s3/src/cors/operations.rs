//! `s3:PutBucketCors`, `s3:GetBucketCors` and `s3:DeleteBucketCors`. Deleting what is not there succeeds.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketCors.html>.

use api::s3::{
    DeleteBucketCors, DeleteBucketCorsRequest, GetBucketCors, GetBucketCorsOutput, GetBucketCorsRequest, PutBucketCors,
    PutBucketCorsRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::rules::{CorsRule, CorsRules};
use crate::access::Grounds;
use crate::buckets::known_bucket;
use crate::config::{config, delete_config, put_config};
use crate::objects::read_md5;
use crate::{S3, S3Error};

impl Operation<S3> for PutBucketCors {
    type Error = S3Error;

    fn needs(input: &PutBucketCorsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutBucketCORS")])
    }

    fn apply(input: &PutBucketCorsRequest, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        read_md5(input.content_md5.as_deref())?;
        let rules = CorsRules::read(&input.cors_configuration.cors_rules)?;
        let mut changes = Changes::new();
        put_config(&mut changes, &bucket.name, "", &rules)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<S3> for GetBucketCors {
    type Error = S3Error;

    fn needs(input: &GetBucketCorsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:GetBucketCORS")])
    }

    fn apply(input: &GetBucketCorsRequest, view: &View, _cx: &Cx) -> Result<Applied<GetBucketCorsOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let stored = config::<CorsRules>(view, &bucket.name, "")?;
        let stored = stored.ok_or(S3Error::NoSuchCors(bucket.name))?;
        let cors_rules = Some(stored.rules.into_iter().map(CorsRule::shown).collect());
        Ok(Applied::read(GetBucketCorsOutput { cors_rules }))
    }
}

/// There is no action of its own for this one.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketCors.html>.
impl Operation<S3> for DeleteBucketCors {
    type Error = S3Error;

    fn needs(input: &DeleteBucketCorsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutBucketCORS")])
    }

    fn apply(input: &DeleteBucketCorsRequest, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let mut changes = Changes::new();
        delete_config::<CorsRules>(&mut changes, &bucket.name, "");
        Ok(Applied::with((), changes))
    }
}
