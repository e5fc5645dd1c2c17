//! Operations that are being built: each says that it is not.

use api::s3::{
    AbortMultipartUpload, CompleteMultipartUpload, CopyObject, CreateMultipartUpload,
    DeleteBucketAnalyticsConfiguration, DeleteBucketCors, DeleteBucketIntelligentTieringConfiguration,
    DeleteBucketInventoryConfiguration, DeleteBucketLifecycle, DeleteBucketMetricsConfiguration,
    DeleteBucketOwnershipControls, DeleteBucketReplication, DeleteBucketTagging, DeleteBucketWebsite,
    DeleteObjectTagging, GetBucketAbac, GetBucketAccelerateConfiguration, GetBucketAcl,
    GetBucketAnalyticsConfiguration, GetBucketCors, GetBucketIntelligentTieringConfiguration,
    GetBucketInventoryConfiguration, GetBucketLifecycleConfiguration, GetBucketLogging, GetBucketMetricsConfiguration,
    GetBucketNotificationConfiguration, GetBucketOwnershipControls, GetBucketReplication, GetBucketRequestPayment,
    GetBucketTagging, GetBucketVersioning, GetBucketWebsite, GetObjectAcl, GetObjectAttributes, GetObjectLegalHold,
    GetObjectLockConfiguration, GetObjectRetention, GetObjectTagging, ListBucketAnalyticsConfigurations,
    ListBucketIntelligentTieringConfigurations, ListBucketInventoryConfigurations, ListBucketMetricsConfigurations,
    ListMultipartUploads, ListObjectVersions, ListParts, PutBucketAbac, PutBucketAccelerateConfiguration, PutBucketAcl,
    PutBucketAnalyticsConfiguration, PutBucketCors, PutBucketIntelligentTieringConfiguration,
    PutBucketInventoryConfiguration, PutBucketLifecycleConfiguration, PutBucketLogging, PutBucketMetricsConfiguration,
    PutBucketNotificationConfiguration, PutBucketOwnershipControls, PutBucketRequestPayment, PutBucketTagging,
    PutBucketVersioning, PutBucketWebsite, PutObjectAcl, PutObjectLegalHold, PutObjectLockConfiguration,
    PutObjectRetention, PutObjectTagging, RestoreObject, UploadPart, UploadPartCopy, UploadPartRequest,
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
    CopyObject
    CreateMultipartUpload
    DeleteBucketAnalyticsConfiguration
    DeleteBucketCors
    DeleteBucketIntelligentTieringConfiguration
    DeleteBucketInventoryConfiguration
    DeleteBucketLifecycle
    DeleteBucketMetricsConfiguration
    DeleteBucketOwnershipControls
    DeleteBucketReplication
    DeleteBucketTagging
    DeleteBucketWebsite
    DeleteObjectTagging
    GetBucketAbac
    GetBucketAccelerateConfiguration
    GetBucketAcl
    GetBucketAnalyticsConfiguration
    GetBucketCors
    GetBucketIntelligentTieringConfiguration
    GetBucketInventoryConfiguration
    GetBucketLifecycleConfiguration
    GetBucketLogging
    GetBucketMetricsConfiguration
    GetBucketNotificationConfiguration
    GetBucketOwnershipControls
    GetBucketReplication
    GetBucketRequestPayment
    GetBucketTagging
    GetBucketVersioning
    GetBucketWebsite
    GetObjectAcl
    GetObjectAttributes
    GetObjectLegalHold
    GetObjectLockConfiguration
    GetObjectRetention
    GetObjectTagging
    ListBucketAnalyticsConfigurations
    ListBucketIntelligentTieringConfigurations
    ListBucketInventoryConfigurations
    ListBucketMetricsConfigurations
    ListMultipartUploads
    ListObjectVersions
    ListParts
    PutBucketAbac
    PutBucketAccelerateConfiguration
    PutBucketAcl
    PutBucketAnalyticsConfiguration
    PutBucketCors
    PutBucketIntelligentTieringConfiguration
    PutBucketInventoryConfiguration
    PutBucketLifecycleConfiguration
    PutBucketLogging
    PutBucketMetricsConfiguration
    PutBucketNotificationConfiguration
    PutBucketOwnershipControls
    PutBucketRequestPayment
    PutBucketTagging
    PutBucketVersioning
    PutBucketWebsite
    PutObjectAcl
    PutObjectLegalHold
    PutObjectLockConfiguration
    PutObjectRetention
    PutObjectTagging
    RestoreObject
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
