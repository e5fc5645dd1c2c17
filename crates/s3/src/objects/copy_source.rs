//! What a copy is made of: the header that names it, the conditions on it, and the object found.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html>.

use api::Caller;
use jiff::Timestamp;
use service::{Need, Scope};
use store::View;
use wire::decode_path;

use super::conditions::ReadConditions;
use super::error::ObjectError;
use super::record::ObjectRecord;
use super::restore::check_active;
use super::versions::{Found, find, readable};
use crate::S3Error;
use crate::access::Grounds;
use crate::buckets::known_bucket;
use crate::config::charged;

/// The object that the header `x-amz-copy-source` names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CopySource {
    pub bucket: String,
    pub key: String,
    pub version: Option<String>,
}

/// An object to copy.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub object: ObjectRecord,
    /// Its version id as answers show it.
    pub version: Option<String>,
    /// What is said to who pays for reading it.
    pub request_charged: Option<String>,
}

/// Who copies, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Copier<'a> {
    pub caller: &'a Caller,
    /// What they say of who pays.
    pub payer: Option<&'a str>,
    pub now: Timestamp,
}

impl CopySource {
    /// Reads the header: bucket and key encoded for a URL, with or without a slash before them, and perhaps a version.
    ///
    /// # Errors
    /// `InvalidArgument`.
    pub(crate) fn read(header: &str) -> Result<Self, S3Error> {
        let refused = |text| S3Error::argument("x-amz-copy-source", header, text);
        let (path, version) = match header.split_once('?') {
            Some((path, "")) => (path, None),
            Some((path, query)) => match query.split_once('=') {
                Some(("versionId", version)) => (path, Some(version)),
                _ => return Err(refused("Unsupported copy source parameter.")),
            },
            None => (header, None),
        };
        let decode = |text: &str| decode_path(text).map_err(|_| refused("Invalid copy source encoding."));
        // S3 takes it for encoded as forms are: <https://github.com/aws/aws-cli/issues/614>.
        let path = decode(&path.replace('+', "%20"))?;
        let path = path.strip_prefix('/').unwrap_or(&path);
        match path.split_once('/') {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
                Ok(Self { bucket: bucket.to_owned(), key: key.to_owned(), version: version.map(decode).transpose()? })
            }
            _ => Err(refused("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")),
        }
    }

    /// What reading it needs, with its tags if `takes_tags`.
    ///
    /// # Errors
    /// As [`Grounds::of`] and [`Grounds::reading`].
    pub(crate) fn needs(&self, view: &View, scope: &Scope, takes_tags: bool) -> Result<Vec<Need>, S3Error> {
        let grounds = Grounds::of(view, scope, &self.bucket)?;
        let mut needs = grounds.reading(view, &self.key, self.version.as_deref())?;
        if takes_tags && self.has_tags(view)? {
            let actions = ("s3:GetObjectTagging", "s3:GetObjectVersionTagging");
            needs.push(grounds.on_version(actions, view, &self.key, self.version.as_deref())?);
        }
        Ok(needs)
    }

    /// Whether the object is there and has tags.
    ///
    /// # Errors
    /// The store's, those of [`known_bucket`].
    pub(crate) fn has_tags(&self, view: &View) -> Result<bool, S3Error> {
        let bucket = known_bucket(view, &self.bucket, None)?;
        let found = find(view, &bucket, &self.key, self.version.as_deref())?;
        Ok(matches!(found, Found::Object(object) if !object.traits.tags.is_empty()))
    }

    /// The object, if it may be copied.
    ///
    /// # Errors
    /// Those of [`known_bucket`] and [`readable`]; [`S3Error::PreconditionFailed`]; `InvalidRequest` for a delete marker
    /// named by its version; `InvalidObjectState` for one that is archived; `AccessDenied` where who reads pays, and the
    /// copier did not say so.
    pub(crate) fn look_up(
        &self,
        expected_owner: Option<&str>,
        conditions: &ReadConditions<'_>,
        view: &View,
        copier: Copier<'_>,
    ) -> Result<Source, S3Error> {
        let bucket = known_bucket(view, &self.bucket, expected_owner)?;
        let request_charged = charged(&bucket, copier.caller, copier.payer)?;
        let object = match readable(view, &bucket, &self.key, self.version.as_deref(), "GET") {
            Err(S3Error::Object(ObjectError::IsMarker { .. })) => {
                let text = "The source of a copy request may not specifically refer to a delete marker by version id.";
                return Err(S3Error::InvalidRequest(text.to_owned()));
            }
            Err(S3Error::Object(ObjectError::Deleted { key, .. })) => return Err(S3Error::NoSuchKey(key)),
            other => other?,
        };
        conditions.check(&object, copier.now).map_err(|error| match error {
            S3Error::NotModified(_) if conditions.if_none_match.is_some() => {
                S3Error::PreconditionFailed("x-amz-copy-source-If-None-Match")
            }
            S3Error::NotModified(_) => S3Error::PreconditionFailed("x-amz-copy-source-If-Modified-Since"),
            S3Error::PreconditionFailed("If-Match") => S3Error::PreconditionFailed("x-amz-copy-source-If-Match"),
            S3Error::PreconditionFailed(_) => S3Error::PreconditionFailed("x-amz-copy-source-If-Unmodified-Since"),
            other => other,
        })?;
        check_active(&object, copier.now, "Operation is not valid for the source object's storage class")?;
        Ok(Source { version: bucket.shown_version(&object.version), object, request_charged })
    }
}

#[cfg(test)]
mod tests {
    use super::CopySource;

    #[test]
    fn sources() {
        for (header, expected) in [
            ("bucket/key", Some(("bucket", "key", None))),
            ("/bucket/key", Some(("bucket", "key", None))),
            ("bucket/a/b%20c%2B+%C3%A9", Some(("bucket", "a/b c+ é", None))),
            ("bucket/key?", Some(("bucket", "key", None))),
            ("bucket/key?nonsense", None),
            ("bucket/key?acl=1", None),
            ("bucket%2Fkey", Some(("bucket", "key", None))),
            ("bucket/key?versionId=abc", Some(("bucket", "key", Some("abc")))),
            ("bucket/%3FversionId", Some(("bucket", "?versionId", None))),
            ("bucket//key", Some(("bucket", "/key", None))),
            ("bucket", None),
            ("bucket/", None),
            ("/key", None),
            ("", None),
            ("bucket/%zz", None),
        ] {
            let read = CopySource::read(header).ok();
            let read = read.as_ref().map(|it| (it.bucket.as_str(), it.key.as_str(), it.version.as_deref()));
            assert_eq!(read, expected, "{header}");
        }
    }
}
