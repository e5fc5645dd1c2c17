//! Operations that are being built: each says that it is not.

use api::s3::{
    DeleteBucketAnalyticsConfiguration, DeleteBucketIntelligentTieringConfiguration,
    DeleteBucketInventoryConfiguration, DeleteBucketMetricsConfiguration, DeleteBucketReplication,
    GetBucketAnalyticsConfiguration, GetBucketIntelligentTieringConfiguration, GetBucketInventoryConfiguration,
    GetBucketMetricsConfiguration, GetBucketNotificationConfiguration, GetBucketReplication,
    ListBucketAnalyticsConfigurations, ListBucketIntelligentTieringConfigurations, ListBucketInventoryConfigurations,
    ListBucketMetricsConfigurations, PutBucketAnalyticsConfiguration, PutBucketIntelligentTieringConfiguration,
    PutBucketInventoryConfiguration, PutBucketMetricsConfiguration, PutBucketNotificationConfiguration,
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
    PutBucketAnalyticsConfiguration
    PutBucketIntelligentTieringConfiguration
    PutBucketInventoryConfiguration
    PutBucketMetricsConfiguration
    PutBucketNotificationConfiguration
}
