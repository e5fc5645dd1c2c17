//! The user metadata of an object: how much there may be, and how it is shown.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::S3Error;
use crate::error::MAX_METADATA_BYTES;

/// Refuses user metadata that is too large: the sum of the bytes of names and values counts.
///
/// # Errors
/// [`S3Error::MetadataTooLarge`].
pub(super) fn check_metadata(metadata: Option<&BTreeMap<String, String>>) -> Result<(), S3Error> {
    let size = metadata.map_or(0, |pairs| pairs.iter().map(|(name, value)| name.len() + value.len()).sum());
    if size > MAX_METADATA_BYTES { Err(S3Error::MetadataTooLarge(size)) } else { Ok(()) }
}

/// The user metadata as answers show it: none for none, and text that is not ASCII as RFC 2047 encodes it.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>.
pub(super) fn shown_metadata(metadata: BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    let shown = metadata.into_iter().map(|(name, value)| {
        let is_plain = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        (name, if is_plain { value } else { format!("=?UTF-8?B?{}?=", STANDARD.encode(value)) })
    });
    let shown: BTreeMap<String, String> = shown.collect();
    (!shown.is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{check_metadata, shown_metadata};

    #[test]
    fn what_no_header_can_hold_is_encoded() {
        let pair = |value: &str| BTreeMap::from([("name".to_owned(), value.to_owned())]);
        assert_eq!(shown_metadata(BTreeMap::new()), None);
        assert_eq!(shown_metadata(pair("")), Some(pair("")));
        assert_eq!(shown_metadata(pair("a b~")), Some(pair("a b~")));
        assert_eq!(shown_metadata(pair("ÄÖ")), Some(pair("=?UTF-8?B?w4TDlg==?=")));
    }

    #[test]
    fn two_kilobytes_and_no_more() {
        let of = |size: usize| BTreeMap::from([("name".to_owned(), "x".repeat(size - 4))]);
        assert!(check_metadata(None).is_ok());
        assert!(check_metadata(Some(&of(2048))).is_ok());
        assert!(check_metadata(Some(&of(2049))).is_err());
    }
}
