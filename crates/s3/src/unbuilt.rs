//! Parameters whose meaning is not built yet. Saying so is better than accepting them and doing less.

use crate::S3Error;

/// Refuses the first header of `headers` that is given.
pub(crate) fn refuse_given(headers: &[(&'static str, bool)]) -> Result<(), S3Error> {
    match headers.iter().find(|(_, is_given)| *is_given) {
        Some((header, _)) => Err(S3Error::NotImplemented(header)),
        None => Ok(()),
    }
}

/// Permits the canned ACLs that give nobody but the owner anything. An unknown one is a mistake.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl>.
pub(crate) fn refuse_acl(acl: Option<&str>) -> Result<(), S3Error> {
    match acl {
        None | Some("private" | "bucket-owner-full-control") => Ok(()),
        Some(
            "public-read" | "public-read-write" | "aws-exec-read" | "authenticated-read" | "bucket-owner-read"
            | "log-delivery-write",
        ) => Err(S3Error::NotImplemented("x-amz-acl")),
        Some(other) => Err(S3Error::argument("x-amz-acl", other, "The specified canned ACL is not valid")),
    }
}

/// Permits the storage class `STANDARD`. An unknown one is a mistake.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html> (`x-amz-storage-class`).
pub(crate) fn refuse_storage_class(class: Option<&str>) -> Result<(), S3Error> {
    match class {
        None | Some("STANDARD") => Ok(()),
        Some(
            "REDUCED_REDUNDANCY"
            | "STANDARD_IA"
            | "ONEZONE_IA"
            | "INTELLIGENT_TIERING"
            | "GLACIER"
            | "DEEP_ARCHIVE"
            | "OUTPOSTS"
            | "GLACIER_IR"
            | "SNOW"
            | "EXPRESS_ONEZONE"
            | "FSX_OPENZFS"
            | "FSX_ONTAP",
        ) => Err(S3Error::NotImplemented("x-amz-storage-class")),
        Some(other) => Err(S3Error::InvalidStorageClass(other.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::{refuse_acl, refuse_storage_class};
    use crate::S3Error;

    #[test]
    fn what_is_not_built_is_said() {
        assert!(refuse_acl(Some("private")).is_ok());
        assert!(matches!(refuse_acl(Some("public-read")), Err(S3Error::NotImplemented(_))));
        assert!(matches!(refuse_acl(Some("nonsense")), Err(S3Error::InvalidArgument { .. })));
        assert!(matches!(refuse_storage_class(Some("GLACIER")), Err(S3Error::NotImplemented(_))));
        assert!(matches!(refuse_storage_class(Some("COLD")), Err(S3Error::InvalidStorageClass(_))));
    }
}
