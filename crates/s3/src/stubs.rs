//! Operations that are being built: each says that it is not.

use api::s3::{
    CopyObject, DeleteBucketAnalyticsConfiguration, DeleteBucketCors, DeleteBucketEncryption,
    DeleteBucketIntelligentTieringConfiguration, DeleteBucketInventoryConfiguration, DeleteBucketLifecycle,
    DeleteBucketMetricsConfiguration, DeleteBucketOwnershipControls, DeleteBucketReplication, DeleteBucketTagging,
    DeleteBucketWebsite, DeleteObjectTagging, GetBucketAbac, GetBucketAccelerateConfiguration, GetBucketAcl,
    GetBucketAnalyticsConfiguration, GetBucketCors, GetBucketEncryption, GetBucketIntelligentTieringConfiguration,
    GetBucketInventoryConfiguration, GetBucketLifecycleConfiguration, GetBucketLogging, GetBucketMetricsConfiguration,
    GetBucketNotificationConfiguration, GetBucketOwnershipControls, GetBucketReplication, GetBucketRequestPayment,
    GetBucketTagging, GetBucketVersioning, GetBucketWebsite, GetObjectAcl, GetObjectAttributes, GetObjectLegalHold,
    GetObjectLockConfiguration, GetObjectRetention, GetObjectTagging, ListBucketAnalyticsConfigurations,
    ListBucketIntelligentTieringConfigurations, ListBucketInventoryConfigurations, ListBucketMetricsConfigurations,
    ListObjectVersions, PutBucketAbac, PutBucketAccelerateConfiguration, PutBucketAcl, PutBucketAnalyticsConfiguration,
    PutBucketCors, PutBucketEncryption, PutBucketIntelligentTieringConfiguration, PutBucketInventoryConfiguration,
    PutBucketLifecycleConfiguration, PutBucketLogging, PutBucketMetricsConfiguration,
    PutBucketNotificationConfiguration, PutBucketOwnershipControls, PutBucketRequestPayment, PutBucketTagging,
    PutBucketVersioning, PutBucketWebsite, PutObjectAcl, PutObjectLegalHold, PutObjectLockConfiguration,
    PutObjectRetention, PutObjectTagging, RestoreObject,
};
use service::{Applied, Cx, Need, Operation, Scope};
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
    CopyObject
    DeleteBucketAnalyticsConfiguration
    DeleteBucketCors
    DeleteBucketEncryption
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
    GetBucketEncryption
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
    ListObjectVersions
    PutBucketAbac
    PutBucketAccelerateConfiguration
    PutBucketAcl
    PutBucketAnalyticsConfiguration
    PutBucketCors
    PutBucketEncryption
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
}
