//! Configurations of which a bucket may have many, each by its id: inventories, metrics, analytics, tierings. They are
//! checked, kept and given back; nothing here makes a report.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketMetricsConfiguration.html> and its neighbours.

use api::s3::{
    AnalyticsConfiguration, DeleteBucketAnalyticsConfiguration, DeleteBucketIntelligentTieringConfiguration,
    DeleteBucketInventoryConfiguration, DeleteBucketMetricsConfiguration, GetBucketAnalyticsConfiguration,
    GetBucketAnalyticsConfigurationOutput, GetBucketIntelligentTieringConfiguration,
    GetBucketIntelligentTieringConfigurationOutput, GetBucketInventoryConfiguration,
    GetBucketInventoryConfigurationOutput, GetBucketMetricsConfiguration, GetBucketMetricsConfigurationOutput,
    IntelligentTieringConfiguration, InventoryConfiguration, ListBucketAnalyticsConfigurations,
    ListBucketAnalyticsConfigurationsOutput, ListBucketIntelligentTieringConfigurations,
    ListBucketIntelligentTieringConfigurationsOutput, ListBucketInventoryConfigurations,
    ListBucketInventoryConfigurationsOutput, ListBucketMetricsConfigurations, ListBucketMetricsConfigurationsOutput,
    MetricsConfiguration, PutBucketAnalyticsConfiguration, PutBucketIntelligentTieringConfiguration,
    PutBucketInventoryConfiguration, PutBucketMetricsConfiguration,
};
use serde::{Deserialize, Serialize};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};
use wire::Shaped;

use super::check_several::{check_analytics, check_inventory, check_metrics, check_tiering};
use super::faithful::Faithful;
use super::record::{BucketConfig, config, configs, delete_config, put_config};
use crate::access::Grounds;
use crate::buckets::known_bucket;
use crate::objects::Token;
use crate::{S3, S3Error};

/// The most configurations of a kind that a bucket may have.
const MAX_CONFIGURATIONS: usize = 1000;
/// The most of one page.
const PAGE: usize = 100;
const MAX_ID: usize = 64;

/// A kind of configuration with ids.
trait Several: BucketConfig {
    type Shape: Shaped + Clone;

    fn of(shape: Self::Shape) -> Self;

    fn into_shape(self) -> Self::Shape;

    fn id(shape: &Self::Shape) -> &str;

    /// Refuses what S3 refuses.
    fn check(shape: &Self::Shape) -> Result<(), S3Error>;
}

fn missing() -> S3Error {
    let text = "The specified configuration does not exist.";
    S3Error::NotConfigured { code: "NoSuchConfiguration", message: text, bucket: String::new() }
}

fn put<C: Several>(view: &View, bucket: &str, id: &str, shape: &C::Shape) -> Result<Changes, S3Error> {
    if id.is_empty()
        || id.len() > MAX_ID
        || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    {
        return Err(S3Error::misconfigured("InvalidConfigurationId", "The specified configuration ID is invalid."));
    }
    C::check(shape)?;
    if C::id(shape) != id {
        let text = "Document ID does not match the specified configuration ID.";
        return Err(S3Error::misconfigured("IdMismatch", text));
    }
    let is_new = config::<C>(view, bucket, id)?.is_none();
    if is_new && configs::<C>(view, bucket, None, MAX_CONFIGURATIONS)?.len() >= MAX_CONFIGURATIONS {
        let text =
            "You are attempting to create a new configuration but have already reached the 1,000-configuration limit.";
        return Err(S3Error::misconfigured("TooManyConfigurations", text));
    }
    let mut changes = Changes::new();
    put_config(&mut changes, bucket, id, &C::of(shape.clone()))?;
    Ok(changes)
}

/// A page of configurations by their ids, and the token of the next.
fn page<C: Several>(
    view: &View,
    cx: &Cx,
    bucket: &str,
    token: Option<&str>,
) -> Result<(Vec<C::Shape>, Option<String>), S3Error> {
    let scope = format!("{bucket}/{}", C::KIND);
    let after = match token.filter(|token| !token.is_empty()) {
        Some(token) => Some(Token::read(cx.pages(), &scope, token)?),
        None => None,
    };
    let mut found = configs::<C>(view, bucket, after.as_deref(), PAGE + 1)?;
    let has_more = found.len() > PAGE;
    found.truncate(PAGE);
    let next = found.last().filter(|_| has_more).map(|(id, _)| Token::write(cx.pages(), &scope, id));
    Ok((found.into_iter().map(|(_, found)| found.into_shape()).collect(), next))
}

/// The operations of one kind. They differ in names alone.
macro_rules! several {
    ($kind:ident $name:literal of $shape:ident checked by $check:ident,
     $read:literal: $get:ident gives $got:ident.$found:ident, $list:ident gives $listed:ident.$all:ident,
     $write:literal: $put:ident takes $given:ident, $delete:ident refuses none: $refuses_none:literal) => {
        #[derive(Serialize, Deserialize)]
        struct $kind(Faithful<$shape>);

        impl BucketConfig for $kind {
            const KIND: &'static str = $name;
        }

        impl Several for $kind {
            type Shape = $shape;

            fn of(shape: $shape) -> Self {
                Self(Faithful(shape))
            }

            fn into_shape(self) -> $shape {
                self.0.0
            }

            fn id(shape: &$shape) -> &str {
                &shape.id
            }

            fn check(shape: &$shape) -> Result<(), S3Error> {
                $check(shape)
            }
        }

        impl Operation<S3> for $put {
            type Error = S3Error;

            fn needs(input: &Self::Input, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
                Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket($write)])
            }

            fn apply(input: &Self::Input, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
                let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
                Ok(Applied::with((), put::<$kind>(view, &bucket.name, &input.id, &input.$given)?))
            }
        }

        impl Operation<S3> for $get {
            type Error = S3Error;

            fn needs(input: &Self::Input, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
                Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket($read)])
            }

            fn apply(input: &Self::Input, view: &View, _cx: &Cx) -> Result<Applied<$got>, S3Error> {
                let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
                let found = config::<$kind>(view, &bucket.name, &input.id)?.ok_or_else(missing)?;
                Ok(Applied::read($got { $found: Some(found.into_shape()) }))
            }
        }

        impl Operation<S3> for $list {
            type Error = S3Error;

            fn needs(input: &Self::Input, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
                Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket($read)])
            }

            fn apply(input: &Self::Input, view: &View, cx: &Cx) -> Result<Applied<$listed>, S3Error> {
                let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
                let (found, next) = page::<$kind>(view, cx, &bucket.name, input.continuation_token.as_deref())?;
                Ok(Applied::read($listed {
                    is_truncated: Some(next.is_some()),
                    continuation_token: input.continuation_token.clone(),
                    next_continuation_token: next,
                    $all: (!found.is_empty()).then_some(found),
                }))
            }
        }

        impl Operation<S3> for $delete {
            type Error = S3Error;

            fn needs(input: &Self::Input, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
                Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket($write)])
            }

            fn apply(input: &Self::Input, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
                let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
                if $refuses_none && config::<$kind>(view, &bucket.name, &input.id)?.is_none() {
                    return Err(missing());
                }
                let mut changes = Changes::new();
                delete_config::<$kind>(&mut changes, &bucket.name, &input.id);
                Ok(Applied::with((), changes))
            }
        }
    };
}

several! {
    Analytics "analytics" of AnalyticsConfiguration checked by check_analytics,
    "s3:GetAnalyticsConfiguration":
        GetBucketAnalyticsConfiguration gives GetBucketAnalyticsConfigurationOutput.analytics_configuration,
        ListBucketAnalyticsConfigurations gives ListBucketAnalyticsConfigurationsOutput.analytics_configuration_list,
    "s3:PutAnalyticsConfiguration":
        PutBucketAnalyticsConfiguration takes analytics_configuration,
        DeleteBucketAnalyticsConfiguration refuses none: true
}

several! {
    Inventory "inventory" of InventoryConfiguration checked by check_inventory,
    "s3:GetInventoryConfiguration":
        GetBucketInventoryConfiguration gives GetBucketInventoryConfigurationOutput.inventory_configuration,
        ListBucketInventoryConfigurations gives ListBucketInventoryConfigurationsOutput.inventory_configuration_list,
    "s3:PutInventoryConfiguration":
        PutBucketInventoryConfiguration takes inventory_configuration,
        DeleteBucketInventoryConfiguration refuses none: true
}

several! {
    Metrics "metrics" of MetricsConfiguration checked by check_metrics,
    "s3:GetMetricsConfiguration":
        GetBucketMetricsConfiguration gives GetBucketMetricsConfigurationOutput.metrics_configuration,
        ListBucketMetricsConfigurations gives ListBucketMetricsConfigurationsOutput.metrics_configuration_list,
    "s3:PutMetricsConfiguration":
        PutBucketMetricsConfiguration takes metrics_configuration,
        DeleteBucketMetricsConfiguration refuses none: true
}

several! {
    Tierings "intelligent-tiering" of IntelligentTieringConfiguration checked by check_tiering,
    "s3:GetIntelligentTieringConfiguration":
        GetBucketIntelligentTieringConfiguration
            gives GetBucketIntelligentTieringConfigurationOutput.intelligent_tiering_configuration,
        ListBucketIntelligentTieringConfigurations
            gives ListBucketIntelligentTieringConfigurationsOutput.intelligent_tiering_configuration_list,
    "s3:PutIntelligentTieringConfiguration":
        PutBucketIntelligentTieringConfiguration takes intelligent_tiering_configuration,
        DeleteBucketIntelligentTieringConfiguration refuses none: false
}
