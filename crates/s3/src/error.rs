//! Errors of S3, with AWS's codes, texts and fields.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.

use std::borrow::Cow;

use blobs::BlobError;
use store::StoreError;
use wire::{ServiceError, StreamError};

use crate::acl::AclError;
use crate::encryption::EncryptionError;
use crate::lock::LockError;
use crate::objects::ObjectError;
use crate::uploads::UploadError;

/// The most bytes that one PUT may bring.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html>.
pub(crate) const MAX_PUT_BYTES: u64 = 5 << 30;
/// The most bytes that a key may have.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>.
pub(crate) const MAX_KEY_BYTES: usize = 1024;
/// The most bytes that names and values of user metadata may have together.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>.
pub(crate) const MAX_METADATA_BYTES: usize = 2048;

/// What is said of an object that the client has already: what a 200 would have said too.
/// Source: RFC 9110, section 15.4.5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmodified {
    /// Its tag, in quotes.
    pub etag: String,
    /// When it was written, as HTTP writes dates.
    pub last_modified: String,
    /// Its `Cache-Control`.
    pub cache_control: Option<String>,
    /// Its `Expires`.
    pub expires: Option<String>,
}

/// Why an operation of S3 was refused.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    /// The caller may not, or the bucket is somebody else's.
    #[error("access denied")]
    AccessDenied,
    /// The caller may not, as S3 says it.
    #[error("not authorized")]
    Unauthorized(Box<ServiceError>),
    /// There is no such bucket.
    #[error("no bucket {0}")]
    NoSuchBucket(String),
    /// Whom the caller takes for the bucket's owner is no account.
    #[error("{0} is no account")]
    InvalidExpectedOwner(String),
    /// The bucket has no policy.
    #[error("bucket {0} has no policy")]
    NoSuchBucketPolicy(String),
    /// The bucket has no public access block.
    #[error("bucket {0} has no public access block")]
    NoSuchPublicAccessBlock(String),
    /// The bucket has no rules for pages of other origins.
    #[error("bucket {0} has no CORS configuration")]
    NoSuchCors(String),
    /// The bucket is no website.
    #[error("bucket {0} has no website configuration")]
    NoSuchWebsite(String),
    /// The policy is none, or none for its bucket; AWS's text.
    #[error("{0}")]
    MalformedPolicy(String),
    /// Only the owner's account may do this, whoever else is allowed to.
    #[error("{method} of {resource_type}")]
    MethodNotAllowed {
        /// The HTTP method.
        method: &'static str,
        /// What S3 calls what it was tried on.
        resource_type: &'static str,
    },
    /// Allowed, but prevented by a setting; AWS's text.
    #[error("{0}")]
    Prevented(String),
    /// There is no such object.
    #[error("no key {0}")]
    NoSuchKey(String),
    /// An upload or its parts are not what was said of them.
    #[error(transparent)]
    Upload(#[from] UploadError),
    /// No bucket may have this name.
    #[error("{0} is no bucket name")]
    InvalidBucketName(String),
    /// The name belongs to another account.
    #[error("bucket {0} is taken")]
    BucketAlreadyExists(String),
    /// The caller has made this bucket before.
    #[error("bucket {0} exists")]
    BucketAlreadyOwnedByYou(String),
    /// There are objects in the bucket.
    #[error("bucket {0} is not empty")]
    BucketNotEmpty(String),
    /// There are versions in the bucket.
    #[error("bucket {0} has versions")]
    VersionsLeft(String),
    /// The location constraint names another region than this one, or none where one is needed.
    #[error("location constraint {0} at this endpoint")]
    IllegalLocationConstraint(String),
    /// The location constraint names no region.
    #[error("location constraint {0}")]
    InvalidLocationConstraint(String),
    /// A parameter has no valid value.
    #[error("{name}: {message}")]
    InvalidArgument {
        /// The parameter as the client wrote it.
        name: &'static str,
        /// What the client gave, where S3 repeats it.
        value: Option<String>,
        /// AWS's text.
        message: Cow<'static, str>,
    },
    /// The parameters make no sense together.
    #[error("{0}")]
    InvalidRequest(String),
    /// The encryption that is asked for, or that it does without.
    #[error(transparent)]
    Encryption(#[from] EncryptionError),
    /// A parameter whose meaning is not built yet.
    #[error("{0} is not implemented")]
    NotImplemented(&'static str),
    /// The key is too long; its length.
    #[error("a key of {0} bytes")]
    KeyTooLong(usize),
    /// The user metadata is too large; its size.
    #[error("metadata of {0} bytes")]
    MetadataTooLarge(usize),
    /// The object is too large for one PUT; its size.
    #[error("a body of {0} bytes")]
    EntityTooLarge(u64),
    /// The length of the body is not known beforehand.
    #[error("no content length")]
    MissingContentLength,
    /// The Content-MD5 is no MD5.
    #[error("Content-MD5 {0}")]
    InvalidDigest(String),
    /// The Content-MD5 is not that of the body; both in base64.
    #[error("Content-MD5 {expected}, calculated {calculated}")]
    BadMd5 {
        /// What the client said.
        expected: String,
        /// What came.
        calculated: String,
    },
    /// The checksum is not that of the body; the algorithm's name.
    #[error("the {0} does not match")]
    BadChecksum(&'static str),
    /// The range lies outside of the object.
    #[error("range {requested} of {length} bytes")]
    InvalidRange {
        /// The `Range` header.
        requested: String,
        /// The object's length.
        length: u64,
    },
    /// A precondition does not hold; the header's name.
    #[error("{0} does not hold")]
    PreconditionFailed(&'static str),
    /// The object is still what the client has.
    #[error("not modified")]
    NotModified(Box<Unmodified>),
    /// A configuration of a bucket that cannot be.
    #[error("{code}: {message}")]
    Misconfigured {
        /// AWS's code.
        code: &'static str,
        /// AWS's text.
        message: String,
    },
    /// The bucket has no such configuration.
    #[error("{code} of bucket {bucket}")]
    NotConfigured {
        /// AWS's code.
        code: &'static str,
        /// AWS's text.
        message: &'static str,
        /// The bucket.
        bucket: String,
    },
    /// A tag that cannot be.
    #[error("{message}")]
    InvalidTag {
        /// AWS's text.
        message: &'static str,
        /// Which of its two sides are meant, and what they are.
        fields: Vec<(&'static str, String)>,
    },
    /// No log can go to this bucket.
    #[error("{message}")]
    InvalidLogTarget {
        /// AWS's text.
        message: &'static str,
        /// The bucket.
        bucket: String,
    },
    /// There is no such storage class.
    #[error("storage class {0}")]
    InvalidStorageClass(String),
    /// The body is not what the operation takes.
    #[error("the XML does not fit")]
    MalformedXml,
    /// The incoming bytes broke a promise of their headers.
    #[error("the body is invalid: {code}")]
    Body {
        /// AWS's code.
        code: &'static str,
        /// AWS's text.
        message: &'static str,
    },
    /// The incoming bytes ended too early or too late.
    #[error("the body has not the length that was announced")]
    IncompleteBody(#[source] StreamError),
    /// The bytes waited too long for their commit and were given up as nobody's; the client tries again.
    #[error("the upload was reclaimed before it was committed")]
    Reclaimed,
    /// The object bytes could not be kept or given.
    #[error("blobs")]
    Blob(#[source] BlobError),
    /// The store failed.
    #[error("store")]
    Store(#[from] StoreError),
    /// A list or an ownership was refused.
    #[error(transparent)]
    Acl(#[from] AclError),
    /// A lock was refused, or one refuses.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// An object or a version is not what was asked for.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// Something of ours failed; the text is for the log.
    #[error("{0}")]
    Internal(String),
}

impl S3Error {
    /// A parameter without a valid value.
    pub(crate) fn argument(name: &'static str, value: impl Into<String>, message: &'static str) -> Self {
        Self::InvalidArgument { name, value: Some(value.into()), message: message.into() }
    }

    /// The same, where S3 does not repeat what it was given.
    pub(crate) fn unread(name: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::InvalidArgument { name, value: None, message: message.into() }
    }

    /// A configuration that the bucket does not have.
    pub(crate) fn not_configured(code: &'static str, message: &'static str, bucket: impl Into<String>) -> Self {
        Self::NotConfigured { code, message, bucket: bucket.into() }
    }

    /// A configuration that cannot be, by this code of AWS's and with this text.
    pub(crate) fn misconfigured(code: &'static str, message: impl Into<String>) -> Self {
        Self::Misconfigured { code, message: message.into() }
    }
}

impl From<StreamError> for S3Error {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Invalid { code, message } => Self::Body { code, message },
            StreamError::Broken(_) | StreamError::WrongLength { .. } => Self::IncompleteBody(error),
        }
    }
}

impl From<BlobError> for S3Error {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Source(cause) => match cause.downcast::<StreamError>() {
                Ok(stream) => (*stream).into(),
                Err(cause) => Self::Internal(cause.to_string()),
            },
            BlobError::TooLarge { limit } => Self::EntityTooLarge(limit.saturating_add(1)),
            other => Self::Blob(other),
        }
    }
}

impl From<S3Error> for ServiceError {
    fn from(error: S3Error) -> Self {
        let refused = |code, status, text: &str| Self::sender(code, status, text);
        match error {
            S3Error::AccessDenied => refused("AccessDenied", 403, "Access Denied"),
            S3Error::Unauthorized(error) => *error,
            S3Error::NoSuchBucket(name) => {
                refused("NoSuchBucket", 404, "The specified bucket does not exist").with_field("BucketName", name)
            }
            S3Error::NoSuchBucketPolicy(name) => {
                refused("NoSuchBucketPolicy", 404, "The bucket policy does not exist").with_field("BucketName", name)
            }
            S3Error::NoSuchPublicAccessBlock(name) => {
                let text = "The public access block configuration was not found";
                refused("NoSuchPublicAccessBlockConfiguration", 404, text).with_field("BucketName", name)
            }
            S3Error::NoSuchCors(name) => {
                refused("NoSuchCORSConfiguration", 404, "The CORS configuration does not exist")
                    .with_field("BucketName", name)
            }
            S3Error::NoSuchWebsite(name) => {
                let text = "The specified bucket does not have a website configuration";
                refused("NoSuchWebsiteConfiguration", 404, text).with_field("BucketName", name)
            }
            S3Error::InvalidExpectedOwner(given) => {
                let text = "The value of the expected bucket owner parameter must be an AWS Account ID...";
                refused("InvalidBucketOwnerAWSAccountID", 400, &format!("{text} [{given}]"))
            }
            S3Error::MalformedPolicy(text) => refused("MalformedPolicy", 400, &text),
            S3Error::MethodNotAllowed { method, resource_type } => {
                let text = "The specified method is not allowed against this resource.";
                refused("MethodNotAllowed", 405, text)
                    .with_field("Method", method)
                    .with_field("ResourceType", resource_type)
            }
            S3Error::Prevented(text) => refused("AccessDenied", 403, &text),
            S3Error::NoSuchKey(key) => {
                refused("NoSuchKey", 404, "The specified key does not exist.").with_field("Key", key)
            }
            S3Error::Upload(error) => error.into(),
            S3Error::InvalidBucketName(name) => {
                refused("InvalidBucketName", 400, "The specified bucket is not valid.").with_field("BucketName", name)
            }
            S3Error::BucketAlreadyExists(name) => {
                let text = "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.";
                refused("BucketAlreadyExists", 409, text).with_field("BucketName", name)
            }
            S3Error::BucketAlreadyOwnedByYou(name) => {
                let text = "Your previous request to create the named bucket succeeded and you already own it.";
                refused("BucketAlreadyOwnedByYou", 409, text).with_field("BucketName", name)
            }
            S3Error::BucketNotEmpty(name) => {
                refused("BucketNotEmpty", 409, "The bucket you tried to delete is not empty")
                    .with_field("BucketName", name)
            }
            S3Error::VersionsLeft(name) => {
                let text = "The bucket you tried to delete is not empty. You must delete all versions in the bucket.";
                refused("BucketNotEmpty", 409, text).with_field("BucketName", name)
            }
            S3Error::IllegalLocationConstraint(constraint) => Self::sender(
                "IllegalLocationConstraintException",
                400,
                format!(
                    "The {constraint} location constraint is incompatible for the region specific endpoint this request was sent to."
                ),
            ),
            S3Error::InvalidLocationConstraint(constraint) => {
                refused("InvalidLocationConstraint", 400, "The specified location-constraint is not valid")
                    .with_field("LocationConstraint", constraint)
            }
            S3Error::InvalidArgument { name, value, message } => {
                let error = refused("InvalidArgument", 400, &message).with_field("ArgumentName", name);
                match value {
                    Some(value) => error.with_field("ArgumentValue", value),
                    None => error,
                }
            }
            S3Error::InvalidRequest(text) => refused("InvalidRequest", 400, &text),
            S3Error::Encryption(error) => error.into(),
            S3Error::NotImplemented(header) => {
                let text = "A header you provided implies functionality that is not implemented.";
                Self::receiver("NotImplemented", 501, text).with_field("Header", header)
            }
            S3Error::KeyTooLong(size) => refused("KeyTooLongError", 400, "Your key is too long")
                .with_field("Size", size.to_string())
                .with_field("MaxSizeAllowed", MAX_KEY_BYTES.to_string()),
            S3Error::MetadataTooLarge(size) => {
                refused("MetadataTooLarge", 400, "Your metadata headers exceed the maximum allowed metadata size")
                    .with_field("Size", size.to_string())
                    .with_field("MaxSizeAllowed", MAX_METADATA_BYTES.to_string())
            }
            S3Error::EntityTooLarge(size) => {
                refused("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size")
                    .with_field("ProposedSize", size.to_string())
                    .with_field("MaxSizeAllowed", MAX_PUT_BYTES.to_string())
            }
            S3Error::MissingContentLength => {
                refused("MissingContentLength", 411, "You must provide the Content-Length HTTP header.")
            }
            S3Error::InvalidDigest(given) => {
                refused("InvalidDigest", 400, "The Content-MD5 you specified was invalid.")
                    .with_field("Content-MD5", given)
            }
            S3Error::BadMd5 { expected, calculated } => {
                refused("BadDigest", 400, "The Content-MD5 you specified did not match what we received.")
                    .with_field("CalculatedDigest", calculated)
                    .with_field("ExpectedDigest", expected)
            }
            S3Error::BadChecksum(algorithm) => Self::sender(
                "BadDigest",
                400,
                format!("The {algorithm} you specified did not match the calculated checksum."),
            ),
            S3Error::InvalidRange { requested, length } => {
                refused("InvalidRange", 416, "The requested range is not satisfiable")
                    .with_field("RangeRequested", requested)
                    .with_field("ActualObjectSize", length.to_string())
            }
            S3Error::PreconditionFailed(header) => {
                let text = "At least one of the pre-conditions you specified did not hold";
                refused("PreconditionFailed", 412, text).with_field("Condition", header)
            }
            S3Error::NotModified(object) => {
                let error = refused("NotModified", 304, "Not Modified")
                    .with_header("ETag", object.etag)
                    .with_header("Last-Modified", object.last_modified);
                let error = match object.cache_control {
                    Some(text) => error.with_header("Cache-Control", text),
                    None => error,
                };
                match object.expires {
                    Some(text) => error.with_header("Expires", text),
                    None => error,
                }
            }
            S3Error::Misconfigured { code, message } => Self::sender(code, 400, message),
            S3Error::NotConfigured { code, message, bucket } => {
                let error = refused(code, 404, message);
                if bucket.is_empty() { error } else { error.with_field("BucketName", bucket) }
            }
            S3Error::InvalidTag { message, fields } => fields
                .into_iter()
                .fold(refused("InvalidTag", 400, message), |error, (name, value)| error.with_field(name, value)),
            S3Error::InvalidLogTarget { message, bucket } => {
                refused("InvalidTargetBucketForLogging", 400, message).with_field("TargetBucket", bucket)
            }
            S3Error::InvalidStorageClass(class) => {
                refused("InvalidStorageClass", 400, "The storage class you specified is not valid")
                    .with_field("StorageClassRequested", class)
            }
            S3Error::MalformedXml => refused(
                "MalformedXML",
                400,
                "The XML you provided was not well-formed or did not validate against our published schema",
            ),
            S3Error::Body { code, message } => {
                let status = if code == "SignatureDoesNotMatch" { 403 } else { 400 };
                refused(code, status, message)
            }
            S3Error::IncompleteBody(cause) => {
                let text = "You did not provide the number of bytes specified by the Content-Length HTTP header";
                refused("IncompleteBody", 400, text).because(cause)
            }
            S3Error::Acl(error) => error.into(),
            S3Error::Lock(error) => error.into(),
            S3Error::Object(error) => error.into(),
            S3Error::Reclaimed => slow_down(),
            S3Error::Blob(cause @ BlobError::Busy) => slow_down().because(cause),
            S3Error::Blob(cause @ BlobError::NoSpace) => {
                Self::receiver("ServiceUnavailable", 503, "Service is unable to handle request.").because(cause)
            }
            S3Error::Blob(cause) => broken(cause),
            S3Error::Store(cause) => broken(cause),
            S3Error::Internal(cause) => broken(cause),
        }
    }
}

fn slow_down() -> ServiceError {
    ServiceError::receiver("SlowDown", 503, "Please reduce your request rate.")
}

fn broken(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ServiceError {
    let text = "We encountered an internal error. Please try again.";
    ServiceError::receiver("InternalError", 500, text).because(cause)
}
