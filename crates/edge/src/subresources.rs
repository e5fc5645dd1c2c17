//! What S3 calls the resource that a request names, in refusals of methods, and which methods it takes there.
//! Source: S3's answers to such requests, as others have recorded them.

use http::Method;

/// A resource: what its parameter is called, what refusals call it, and its methods besides `GET`.
struct Resource {
    parameter: &'static str,
    name: &'static str,
    has_get: bool,
    writes: &'static [&'static str],
}

const fn resource(
    parameter: &'static str,
    name: &'static str,
    has_get: bool,
    writes: &'static [&'static str],
) -> Resource {
    Resource { parameter, name, has_get, writes }
}

/// Parameters that name a part of a bucket.
const OF_BUCKETS: &[Resource] = &[
    resource("abac", "BUCKET_ABAC", true, &["PUT"]),
    resource("accelerate", "ACCELERATE", true, &["PUT"]),
    resource("acl", "ACL", true, &["PUT"]),
    resource("analytics", "ANALYTICS", true, &["DELETE", "PUT"]),
    resource("cors", "CORS", true, &["DELETE", "PUT"]),
    resource("delete", "MULTI_OBJECT_DELETE", false, &["POST"]),
    resource("encryption", "ENCRYPTION", true, &["DELETE", "PUT"]),
    resource("intelligent-tiering", "INTELLIGENT_TIERING", true, &["DELETE", "PUT"]),
    resource("inventory", "INVENTORY", true, &["DELETE", "PUT"]),
    resource("lifecycle", "LIFECYCLE", true, &["DELETE", "PUT"]),
    resource("location", "LOCATION", true, &[]),
    resource("logging", "LOGGING_STATUS", true, &["PUT"]),
    resource("metadataAnnotationTable", "BUCKET_METADATA_ANNOTATION_TABLE_CONFIGURATION", false, &["PUT"]),
    resource("metadataConfiguration", "BUCKET_METADATA_CONFIGURATION", true, &["DELETE", "POST"]),
    resource("metadataInventoryTable", "BUCKET_METADATA_INVENTORY_TABLE_CONFIGURATION", false, &["PUT"]),
    resource("metadataJournalTable", "BUCKET_METADATA_JOURNAL_TABLE_CONFIGURATION", false, &["PUT"]),
    resource("metadataTable", "BUCKET_METADATA_TABLE_CONFIGURATION", true, &["DELETE", "POST"]),
    resource("metrics", "METRICS", true, &["DELETE", "PUT"]),
    resource("notification", "NOTIFICATION", true, &["PUT"]),
    resource("object-lock", "OBJECT_LOCK_CONFIGURATION", true, &["PUT"]),
    resource("ownershipControls", "OWNERSHIP_CONTROLS", true, &["DELETE", "PUT"]),
    resource("policy", "BUCKETPOLICY", true, &["DELETE", "PUT"]),
    resource("policyStatus", "POLICY_STATUS", true, &[]),
    resource("publicAccessBlock", "PUBLIC_ACCESS_BLOCK", true, &["DELETE", "PUT"]),
    resource("replication", "REPLICATION", true, &["DELETE", "PUT"]),
    resource("requestPayment", "REQUEST_PAYMENT", true, &["PUT"]),
    resource("restore", "RESTORE", false, &["POST"]),
    resource("tagging", "TAGGING", true, &["DELETE", "PUT"]),
    resource("torrent", "TORRENT", false, &[]),
    resource("uploadId", "UPLOAD", true, &["DELETE", "POST"]),
    resource("uploads", "UPLOADS", true, &["POST"]),
    resource("versioning", "VERSIONING", true, &["PUT"]),
    resource("versions", "BUCKETVERSIONS", true, &[]),
    resource("website", "WEBSITE", true, &["DELETE", "PUT"]),
];

/// Parameters that name a part of an object, where that is not what they name of a bucket.
const OF_OBJECTS: &[Resource] = &[
    resource("annotation", "OBJECT_ANNOTATIONS", true, &[]),
    resource("attributes", "OBJECT_ATTRIBUTES", true, &[]),
    resource("encryption", "OBJECT_ENCRYPTION", false, &["PUT"]),
    resource("legal-hold", "OBJECT_LOCK_LEGALHOLD", true, &["PUT"]),
    resource("retention", "OBJECT_LOCK_RETENTION", true, &["PUT"]),
    resource("select", "SELECT", false, &["POST"]),
    resource("tagging", "OBJECT_TAGGING", true, &["DELETE", "PUT"]),
    resource("uploads", "UPLOADS", false, &["POST"]),
];

/// One part of an upload, which takes two parameters to name.
const PART: Resource = resource("partNumber", "PART", false, &["PUT"]);

/// What is named, in the words of a refusal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// As in `ResourceType`.
    pub(crate) name: &'static str,
    /// As in `Allow`; none where no method is.
    pub(crate) methods: Option<String>,
}

/// What a request names by its path and its query.
pub(crate) fn named(bucket: &str, has_key: bool, query: &[(String, Option<String>)]) -> Named {
    let has = |parameter: &str| query.iter().any(|(given, _)| given == parameter);
    let part = has("partNumber") && has("uploadId");
    let mut known = if has_key { OF_OBJECTS.iter().chain(OF_BUCKETS) } else { [].iter().chain(OF_BUCKETS) };
    let found = if part { Some(&PART) } else { known.find(|resource| has(resource.parameter)) };
    if bucket.is_empty() {
        return Named { name: "SERVICE", methods: Some("GET".to_owned()) };
    }
    match found {
        Some(resource) => {
            let reads = ["GET"].into_iter().filter(|_| resource.has_get);
            // In the order in which S3 has them: `HEAD, DELETE, POST, GET, PUT`.
            let before = resource.writes.iter().copied().filter(|method| *method != "PUT");
            let last = resource.writes.iter().copied().filter(|method| *method == "PUT");
            let all: Vec<&str> = before.chain(reads).chain(last).collect();
            Named { name: resource.name, methods: (!all.is_empty()).then(|| all.join(", ")) }
        }
        None if has_key => Named { name: "OBJECT", methods: Some("HEAD, DELETE, GET, PUT".to_owned()) },
        None => Named { name: "BUCKET", methods: Some("HEAD, DELETE, POST, GET, PUT".to_owned()) },
    }
}

/// Whether a parameter of this name makes what is asked of a bucket something else than a listing of its objects.
pub(crate) fn is_of_bucket(parameter: &str) -> bool {
    OF_BUCKETS.iter().any(|resource| resource.parameter == parameter)
}

/// Whether S3 knows a method at all. Of others it says that the request is none.
pub(crate) fn is_known(method: &Method) -> bool {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"];
    KNOWN.contains(&method.as_str())
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn resources_and_their_methods() {
        for (bucket, has_key, query, name, methods) in [
            ("", false, &[][..], "SERVICE", Some("GET")),
            ("", false, &["acl"], "SERVICE", Some("GET")),
            ("b", false, &[], "BUCKET", Some("HEAD, DELETE, POST, GET, PUT")),
            ("b", true, &[], "OBJECT", Some("HEAD, DELETE, GET, PUT")),
            ("b", false, &["versioning"], "VERSIONING", Some("GET, PUT")),
            ("b", false, &["cors"], "CORS", Some("DELETE, GET, PUT")),
            ("b", false, &["delete"], "MULTI_OBJECT_DELETE", Some("POST")),
            ("b", true, &["delete"], "MULTI_OBJECT_DELETE", Some("POST")),
            ("b", false, &["tagging"], "TAGGING", Some("DELETE, GET, PUT")),
            ("b", true, &["tagging"], "OBJECT_TAGGING", Some("DELETE, GET, PUT")),
            ("b", true, &["versioning"], "VERSIONING", Some("GET, PUT")),
            ("b", true, &["encryption"], "OBJECT_ENCRYPTION", Some("PUT")),
            ("b", true, &["uploadId"], "UPLOAD", Some("DELETE, POST, GET")),
            ("b", true, &["partNumber", "uploadId"], "PART", Some("PUT")),
            ("b", true, &["torrent"], "TORRENT", None),
            ("b", true, &["x-id"], "OBJECT", Some("HEAD, DELETE, GET, PUT")),
        ] {
            let query: Vec<_> = query.iter().map(|name| ((*name).to_owned(), None)).collect();
            let found = named(bucket, has_key, &query);
            assert_eq!((found.name, found.methods.as_deref()), (name, methods), "{bucket} {has_key} {query:?}");
        }
    }
}
