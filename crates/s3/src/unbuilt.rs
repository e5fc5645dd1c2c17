//! Parameters whose meaning is not built yet. Saying so is better than accepting them and doing less.

use crate::S3Error;

/// Refuses the first header of `headers` that is given.
pub(crate) fn refuse_given(headers: &[(&'static str, bool)]) -> Result<(), S3Error> {
    match headers.iter().find(|(_, is_given)| *is_given) {
        Some((header, _)) => Err(S3Error::NotImplemented(header)),
        None => Ok(()),
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
    use super::refuse_storage_class;
    use crate::S3Error;

    #[test]
    fn what_is_not_built_is_said() {
        assert!(matches!(refuse_storage_class(Some("GLACIER")), Err(S3Error::NotImplemented(_))));
        assert!(matches!(refuse_storage_class(Some("COLD")), Err(S3Error::InvalidStorageClass(_))));
    }
}
