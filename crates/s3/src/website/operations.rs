//! `s3:PutBucketWebsite`, `s3:GetBucketWebsite` and `s3:DeleteBucketWebsite`. Deleting what is not there succeeds.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketWebsite.html>.

use api::s3::{
    DeleteBucketWebsite, DeleteBucketWebsiteRequest, GetBucketWebsite, GetBucketWebsiteOutput, GetBucketWebsiteRequest,
    PutBucketWebsite, PutBucketWebsiteRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::config::Website;
use crate::access::Grounds;
use crate::buckets::known_bucket;
use crate::config::{config, delete_config, put_config};
use crate::objects::read_md5;
use crate::{S3, S3Error};

impl Operation<S3> for PutBucketWebsite {
    type Error = S3Error;

    fn needs(input: &PutBucketWebsiteRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutBucketWebsite")])
    }

    fn apply(input: &PutBucketWebsiteRequest, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        read_md5(input.content_md5.as_deref())?;
        let website = Website::read(&input.website_configuration)?;
        let mut changes = Changes::new();
        put_config(&mut changes, &bucket.name, "", &website)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<S3> for GetBucketWebsite {
    type Error = S3Error;

    fn needs(input: &GetBucketWebsiteRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:GetBucketWebsite")])
    }

    fn apply(
        input: &GetBucketWebsiteRequest,
        view: &View,
        _cx: &Cx,
    ) -> Result<Applied<GetBucketWebsiteOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let website = config::<Website>(view, &bucket.name, "")?;
        Ok(Applied::read(website.ok_or(S3Error::NoSuchWebsite(bucket.name))?.shown()))
    }
}

impl Operation<S3> for DeleteBucketWebsite {
    type Error = S3Error;

    fn needs(input: &DeleteBucketWebsiteRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:DeleteBucketWebsite")])
    }

    fn apply(input: &DeleteBucketWebsiteRequest, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let mut changes = Changes::new();
        delete_config::<Website>(&mut changes, &bucket.name, "");
        Ok(Applied::with((), changes))
    }
}
