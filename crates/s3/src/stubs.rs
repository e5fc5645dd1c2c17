//! Operations that are being built: each says that it is not.

use api::s3::{
    AbortMultipartUpload, CompleteMultipartUpload, CreateMultipartUpload, DeleteBucketAnalyticsConfiguration,
    DeleteBucketIntelligentTieringConfiguration, DeleteBucketInventoryConfiguration, DeleteBucketMetricsConfiguration,
    DeleteBucketReplication, GetBucketAnalyticsConfiguration, GetBucketIntelligentTieringConfiguration,
    GetBucketInventoryConfiguration, GetBucketMetricsConfiguration, GetBucketNotificationConfiguration,
    GetBucketReplication, ListBucketAnalyticsConfigurations, ListBucketIntelligentTieringConfigurations,
    ListBucketInventoryConfigurations, ListBucketMetricsConfigurations, ListMultipartUploads, ListParts,
    PutBucketAnalyticsConfiguration, PutBucketIntelligentTieringConfiguration, PutBucketInventoryConfiguration,
    PutBucketMetricsConfiguration, PutBucketNotificationConfiguration, UploadPart, UploadPartCopy, UploadPartRequest,
};
use async_trait::async_trait;
use service::{Applied, Cx, Need, Operation, Scope, Streaming};
use store::View;

use crate::{S3, S3Error};

macro_rules! unbuilt {
    ($($operation:ident)*) => {
        $(impl Operation<S3> for $operation {
            type Error = S3Error;

            fn needs(_: &Self::Input, _: &View, _: &Scope) -> Result<Vec<Need>, S3Error> {
                Err(S3Error::NotImplemented(stringify!($operation)))
            }

            fn apply(_: &Self::Input, _: &View, _: &Cx) -> Result<Applied<Self::Output>, S3Error> {
                Err(S3Error::NotImplemented(stringify!($operation)))
            }
        })*
    };
}

unbuilt! {
    AbortMultipartUpload
    CompleteMultipartUpload
    CreateMultipartUpload
    DeleteBucketAnalyticsConfiguration
    DeleteBucketIntelligentTieringConfiguration
    DeleteBucketInventoryConfiguration
    DeleteBucketMetricsConfiguration
    DeleteBucketReplication
    GetBucketAnalyticsConfiguration
    GetBucketIntelligentTieringConfiguration
    GetBucketInventoryConfiguration
    GetBucketMetricsConfiguration
    GetBucketNotificationConfiguration
    GetBucketReplication
    ListBucketAnalyticsConfigurations
    ListBucketIntelligentTieringConfigurations
    ListBucketInventoryConfigurations
    ListBucketMetricsConfigurations
    ListMultipartUploads
    ListParts
    PutBucketAnalyticsConfiguration
    PutBucketIntelligentTieringConfiguration
    PutBucketInventoryConfiguration
    PutBucketMetricsConfiguration
    PutBucketNotificationConfiguration
    UploadPartCopy
}

#[async_trait]
impl Streaming<S3> for UploadPart {
    type Error = S3Error;
    type Staged = ();
    type Found = api::s3::UploadPartOutput;

    fn needs(_: &UploadPartRequest, _: &View, _: &Scope) -> Result<Vec<Need>, S3Error> {
        Err(S3Error::NotImplemented("UploadPart"))
    }

    fn check(_: &UploadPartRequest, _: &View, _: &Cx) -> Result<(), S3Error> {
        Ok(())
    }

    async fn stage(_: &S3, _: &mut UploadPartRequest, _: &Cx) -> Result<(), S3Error> {
        Ok(())
    }

    fn apply(_: &UploadPartRequest, _: &(), _: &View, _: &Cx) -> Result<Applied<Self::Found>, S3Error> {
        Err(S3Error::NotImplemented("UploadPart"))
    }

    async fn abandon(_: &S3, _: &()) {}

    async fn finish(_: &S3, _: &UploadPartRequest, found: Self::Found) -> Result<Self::Found, S3Error> {
        Ok(found)
    }
}
