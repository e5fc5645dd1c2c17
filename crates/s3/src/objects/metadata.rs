//! The headers and the user metadata of an object, as a PUT brings them.

use std::collections::BTreeMap;

use api::s3::PutObjectRequest;

use super::record::ObjectHeaders;
use crate::S3Error;
use crate::error::MAX_METADATA_BYTES;

/// What an object is that nobody described.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>.
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// The headers to keep.
pub(crate) fn headers_of(input: &PutObjectRequest) -> ObjectHeaders {
    let given = |header: &Option<String>| header.clone().filter(|text| !text.is_empty());
    ObjectHeaders {
        content_type: Some(given(&input.content_type).unwrap_or_else(|| DEFAULT_CONTENT_TYPE.to_owned())),
        content_encoding: given(&input.content_encoding),
        content_disposition: given(&input.content_disposition),
        content_language: given(&input.content_language),
        cache_control: given(&input.cache_control),
        expires: given(&input.expires),
    }
}

/// Refuses user metadata that is too large: the sum of the bytes of names and values counts.
///
/// # Errors
/// [`S3Error::MetadataTooLarge`].
pub(crate) fn check_metadata(metadata: Option<&BTreeMap<String, String>>) -> Result<(), S3Error> {
    let size = metadata.map_or(0, |pairs| pairs.iter().map(|(name, value)| name.len() + value.len()).sum());
    if size > MAX_METADATA_BYTES { Err(S3Error::MetadataTooLarge(size)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::check_metadata;

    #[test]
    fn two_kilobytes_and_no_more() {
        let of = |size: usize| BTreeMap::from([("name".to_owned(), "x".repeat(size - 4))]);
        assert!(check_metadata(None).is_ok());
        assert!(check_metadata(Some(&of(2048))).is_ok());
        assert!(check_metadata(Some(&of(2049))).is_err());
    }
}
