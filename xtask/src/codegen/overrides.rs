//! What botocore's models leave out or say in code. Each line is a fact of AWS's wire format, checked against the API
//! reference ("Response Syntax" of each operation).

use serde_json::json;

use super::model::{Model, Ordered, Reference, Shape};
use super::order;

/// The code under which a service refuses requests that break the rules of its model; none for services whose requests
/// are checked by their operations, each in its own words.
pub fn rules_code(service: &str) -> Option<&'static str> {
    match service {
        "iam" | "sts" => Some("ValidationError"),
        "organizations" => Some("InvalidInputException"),
        _ => None,
    }
}

/// Whether a service's refusals leave out the values that break its rules.
pub fn has_terse_refusals(service: &str) -> bool {
    service == "iam"
}

/// Sets right what a model says and AWS does not do. The root user has neither a name nor a path:
/// <https://docs.aws.amazon.com/cli/latest/reference/iam/get-user.html>.
pub fn amend(service: &str, model: &mut Model) {
    if service == "s3" {
        mix_versions(&mut model.shapes);
        order::as_sent(&mut model.shapes);
    }
    for (name, shape) in &mut model.shapes.0 {
        let is_absent_for_root: &[&str] = match (service, name.as_str()) {
            ("iam", "User") => &["UserName", "Path"],
            ("iam", "AccessKey") => &["UserName"],
            _ => &[],
        };
        shape.required.retain(|member| !is_absent_for_root.contains(&member.as_str()));
        // The model has 202 alone. An object that is restored already answers 200:
        // <https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html> ("Responses").
        if (service, name.as_str()) == ("s3", "RestoreObjectOutput") {
            shape.members.0.push(("Status".to_owned(), Reference::status("Days")));
        }
    }
}

/// S3 lists versions and delete markers in one sequence, as they follow each other:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html>. The model has a list of each, and no
/// order between them. Here they are one list whose elements are one or the other, each under its own name.
fn mix_versions(shapes: &mut Ordered<Shape>) {
    let output = shapes.0.iter_mut().find(|(name, _)| name == "ListObjectVersionsOutput");
    let Some((_, output)) = output else { return };
    output.members.0.retain(|(name, _)| name != "DeleteMarkers");
    for (name, reference) in &mut output.members.0 {
        if name == "Versions" {
            *name = "Entries".to_owned();
            reference.shape = "VersionEntryList".to_owned();
            reference.location_name = None;
        }
    }
    let entry = json!({
        "type": "structure",
        "union": true,
        "members": { "Version": { "shape": "ObjectVersion" }, "DeleteMarker": { "shape": "DeleteMarkerEntry" } },
    });
    let list = json!({ "type": "list", "member": { "shape": "VersionEntry" }, "flattened": true });
    for (name, shape) in [("VersionEntry", entry), ("VersionEntryList", list)] {
        shapes.0.push((name.to_owned(), serde_json::from_value(shape).expect("a shape as models write them")));
    }
}

/// The same as a model's pattern in a syntax that does not look ahead and has a way to write all of Unicode.
pub fn pattern(text: &str) -> Option<&'static str> {
    Some(match text {
        // With the bounds of the length, which the model has too.
        "^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$" => "[a-z0-9](?:-?[a-z0-9])+",
        r"[\s\S]*" => "(?s:.*)",
        r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+" => {
            r"[\t\n\r\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]+"
        }
        _ => return None,
    })
}

/// Whether a document of a structure may hold nothing that the structure does not know. S3 checks documents against a
/// schema; these are those of which it was seen, as others have recorded it.
pub fn is_closed(service: &str, shape: &str) -> bool {
    matches!((service, shape), ("s3", "Delete" | "ObjectIdentifier"))
}

/// The root element of an answer without payload member. S3's differ from the shape's name; botocore never reads them.
pub fn output_root<'a>(service: &str, operation: &str, shape: &'a str) -> &'a str {
    if service != "s3" {
        return shape;
    }
    match operation {
        "CompleteMultipartUpload" => "CompleteMultipartUploadResult",
        "CreateMultipartUpload" => "InitiateMultipartUploadResult",
        "CreateSession" => "CreateSessionResult",
        "DeleteObjects" => "DeleteResult",
        "GetBucketAccelerateConfiguration" => "AccelerateConfiguration",
        "GetBucketAcl" | "GetObjectAcl" => "AccessControlPolicy",
        "GetBucketCors" => "CORSConfiguration",
        "GetBucketLifecycle" | "GetBucketLifecycleConfiguration" => "LifecycleConfiguration",
        "GetBucketLocation" => "LocationConstraint",
        "GetBucketLogging" => "BucketLoggingStatus",
        "GetBucketNotification" | "GetBucketNotificationConfiguration" => "NotificationConfiguration",
        "GetBucketRequestPayment" => "RequestPaymentConfiguration",
        "GetBucketTagging" | "GetObjectTagging" => "Tagging",
        "GetBucketVersioning" => "VersioningConfiguration",
        "GetBucketWebsite" => "WebsiteConfiguration",
        "GetObjectAttributes" => "GetObjectAttributesResponse",
        "ListBucketAnalyticsConfigurations" => "ListBucketAnalyticsConfigurationResult",
        "ListBucketInventoryConfigurations" => "ListInventoryConfigurationsResult",
        "ListBucketMetricsConfigurations" => "ListMetricsConfigurationsResult",
        "ListBuckets" => "ListAllMyBucketsResult",
        "ListDirectoryBuckets" => "ListAllMyDirectoryBucketsResult",
        "ListMultipartUploads" => "ListMultipartUploadsResult",
        "ListObjectVersions" => "ListVersionsResult",
        "ListObjects" | "ListObjectsV2" => "ListBucketResult",
        "ListParts" => "ListPartsResult",
        _ => shape,
    }
}

/// The answer's root element is the only member itself (Smithy's `s3UnwrappedXmlOutput`).
pub fn is_output_unwrapped(service: &str, operation: &str) -> bool {
    (service, operation) == ("s3", "GetBucketLocation")
}

/// Errors come as a bare `<Error>` (Smithy's `noErrorWrapping`).
pub fn has_bare_errors(service: &str) -> bool {
    service == "s3"
}

/// Times in answers have no fraction, as the examples of IAM's and STS's references show; other query services have one.
pub fn has_whole_seconds(service: &str) -> bool {
    matches!(service, "iam" | "sts")
}

/// The namespace of answers, where the metadata names none.
pub fn xml_namespace<'a>(service: &str, stated: &'a str) -> &'a str {
    match service {
        "sqs" => "http://queue.amazonaws.com/doc/2012-11-05/",
        "s3" => "http://s3.amazonaws.com/doc/2006-03-01/",
        // The metadata says http without the final slash; what EC2 sends has it.
        "ec2" => "http://ec2.amazonaws.com/doc/2016-11-15/",
        _ => stated,
    }
}

/// What the query protocol calls a member of SQS whose type is `shape`. AWS's model forgot it when SQS moved to JSON; these
/// are the names of the models before November 2023, which old clients still send and read.
pub fn query_name(service: &str, shape: &str) -> Option<&'static str> {
    if service != "sqs" {
        return None;
    }
    Some(match shape {
        "AWSAccountIdList" => "AWSAccountId",
        "ActionNameList" => "ActionName",
        "AttributeNameList" => "AttributeName",
        "BatchResultErrorEntryList" => "BatchResultErrorEntry",
        "BinaryList" => "BinaryListValue",
        "ChangeMessageVisibilityBatchRequestEntryList" => "ChangeMessageVisibilityBatchRequestEntry",
        "ChangeMessageVisibilityBatchResultEntryList" => "ChangeMessageVisibilityBatchResultEntry",
        "DeleteMessageBatchRequestEntryList" => "DeleteMessageBatchRequestEntry",
        "DeleteMessageBatchResultEntryList" => "DeleteMessageBatchResultEntry",
        "ListMessageMoveTasksResultEntryList" => "ListMessageMoveTasksResultEntry",
        "MessageAttributeNameList" => "MessageAttributeName",
        "MessageBodyAttributeMap" => "MessageAttribute",
        "MessageBodySystemAttributeMap" => "MessageSystemAttribute",
        "MessageList" => "Message",
        "MessageSystemAttributeList" => "MessageSystemAttributeName",
        "MessageSystemAttributeMap" | "QueueAttributeMap" => "Attribute",
        "QueueUrlList" => "QueueUrl",
        "SendMessageBatchRequestEntryList" => "SendMessageBatchRequestEntry",
        "SendMessageBatchResultEntryList" => "SendMessageBatchResultEntry",
        "StringList" => "StringListValue",
        "TagKeyList" => "TagKey",
        "TagMap" => "Tag",
        _ => return None,
    })
}

/// What the query protocol calls the keys and values of SQS's maps; see [`query_name`].
pub fn query_pair(service: &str, shape: &str) -> Option<(&'static str, &'static str)> {
    match (service, shape) {
        ("sqs", "TagMap") => Some(("Key", "Value")),
        ("sqs", _) => Some(("Name", "Value")),
        _ => None,
    }
}

/// The code that an error of SQS had in query, and still has for clients in query mode; the model has forgotten these too.
/// Source: Smithy's model of SQS, `aws.protocols#awsQueryError`.
pub fn query_error(service: &str, name: &str) -> Option<(&'static str, u16)> {
    if service != "sqs" {
        return None;
    }
    Some(match name {
        "BatchEntryIdsNotDistinct" => ("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400),
        "BatchRequestTooLong" => ("AWS.SimpleQueueService.BatchRequestTooLong", 400),
        "EmptyBatchRequest" => ("AWS.SimpleQueueService.EmptyBatchRequest", 400),
        "InvalidBatchEntryId" => ("AWS.SimpleQueueService.InvalidBatchEntryId", 400),
        "KmsAccessDenied" => ("KMS.AccessDeniedException", 400),
        "KmsDisabled" => ("KMS.DisabledException", 400),
        "KmsInvalidKeyUsage" => ("KMS.InvalidKeyUsageException", 400),
        "KmsInvalidState" => ("KMS.InvalidStateException", 400),
        "KmsNotFound" => ("KMS.NotFoundException", 400),
        "KmsOptInRequired" => ("KMS.OptInRequired", 403),
        "KmsThrottled" => ("KMS.ThrottlingException", 400),
        "MessageNotInflight" => ("AWS.SimpleQueueService.MessageNotInflight", 400),
        "OverLimit" => ("OverLimit", 403),
        "PurgeQueueInProgress" => ("AWS.SimpleQueueService.PurgeQueueInProgress", 403),
        "QueueDeletedRecently" => ("AWS.SimpleQueueService.QueueDeletedRecently", 400),
        "QueueDoesNotExist" => ("AWS.SimpleQueueService.NonExistentQueue", 400),
        "QueueNameExists" => ("QueueAlreadyExists", 400),
        "RequestThrottled" => ("RequestThrottled", 403),
        "TooManyEntriesInBatchRequest" => ("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400),
        "UnsupportedOperation" => ("AWS.SimpleQueueService.UnsupportedOperation", 400),
        _ => return None,
    })
}

/// The status of an answer where the model does not say it. Rules:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html> (its sample).
pub fn status(service: &str, operation: &str) -> Option<u16> {
    match (service, operation) {
        ("s3", "RestoreObject") => Some(202),
        // As recorded of AWS by others, and as the samples of their reference pages have it.
        (
            "s3",
            "PutBucketAnalyticsConfiguration"
            | "PutBucketIntelligentTieringConfiguration"
            | "PutBucketInventoryConfiguration"
            | "PutBucketMetricsConfiguration"
            | "PutBucketPolicy"
            | "PutBucketTagging",
        ) => Some(204),
        _ => None,
    }
}

/// What a node, a file, another server or the service itself has and the store has not is needed to answer, though the
/// model declares no stream.
pub fn reads_beside_the_store(service: &str, operation: &str) -> bool {
    matches!(
        (service, operation),
        ("ec2", "GetConsoleOutput")
            | ("cloudtrail", "LookupEvents")
            | ("sts", "AssumeRoleWithWebIdentity")
            | ("s3", "CopyObject" | "CreateBucket" | "CreateMultipartUpload" | "UploadPartCopy")
    )
}
