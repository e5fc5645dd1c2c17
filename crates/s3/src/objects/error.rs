//! Errors about objects and their versions, with AWS's codes, texts, fields and headers.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use wire::ServiceError;

/// Why an operation on an object was refused.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The newest version of the key is a delete marker.
    #[error("key {key} was deleted")]
    Deleted {
        /// The key.
        key: String,
        /// The marker's id.
        version: String,
    },
    /// The version is a delete marker, with which nothing can be done but delete it.
    #[error("version {version} is a delete marker")]
    IsMarker {
        /// The HTTP method that was tried.
        method: &'static str,
        /// The marker's id.
        version: String,
        /// When the object was deleted.
        last_modified: Timestamp,
    },
    /// The key has no such version.
    #[error("no version {version} of {key}")]
    NoSuchVersion {
        /// The key.
        key: String,
        /// The version.
        version: String,
    },
    /// One of many objects has no key.
    #[error("an object without a key")]
    NoKey,
    /// The configuration says nothing of versions.
    #[error("the versioning configuration has no status")]
    IllegalVersioning,
    /// The bucket is in a state that does not go with what was asked; AWS's text.
    #[error("{0}")]
    InvalidBucketState(&'static str),
    /// The object's storage class does not go with what was asked.
    #[error("{text}: {class}")]
    InvalidObjectState {
        /// AWS's text.
        text: &'static str,
        /// The object's storage class, where S3 says it.
        class: String,
    },
    /// A value of a conditional header that S3 doesn't take for this API.
    #[error("{header} {message}")]
    ConditionNotImplemented {
        /// The header.
        header: &'static str,
        /// What more there is to say, in AWS's words.
        message: String,
    },
    /// Something was done with the key while the upload went on whose end depends on it.
    #[error("{key} was written meanwhile")]
    Conflict {
        /// The key.
        key: String,
        /// The condition's header.
        condition: &'static str,
    },
    /// A part that the object doesn't have.
    #[error("part {requested} of {actual}")]
    InvalidPartNumber {
        /// What was asked for.
        requested: i32,
        /// How many there are.
        actual: u64,
    },
    /// Tags are not what tags may be; AWS's text.
    #[error("{text}")]
    InvalidTag {
        /// AWS's text.
        text: &'static str,
        /// The offending key, where S3 says it.
        key: Option<String>,
    },
    /// What a website should send to is no location, or one of too many bytes.
    #[error("a redirect of {0} bytes")]
    InvalidRedirect(usize),
    /// There are more tags than an object may have.
    #[error("too many tags")]
    TooManyTags,
    /// S3 doesn't do this any more for anybody.
    #[error("{method} of {resource_type} is no more")]
    Discontinued {
        /// The HTTP method.
        method: &'static str,
        /// What S3 calls what it was tried on.
        resource_type: &'static str,
    },
}

impl From<ObjectError> for ServiceError {
    fn from(error: ObjectError) -> Self {
        let refused = |code, status, text: &str| Self::sender(code, status, text);
        match error {
            ObjectError::Deleted { key, version } => refused("NoSuchKey", 404, "The specified key does not exist.")
                .with_field("Key", key)
                .with_header("x-amz-delete-marker", "true")
                .with_header("x-amz-version-id", version),
            ObjectError::IsMarker { method, version, last_modified } => {
                let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&last_modified).unwrap_or_default();
                not_allowed(method, "DeleteMarker")
                    .with_header("Allow", "DELETE")
                    .with_header("x-amz-delete-marker", "true")
                    .with_header("x-amz-version-id", version)
                    .with_header("Last-Modified", date)
            }
            ObjectError::NoSuchVersion { key, version } => {
                refused("NoSuchVersion", 404, "The specified version does not exist.")
                    .with_field("Key", key)
                    .with_field("VersionId", version)
            }
            ObjectError::NoKey => refused("UserKeyMustBeSpecified", 400, "User key must be specified."),
            ObjectError::IllegalVersioning => {
                refused("IllegalVersioningConfigurationException", 400, "The Versioning element must be specified")
            }
            ObjectError::InvalidBucketState(text) => refused("InvalidBucketState", 409, text),
            ObjectError::InvalidObjectState { text, class } => {
                refused("InvalidObjectState", 403, text).with_field("StorageClass", class)
            }
            ObjectError::ConditionNotImplemented { header, message } => {
                let text = "A header you provided implies functionality that is not implemented";
                Self::receiver("NotImplemented", 501, text)
                    .with_field("Header", header)
                    .with_field("additionalMessage", message)
            }
            ObjectError::Conflict { key, condition } => {
                let text =
                    "The conditional request cannot succeed due to a conflicting operation against this resource.";
                refused("ConditionalRequestConflict", 409, text)
                    .with_field("Condition", condition)
                    .with_field("Key", key)
            }
            ObjectError::InvalidPartNumber { requested, actual } => {
                refused("InvalidPartNumber", 416, "The requested partnumber is not satisfiable")
                    .with_field("PartNumberRequested", requested.to_string())
                    .with_field("ActualPartCount", actual.to_string())
            }
            ObjectError::InvalidTag { text, key } => match key {
                Some(key) => refused("InvalidTag", 400, text).with_field("TagKey", key),
                None => refused("InvalidTag", 400, text),
            },
            ObjectError::InvalidRedirect(length) if length > 2048 => refused(
                "InvalidRedirectLocation",
                400,
                "The length of website redirect location cannot exceed 2,048 characters.",
            ),
            ObjectError::InvalidRedirect(_) => {
                let text = "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.";
                refused("InvalidRedirectLocation", 400, text)
            }
            ObjectError::TooManyTags => refused("BadRequest", 400, "Object tags cannot be greater than 10"),
            ObjectError::Discontinued { method, resource_type } => not_allowed(method, resource_type),
        }
    }
}

fn not_allowed(method: &'static str, resource_type: &'static str) -> ServiceError {
    ServiceError::sender("MethodNotAllowed", 405, "The specified method is not allowed against this resource.")
        .with_field("Method", method)
        .with_field("ResourceType", resource_type)
}
