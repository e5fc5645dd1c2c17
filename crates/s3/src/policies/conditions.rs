//! The condition keys of S3's own that a bucket's policy may ask for. Of those of others S3 does not judge here.
//! Sources: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-policy-keys>,
//! and keys that S3 was seen to take beside them, as others have recorded it.

/// Whether `key` is of S3's and not known to it.
pub(super) fn is_unknown(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let Some(name) = key.strip_prefix("s3:") else { return !key.contains(':') };
    let is_of_tag = |prefix: &&str| name.strip_prefix(*prefix).is_some_and(|tag| !tag.is_empty());
    !KEYS.contains(&name) && !OF_TAGS.iter().any(is_of_tag)
}

/// Keys with the name of a tag behind them, without `s3:`, in lower case.
const OF_TAGS: &[&str] = &["accesspointtag/", "buckettag/", "existingobjecttag/", "requestobjecttag/"];

/// Keys, without `s3:`, in lower case.
const KEYS: &[&str] = &[
    "accessgrantscope",
    "accessgrantsinstancearn",
    "accessgrantslocationscope",
    "accesspointnetworkorigin",
    "annotation-prefix",
    "authtype",
    "dataaccesspointaccount",
    "dataaccesspointarn",
    "delimiter",
    "deliverysourcearn",
    "destinationregion",
    "existingjoboperation",
    "existingjobpriority",
    "if-match",
    "if-none-match",
    "inventoryaccessibleoptionalfields",
    "inventoryfield",
    "isreplicationpauserequest",
    "jobsuspendedcause",
    "locationconstraint",
    "logtype",
    "max-annotation-results",
    "max-keys",
    "object-lock-legal-hold",
    "object-lock-mode",
    "object-lock-remaining-retention-days",
    "object-lock-retain-until-date",
    "objectcreationoperation",
    "prefix",
    "requestjoboperation",
    "requestjobpriority",
    "requestobjecttagkeys",
    "resourceaccount",
    "resourcearnbeingauthorized",
    "signatureage",
    "signatureversion",
    "tlsversion",
    "versionid",
    "x-amz-acl",
    "x-amz-bucket-namespace",
    "x-amz-content-sha256",
    "x-amz-copy-source",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
    "x-amz-metadata-directive",
    "x-amz-object-annotation-directive",
    "x-amz-object-if-match",
    "x-amz-object-ownership",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
];

#[cfg(test)]
mod tests {
    use super::{KEYS, OF_TAGS, is_unknown};

    #[test]
    fn keys_of_s3_and_of_others() {
        for (key, expected) in [
            ("s3:prefix", false),
            ("S3:Prefix", false),
            ("s3:x-amz-acl", false),
            ("s3:ExistingObjectTag/a b", false),
            ("s3:ExistingObjectTag/", true),
            ("s3:x-acl", true),
            ("s3:", true),
            ("prefix", true),
            ("aws:SourceIp", false),
            ("aws:NotYetThere", false),
            ("ec2:SourceInstanceArn", false),
        ] {
            assert_eq!(is_unknown(key), expected, "{key}");
        }
        assert!(KEYS.is_sorted() && OF_TAGS.is_sorted());
    }
}
