//! What kind of call it is: management or data, reading or changing. CloudTrail's words and lists.

/// CloudTrail's `eventCategory`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// A call on a resource as such.
    Management,
    /// A call on what is in a resource: objects, messages. Many, and not recorded unless asked for.
    Data,
}

/// Calls of S3 on objects.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html>, "Amazon S3
/// object-level actions tracked by AWS CloudTrail logging"; sorted.
const S3_DATA: &[&str] = &[
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateMultipartUpload",
    "CreateSession",
    "DeleteObject",
    "DeleteObjectTagging",
    "DeleteObjects",
    "GetObject",
    "GetObjectAcl",
    "GetObjectAttributes",
    "GetObjectLegalHold",
    "GetObjectRetention",
    "GetObjectTagging",
    "GetObjectTorrent",
    "HeadBucket",
    "HeadObject",
    "ListMultipartUploads",
    "ListObjectVersions",
    "ListObjects",
    "ListObjectsV2",
    "ListParts",
    "PostObject",
    "PreflightRequest",
    "PutObject",
    "PutObjectAcl",
    "PutObjectLegalHold",
    "PutObjectRetention",
    "PutObjectTagging",
    "RenameObject",
    "RestoreObject",
    "SelectObjectContent",
    "UploadPart",
    "UploadPartCopy",
];

/// The category of an operation of the service called `service` (our name, such as `s3`).
pub fn category(service: &str, operation: &str) -> Category {
    let is_data = match service {
        "s3" => S3_DATA.binary_search(&operation).is_ok(),
        "sqs" => matches!(
            operation,
            "SendMessage"
                | "SendMessageBatch"
                | "ReceiveMessage"
                | "DeleteMessage"
                | "DeleteMessageBatch"
                | "ChangeMessageVisibility"
                | "ChangeMessageVisibilityBatch"
        ),
        "sns" => matches!(operation, "Publish" | "PublishBatch"),
        "logs" => operation == "PutLogEvents",
        "cloudwatch" => {
            matches!(operation, "PutMetricData" | "GetMetricData" | "GetMetricStatistics" | "ListMetrics")
        }
        _ => false,
    };
    if is_data { Category::Data } else { Category::Management }
}

/// Whether an operation changes nothing, by its name, which in AWS's APIs tells. `AssumeRole` and the like are reading
/// calls in CloudTrail too.
pub fn is_read_only(operation: &str) -> bool {
    const VERBS: [&str; 14] = [
        "Assume", "BatchGet", "Check", "Describe", "Estimate", "Filter", "Get", "Head", "List", "Lookup", "Query",
        "Receive", "Simulate", "Validate",
    ];
    VERBS.iter().any(|verb| {
        operation.strip_prefix(verb).is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_uppercase()))
    })
}

/// CloudTrail's `eventSource` of a service's endpoint prefix.
pub(crate) fn event_source(endpoint_prefix: &str) -> &str {
    match endpoint_prefix {
        "cloudwatch" | "monitoring" => "monitoring",
        "s3-control" => "s3",
        other => other,
    }
}

/// CloudTrail's `eventName` of an operation of a service. What S3 Control does for a whole account is not named as what S3
/// does for a bucket.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html>, "Amazon S3
/// account-level actions tracked by AWS CloudTrail logging".
pub(crate) fn event_name<'a>(endpoint_prefix: &str, operation: &'a str) -> &'a str {
    match (endpoint_prefix, operation) {
        ("s3-control", "DeletePublicAccessBlock") => "DeleteAccountPublicAccessBlock",
        ("s3-control", "GetPublicAccessBlock") => "GetAccountPublicAccessBlock",
        ("s3-control", "PutPublicAccessBlock") => "PutAccountPublicAccessBlock",
        _ => operation,
    }
}

#[cfg(test)]
mod tests {
    use super::{Category, S3_DATA, category, is_read_only};

    #[test]
    fn calls_are_told_apart() {
        assert!(S3_DATA.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(category("s3", "PutObject"), Category::Data);
        assert_eq!(category("s3", "CreateBucket"), Category::Management);
        assert_eq!(category("ec2", "RunInstances"), Category::Management);
        for (name, is_reading) in [
            ("DescribeVpcs", true),
            ("GetObject", true),
            ("LookupEvents", true),
            ("AssumeRole", true),
            ("RunInstances", false),
            ("ListenForever", false),
            ("PutObject", false),
            ("CheckoutLicense", false),
        ] {
            assert_eq!(is_read_only(name), is_reading, "{name}");
        }
    }
}
