//! One line of an access log, in AWS's format.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html>.

use std::net::IpAddr;
use std::time::Duration;

use api::Caller;
use ids::AccountId;
use jiff::Timestamp;

use crate::owner::canonical_id;

/// One request, as the log tells of it.
#[derive(Debug, Clone)]
pub struct Access {
    /// When it came.
    pub time: Timestamp,
    /// The bucket.
    pub bucket: String,
    /// The object's key, if it is about one.
    pub key: Option<String>,
    /// Where it came from.
    pub remote_ip: Option<IpAddr>,
    /// Who asked; none if that was never known.
    pub caller: Option<Caller>,
    /// The id of the request.
    pub request_id: String,
    /// The second id.
    pub host_id: String,
    /// The operation, as the model names it.
    pub operation: &'static str,
    /// The HTTP method.
    pub method: String,
    /// Path and query, as they were sent.
    pub uri: String,
    /// The version of HTTP, such as `HTTP/1.1`.
    pub protocol: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// The code of the error, if there was one.
    pub error: Option<String>,
    /// Bytes of the answer's body.
    pub sent: u64,
    /// Bytes of the object.
    pub size: Option<u64>,
    /// From the request to the last byte of the answer.
    pub total: Duration,
    /// From the request to the first byte of the answer.
    pub turn_around: Duration,
    /// `Referer`.
    pub referer: String,
    /// `User-Agent`.
    pub user_agent: String,
    /// The version that was asked for.
    pub version_id: Option<String>,
    /// `SigV2` or `SigV4`; none for a request that nobody signed.
    pub signature: Option<&'static str>,
    /// `AuthHeader` or `QueryString`.
    pub authentication: Option<&'static str>,
    /// `Host`.
    pub host: String,
    /// The version of TLS that it came over, such as `1.3`; none for one that came without.
    pub tls: Option<&'static str>,
}

impl Access {
    /// The line, without its end; `owner` owns the bucket.
    pub(super) fn line(&self, owner: &AccountId, region: &str) -> String {
        let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).unwrap_or("-").to_owned();
        let quoted = |text: &str| if text.is_empty() { "\"-\"".to_owned() } else { format!("\"{}\"", escaped(text)) };
        let number = |number: Option<u64>| number.filter(|it| *it > 0).map_or("-".to_owned(), |it| it.to_string());
        let millis = |time: Duration| time.as_millis().to_string();
        let key = self.key.as_deref().map(encoded);
        let remote = self.remote_ip.map(|address| address.to_canonical().to_string());
        [
            canonical_id(owner),
            self.bucket.clone(),
            self.time.strftime("[%d/%b/%Y:%H:%M:%S +0000]").to_string(),
            text(remote.as_deref()),
            text(self.requester().as_deref()),
            self.request_id.clone(),
            operation_name(self.operation, &self.method),
            text(key.as_deref()),
            quoted(&format!("{} {} {}", self.method, self.uri, self.protocol)),
            self.status.to_string(),
            text(self.error.as_deref()),
            number(Some(self.sent)),
            number(self.size),
            millis(self.total),
            millis(self.turn_around),
            quoted(&self.referer),
            quoted(&self.user_agent),
            text(self.version_id.as_deref().map(encoded).as_deref()),
            text(Some(&self.host_id)),
            text(self.signature),
            // Which cipher it was, and of which TLS, the socket keeps to itself.
            "-".to_owned(),
            text(self.authentication),
            text(Some(&escaped(&self.host).replace(' ', "%20"))),
            self.tls.map_or("-".to_owned(), |version| format!("TLSv{version}")),
            "-".to_owned(),
            "-".to_owned(),
            region.to_owned(),
        ]
        .join(" ")
    }

    /// The canonical id of an account, or the ARN of who else it was.
    fn requester(&self) -> Option<String> {
        let caller = self.caller.as_ref()?;
        match (&caller.principal, &caller.account) {
            (api::Principal::Root, Some(account)) => Some(canonical_id(account)),
            _ => caller.arn(),
        }
    }
}

/// What ends neither a field nor a line.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "%22").replace(|letter: char| letter.is_control(), " ")
}

/// A key as the log writes it: what is not plain is percent-encoded.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// An operation as the log names it, `REST.<method>.<resource>`.
fn operation_name(operation: &str, method: &str) -> String {
    let (verb, resource) = match operation {
        "CopyObject" => ("COPY", "OBJECT"),
        "UploadPartCopy" => ("COPY", "PART"),
        "DeleteObjects" => ("POST", "MULTI_OBJECT_DELETE"),
        other => (method, resource(other)),
    };
    format!("REST.{verb}.{resource}")
}

/// What of S3 an operation is about.
fn resource(operation: &str) -> &'static str {
    const ENDINGS: [(&str, &str); 32] = [
        ("ObjectAttributes", "OBJECT_ATTRIBUTES"),
        ("ObjectTagging", "OBJECT_TAGGING"),
        ("BucketTagging", "TAGGING"),
        ("Acl", "ACL"),
        ("ObjectLegalHold", "OBJECT_LOCK_LEGALHOLD"),
        ("ObjectRetention", "OBJECT_LOCK_RETENTION"),
        ("ObjectLockConfiguration", "OBJECT_LOCK_CONFIGURATION"),
        ("RestoreObject", "RESTORE"),
        ("ListObjectVersions", "BUCKETVERSIONS"),
        ("BucketLocation", "LOCATION"),
        ("BucketPolicy", "BUCKETPOLICY"),
        ("BucketPolicyStatus", "POLICY_STATUS"),
        ("BucketVersioning", "VERSIONING"),
        ("BucketWebsite", "WEBSITE"),
        ("BucketCors", "CORS"),
        ("BucketLifecycle", "LIFECYCLE"),
        ("BucketLifecycleConfiguration", "LIFECYCLE"),
        ("BucketLogging", "LOGGING_STATUS"),
        ("BucketNotificationConfiguration", "NOTIFICATION"),
        ("BucketRequestPayment", "REQUEST_PAYMENT"),
        ("BucketAccelerateConfiguration", "ACCELERATE"),
        ("BucketEncryption", "ENCRYPTION"),
        ("BucketReplication", "REPLICATION"),
        ("PublicAccessBlock", "PUBLIC_ACCESS_BLOCK"),
        ("OwnershipControls", "OWNERSHIP_CONTROLS"),
        ("CreateMultipartUpload", "UPLOADS"),
        ("ListMultipartUploads", "UPLOADS"),
        ("CompleteMultipartUpload", "UPLOAD"),
        ("AbortMultipartUpload", "UPLOAD"),
        ("ListParts", "UPLOAD"),
        ("UploadPart", "PART"),
        ("Object", "OBJECT"),
    ];
    const PARTS: [(&str, &str); 4] = [
        ("Inventory", "INVENTORY"),
        ("Metrics", "METRICS"),
        ("Analytics", "ANALYTICS"),
        ("IntelligentTiering", "INTELLIGENT_TIERING"),
    ];
    let ending = ENDINGS.iter().find(|(ending, _)| operation.ends_with(ending));
    let part = || PARTS.iter().find(|(part, _)| operation.contains(part));
    ending.or_else(part).map_or("BUCKET", |(_, resource)| resource)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use api::Caller;

    use super::{Access, operation_name};

    #[test]
    fn a_line_reads_as_amazons() {
        let owner: ids::AccountId = "123456789012".parse().unwrap();
        let access = Access {
            time: "2026-02-06T00:00:38Z".parse().unwrap(),
            bucket: "b".to_owned(),
            key: Some("a b/ü".to_owned()),
            remote_ip: Some([192, 0, 2, 3].into()),
            caller: Some(Caller::root(owner.clone(), "AKIA")),
            request_id: "3E57427F33A59F07".to_owned(),
            host_id: "host".to_owned(),
            operation: "GetObject",
            method: "GET".to_owned(),
            uri: "/b/a%20b?x=\"".to_owned(),
            protocol: "HTTP/1.1",
            status: 404,
            error: Some("NoSuchKey".to_owned()),
            sent: 113,
            size: None,
            total: Duration::from_millis(7),
            turn_around: Duration::from_millis(5),
            referer: String::new(),
            user_agent: "S3 \"Console\"\n".to_owned(),
            version_id: None,
            signature: Some("SigV4"),
            authentication: Some("AuthHeader"),
            host: "b.s3.localhost".to_owned(),
            tls: None,
        };
        let id = crate::owner::canonical_id(&owner);
        let expected = format!(
            "{id} b [06/Feb/2026:00:00:38 +0000] 192.0.2.3 {id} 3E57427F33A59F07 REST.GET.OBJECT a%20b/%C3%BC \"GET /b/a%20b?x=%22 HTTP/1.1\" 404 NoSuchKey 113 - 7 5 \"-\" \"S3 %22Console%22 \" - host SigV4 - AuthHeader b.s3.localhost - - - us-east-1"
        );
        assert_eq!(access.line(&owner, "us-east-1"), expected);
    }

    #[test]
    fn operations_have_the_names_of_the_log() {
        for (operation, method, expected) in [
            ("GetObject", "GET", "REST.GET.OBJECT"),
            ("PutObject", "PUT", "REST.PUT.OBJECT"),
            ("CopyObject", "PUT", "REST.COPY.OBJECT"),
            ("DeleteObjects", "POST", "REST.POST.MULTI_OBJECT_DELETE"),
            ("ListObjectsV2", "GET", "REST.GET.BUCKET"),
            ("HeadBucket", "HEAD", "REST.HEAD.BUCKET"),
            ("ListObjectVersions", "GET", "REST.GET.BUCKETVERSIONS"),
            ("GetObjectAcl", "GET", "REST.GET.ACL"),
            ("GetBucketTagging", "GET", "REST.GET.TAGGING"),
            ("PutObjectTagging", "PUT", "REST.PUT.OBJECT_TAGGING"),
            ("GetBucketLifecycleConfiguration", "GET", "REST.GET.LIFECYCLE"),
            ("UploadPart", "PUT", "REST.PUT.PART"),
            ("UploadPartCopy", "PUT", "REST.COPY.PART"),
            ("CreateMultipartUpload", "POST", "REST.POST.UPLOADS"),
            ("CompleteMultipartUpload", "POST", "REST.POST.UPLOAD"),
            ("ListBucketInventoryConfigurations", "GET", "REST.GET.INVENTORY"),
        ] {
            assert_eq!(operation_name(operation, method), expected, "{operation}");
        }
    }
}
