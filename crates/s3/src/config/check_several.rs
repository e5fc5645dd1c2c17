//! What S3 refuses of inventories, metrics, analytics and tierings.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_InventoryConfiguration.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_MetricsConfiguration.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_AnalyticsConfiguration.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_IntelligentTieringConfiguration.html>.

use std::collections::BTreeSet;

use api::s3::{
    AnalyticsConfiguration, IntelligentTieringConfiguration, InventoryConfiguration, MetricsConfiguration, Tag,
};

use super::tagging::check_tags;
use crate::S3Error;

/// What an inventory may tell of an object beside its key.
const INVENTORY_FIELDS: [&str; 19] = [
    "Size",
    "LastModifiedDate",
    "StorageClass",
    "ETag",
    "IsMultipartUploaded",
    "ReplicationStatus",
    "EncryptionStatus",
    "ObjectLockRetainUntilDate",
    "ObjectLockMode",
    "ObjectLockLegalHoldStatus",
    "ObjectLockEventHoldStatus",
    "ObjectLockEventHoldDuration",
    "IntelligentTieringAccessTier",
    "BucketKeyStatus",
    "ChecksumAlgorithm",
    "ObjectAccessControlList",
    "ObjectOwner",
    "LifecycleExpirationDate",
    "IntelligentTieringReferenceDate",
];

fn fit(is_fit: bool) -> Result<(), S3Error> {
    if is_fit { Ok(()) } else { Err(S3Error::MalformedXml) }
}

/// A filter has one condition, or one `And` of two or more.
fn check_filter(single: &[bool], and: Option<(&[bool], &[Tag])>, tag: Option<&Tag>) -> Result<(), S3Error> {
    let count = |given: &[bool]| given.iter().filter(|is_given| **is_given).count();
    fit(count(single) + usize::from(and.is_some()) == 1)?;
    if let Some((given, tags)) = and {
        fit(count(given) + tags.len() >= 2)?;
        check_tags(tags)?;
    }
    check_tags(tag.map(std::slice::from_ref).unwrap_or_default())
}

/// A bucket that reports go to.
fn check_destination(arn: &str) -> Result<(), S3Error> {
    let name = arn.strip_prefix("arn:").and_then(|rest| rest.split_once(":s3:::")).map(|(_, name)| name);
    match name {
        Some(name) if !name.is_empty() && !name.contains(['/', ':']) => Ok(()),
        _ => Err(S3Error::misconfigured("InvalidS3DestinationBucket", "Invalid bucket ARN.")),
    }
}

pub(super) fn check_analytics(it: &AnalyticsConfiguration) -> Result<(), S3Error> {
    if let Some(filter) = &it.filter {
        let and = filter.and.as_ref();
        let given = and.map(|and| [and.prefix.is_some()]);
        let and = given.as_ref().zip(and).map(|(given, and)| (&given[..], and.tags.as_deref().unwrap_or_default()));
        check_filter(&[filter.prefix.is_some(), filter.tag.is_some()], and, filter.tag.as_ref())?;
    }
    if let Some(export) = &it.storage_class_analysis.data_export {
        let destination = &export.destination.s3_bucket_destination;
        fit(export.output_schema_version == "V_1" && destination.format == "CSV")?;
        check_destination(&destination.bucket)?;
    }
    Ok(())
}

pub(super) fn check_inventory(it: &InventoryConfiguration) -> Result<(), S3Error> {
    let destination = &it.destination.s3_bucket_destination;
    let fields = it.optional_fields.as_deref().unwrap_or_default();
    fit(matches!(destination.format.as_str(), "CSV" | "ORC" | "Parquet")
        && matches!(it.schedule.frequency.as_str(), "Daily" | "Weekly")
        && matches!(it.included_object_versions.as_str(), "All" | "Current")
        && fields.iter().all(|field| INVENTORY_FIELDS.contains(&field.as_str())))?;
    check_destination(&destination.bucket)
}

pub(super) fn check_metrics(it: &MetricsConfiguration) -> Result<(), S3Error> {
    let Some(filter) = &it.filter else { return Ok(()) };
    let and = filter.and.as_ref();
    let given = and.map(|and| [and.prefix.is_some(), and.access_point_arn.is_some()]);
    let and = given.as_ref().zip(and).map(|(given, and)| (&given[..], and.tags.as_deref().unwrap_or_default()));
    let single = [filter.prefix.is_some(), filter.tag.is_some(), filter.access_point_arn.is_some()];
    check_filter(&single, and, filter.tag.as_ref())
}

pub(super) fn check_tiering(it: &IntelligentTieringConfiguration) -> Result<(), S3Error> {
    if let Some(filter) = &it.filter {
        let and = filter.and.as_ref();
        let given = and.map(|and| [and.prefix.is_some()]);
        let and = given.as_ref().zip(and).map(|(given, and)| (&given[..], and.tags.as_deref().unwrap_or_default()));
        check_filter(&[filter.prefix.is_some(), filter.tag.is_some()], and, filter.tag.as_ref())?;
    }
    let tiers: BTreeSet<&str> = it.tierings.iter().map(|tiering| tiering.access_tier.as_str()).collect();
    fit(matches!(it.status.as_str(), "Enabled" | "Disabled") && !tiers.is_empty() && tiers.len() == it.tierings.len())?;
    for tiering in &it.tierings {
        let least = match tiering.access_tier.as_str() {
            "ARCHIVE_ACCESS" => 90,
            "DEEP_ARCHIVE_ACCESS" => 180,
            _ => return Err(S3Error::MalformedXml),
        };
        if !(least..=730).contains(&tiering.days) {
            let tier = &tiering.access_tier;
            let text = format!("'Days' for the {tier} tier must be between {least} and 730");
            return Err(S3Error::misconfigured("InvalidArgument", text));
        }
    }
    Ok(())
}
