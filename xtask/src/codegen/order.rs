//! The order in which S3 writes the elements of its answers. The model's is another, and clients that read an answer
//! element by element, or compare it whole, go by what S3 sends.
//!
//! Sources: the samples of S3's reference, such as
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html> ("Examples"), and answers of S3's that
//! others have recorded.

use super::model::{Ordered, Shape};

/// For a structure, its members that do not stand where the model has them; those that are not named follow in the
/// model's order.
const ORDERS: &[(&str, &[&str])] = &[
    ("CopyObjectResult", &["LastModified", "ETag"]),
    ("CopyPartResult", &["LastModified", "ETag"]),
    ("DeleteMarkerEntry", &["Key", "VersionId", "IsLatest", "LastModified", "Owner"]),
    ("Grantee", &["ID", "DisplayName"]),
    ("ListBucketAnalyticsConfigurationsOutput", &["AnalyticsConfigurationList"]),
    ("ListBucketIntelligentTieringConfigurationsOutput", &["IntelligentTieringConfigurationList"]),
    ("ListBucketInventoryConfigurationsOutput", &["InventoryConfigurationList"]),
    ("ListBucketMetricsConfigurationsOutput", &["MetricsConfigurationList"]),
    ("ListBucketsOutput", &["Owner", "Buckets", "Prefix", "ContinuationToken"]),
    (
        "ListMultipartUploadsOutput",
        &[
            "Bucket",
            "KeyMarker",
            "UploadIdMarker",
            "NextKeyMarker",
            "NextUploadIdMarker",
            "Delimiter",
            "Prefix",
            "MaxUploads",
            "EncodingType",
            "IsTruncated",
            "Uploads",
            "CommonPrefixes",
        ],
    ),
    (
        "ListObjectVersionsOutput",
        &[
            "Name",
            "Prefix",
            "KeyMarker",
            "VersionIdMarker",
            "NextKeyMarker",
            "NextVersionIdMarker",
            "MaxKeys",
            "Delimiter",
            "EncodingType",
            "IsTruncated",
            "Entries",
            "CommonPrefixes",
        ],
    ),
    (
        "ListObjectsOutput",
        &[
            "Name",
            "Prefix",
            "Marker",
            "NextMarker",
            "MaxKeys",
            "Delimiter",
            "EncodingType",
            "IsTruncated",
            "Contents",
            "CommonPrefixes",
        ],
    ),
    (
        "ListObjectsV2Output",
        &[
            "Name",
            "Prefix",
            "StartAfter",
            "ContinuationToken",
            "NextContinuationToken",
            "KeyCount",
            "MaxKeys",
            "Delimiter",
            "EncodingType",
            "IsTruncated",
            "Contents",
            "CommonPrefixes",
        ],
    ),
    (
        "ListPartsOutput",
        &[
            "Bucket",
            "Key",
            "UploadId",
            "Initiator",
            "Owner",
            "StorageClass",
            "PartNumberMarker",
            "NextPartNumberMarker",
            "MaxParts",
            "IsTruncated",
            "ChecksumAlgorithm",
            "ChecksumType",
            "Parts",
        ],
    ),
    ("MultipartUpload", &["Key", "UploadId", "Initiator", "Owner", "StorageClass", "Initiated"]),
    ("Object", &["Key", "LastModified", "ETag", "ChecksumAlgorithm", "ChecksumType", "Size", "Owner", "StorageClass"]),
    (
        "ObjectVersion",
        &[
            "Key",
            "VersionId",
            "IsLatest",
            "LastModified",
            "ETag",
            "ChecksumAlgorithm",
            "ChecksumType",
            "Size",
            "Owner",
            "StorageClass",
        ],
    ),
    ("Owner", &["ID", "DisplayName"]),
    ("ServerSideEncryptionRule", &["BucketKeyEnabled", "ApplyServerSideEncryptionByDefault"]),
];

/// Puts the members of S3's structures into the order in which S3 writes them.
pub fn as_sent(shapes: &mut Ordered<Shape>) {
    for (name, shape) in &mut shapes.0 {
        let Some((_, order)) = ORDERS.iter().find(|(ordered, _)| ordered == name) else { continue };
        shape.members.0.sort_by_key(|(member, _)| order.iter().position(|name| name == member).unwrap_or(order.len()));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::as_sent;
    use crate::codegen::model::{Ordered, Shape};

    #[test]
    fn what_is_named_comes_first_and_the_rest_as_the_model_has_it() {
        let member = json!({ "shape": "Text" });
        let members =
            ["ChecksumType", "ETag", "ChecksumCRC32", "LastModified"].map(|name| (name.to_owned(), member.clone()));
        let members: serde_json::Map<_, _> = members.into_iter().collect();
        let text = json!({ "type": "structure", "members": members }).to_string();
        let shape: Shape = serde_json::from_str(&text).unwrap();
        let mut shapes = Ordered(vec![("CopyPartResult".to_owned(), shape)]);
        let given: Vec<String> = shapes.0[0].1.members.0.iter().map(|(name, _)| name.clone()).collect();
        as_sent(&mut shapes);
        let sent: Vec<&str> = shapes.0[0].1.members.0.iter().map(|(name, _)| name.as_str()).collect();
        let rest: Vec<&str> =
            given.iter().map(String::as_str).filter(|name| !["LastModified", "ETag"].contains(name)).collect();
        assert_eq!(sent, [&["LastModified", "ETag"], rest.as_slice()].concat());
    }
}
