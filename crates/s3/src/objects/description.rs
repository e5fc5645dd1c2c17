//! What a request says of an object beside its bytes: headers, user metadata, storage class, tags, redirect. `PutObject`,
//! `CopyObject` and `CreateMultipartUpload` say it with the same members.

use std::collections::BTreeMap;

use super::error::ObjectError;
use super::metadata::check_metadata;
use super::record::{ObjectHeaders, ObjectTraits};
use super::tags;
use crate::S3Error;

/// What an object is that nobody described.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>.
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";
/// The longest redirect.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-page-redirect.html>.
const MAX_REDIRECT_BYTES: usize = 2048;

/// What a request says of its object.
pub(crate) struct Description<'a> {
    pub headers: ObjectHeaders,
    pub metadata: Option<&'a BTreeMap<String, String>>,
    pub storage_class: Option<&'a str>,
    pub tagging: Option<&'a str>,
    pub redirect: Option<&'a str>,
}

/// The [`Description`] in an input that has its members.
macro_rules! description {
    ($input:expr) => {{
        let input = $input;
        let given = |header: &Option<String>| header.clone().filter(|text| !text.is_empty());
        $crate::objects::Description {
            headers: $crate::objects::ObjectHeaders {
                content_type: given(&input.content_type),
                content_encoding: given(&input.content_encoding),
                content_disposition: given(&input.content_disposition),
                content_language: given(&input.content_language),
                cache_control: given(&input.cache_control),
                expires: given(&input.expires),
            },
            metadata: input.metadata.as_ref(),
            storage_class: input.storage_class.as_deref(),
            tagging: input.tagging.as_deref(),
            redirect: input.website_redirect_location.as_deref(),
        }
    }};
}
pub(crate) use description;

impl Description<'_> {
    /// What is stored of it. Owner, list, encryption and lock are left as they are by default.
    ///
    /// # Errors
    /// [`S3Error::MetadataTooLarge`], [`S3Error::InvalidStorageClass`], those of [`tags::read_header`];
    /// `InvalidRedirectLocation`.
    pub(crate) fn traits(self) -> Result<ObjectTraits, S3Error> {
        check_metadata(self.metadata)?;
        let metadata = self.metadata.into_iter().flatten();
        Ok(ObjectTraits {
            metadata: metadata.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect(),
            storage_class: read_storage_class(self.storage_class)?,
            tags: tags::read_header(self.tagging)?,
            redirect: read_redirect(self.redirect)?,
            headers: ObjectHeaders {
                content_type: Some(self.headers.content_type.unwrap_or_else(|| DEFAULT_CONTENT_TYPE.to_owned())),
                content_encoding: self.headers.content_encoding.as_deref().and_then(without_framing),
                ..self.headers
            },
            ..ObjectTraits::default()
        })
    }
}

/// The content encodings without `aws-chunked`, which is how bytes came and not what they are; S3 never keeps it, even of
/// a body that did not come so.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>.
fn without_framing(encodings: &str) -> Option<String> {
    if !encodings.contains("aws-chunked") {
        return Some(encodings.to_owned());
    }
    let rest: Vec<&str> = encodings.split(',').map(str::trim).filter(|encoding| *encoding != "aws-chunked").collect();
    (!rest.is_empty()).then(|| rest.join(", "))
}

/// The storage class; those of other kinds of buckets and of other machines are none of ours. All of ours lie on the same
/// disks.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html>.
fn read_storage_class(class: Option<&str>) -> Result<String, S3Error> {
    match class {
        None | Some("") => Ok("STANDARD".to_owned()),
        Some(
            class @ ("STANDARD"
            | "REDUCED_REDUNDANCY"
            | "STANDARD_IA"
            | "ONEZONE_IA"
            | "INTELLIGENT_TIERING"
            | "GLACIER"
            | "DEEP_ARCHIVE"
            | "GLACIER_IR"),
        ) => Ok(class.to_owned()),
        Some(other) => Err(S3Error::InvalidStorageClass(other.to_owned())),
    }
}

/// Where a website sends who asks for the object.
fn read_redirect(location: Option<&str>) -> Result<Option<String>, S3Error> {
    let Some(location) = location.filter(|location| !location.is_empty()) else { return Ok(None) };
    let is_location = ["/", "http://", "https://"].iter().any(|start| location.starts_with(start));
    if !is_location || location.len() > MAX_REDIRECT_BYTES {
        return Err(ObjectError::InvalidRedirect(location.len()).into());
    }
    Ok(Some(location.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{read_redirect, read_storage_class, without_framing};

    #[test]
    fn the_framing_of_an_upload_is_no_encoding_of_its_object() {
        for (sent, kept) in [
            ("gzip", Some("gzip")),
            ("deflate,gzip", Some("deflate,gzip")),
            ("aws-chunked, gzip", Some("gzip")),
            ("deflate,gzip,aws-chunked", Some("deflate, gzip")),
            ("aws-chunked", None),
            ("aws-chunked, aws-chunked", None),
        ] {
            assert_eq!(without_framing(sent).as_deref(), kept, "{sent}");
        }
    }

    #[test]
    fn storage_classes() {
        assert_eq!(read_storage_class(None).unwrap(), "STANDARD");
        assert_eq!(read_storage_class(Some("GLACIER_IR")).unwrap(), "GLACIER_IR");
        for other in ["standard", "OUTPOSTS", "SNOW", "EXPRESS_ONEZONE", "COLD"] {
            assert!(read_storage_class(Some(other)).is_err(), "{other}");
        }
    }

    #[test]
    fn redirects() {
        assert_eq!(read_redirect(None).unwrap(), None);
        assert_eq!(read_redirect(Some("/else")).unwrap().as_deref(), Some("/else"));
        assert!(read_redirect(Some("https://example.com")).is_ok());
        assert!(read_redirect(Some("else")).is_err());
        assert!(read_redirect(Some(&format!("/{}", "x".repeat(2048)))).is_err());
    }
}
