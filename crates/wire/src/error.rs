//! What goes wrong: a request that can't be read, and an operation that says no.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// A request does not fit its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// Which member, as the client wrote it: `Filter.1.Value.2`, `Delete.Object`, `x-amz-acl`. Empty for the whole.
    pub path: String,
    /// What is wrong with it.
    pub reason: DecodeReason,
    /// It is in the body, not in the path, query or headers. Only the REST protocols tell.
    pub is_body: bool,
}

/// What is wrong with a member.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeReason {
    /// A required member is not there.
    #[error("is required")]
    Missing,
    /// The operation knows no such member.
    #[error("is not known")]
    Unknown,
    /// It was given twice.
    #[error("is given twice")]
    Duplicate,
    /// The text is no such thing.
    #[error("is not {expected}: {text:?}")]
    Malformed {
        /// What it should have been.
        expected: &'static str,
        /// The beginning of what it was.
        text: String,
    },
    /// A list's indexes don't count up from one.
    #[error("has list indexes other than 1, 2, 3 and so on")]
    BadIndex,
    /// It nests deeper than [`crate::MAX_DEPTH`].
    #[error("nests too deep")]
    TooDeep,
    /// It has more parts than any real request.
    #[error("has too many parts")]
    TooMany,
    /// Percent-encoding or UTF-8 is broken.
    #[error("is not valid percent-encoded UTF-8")]
    Encoding,
    /// The document is no XML that we accept.
    #[error("is not acceptable XML: {0}")]
    Xml(String),
    /// The body is no JSON or CBOR that we accept.
    #[error("is not acceptable: {0}")]
    Syntax(String),
    /// A JSON or CBOR value is of another kind than its member.
    #[error("{found} cannot be converted to {expected}")]
    Unconvertible {
        /// What it is, as AWS's parser names it.
        found: &'static str,
        /// What it should have been.
        expected: &'static str,
    },
}

impl DecodeError {
    /// An error at `path`.
    pub fn new(path: impl Into<String>, reason: DecodeReason) -> Self {
        Self { path: path.into(), reason, is_body: false }
    }

    /// `text` at `path` is not `expected`. Only the beginning of the text is kept.
    pub fn malformed(path: impl Into<String>, expected: &'static str, text: &str) -> Self {
        const KEPT: usize = 64;
        let text = text.chars().take(KEPT).collect();
        Self::new(path, DecodeReason::Malformed { expected, text })
    }

    /// The same error, one level further out.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        if self.path.is_empty() {
            self.path.push_str(outer);
        } else if !outer.is_empty() {
            self.path.insert(0, '.');
            self.path.insert_str(0, outer);
        }
        self
    }

    /// The same error, known to be in the body.
    #[must_use]
    pub fn in_body(mut self) -> Self {
        self.is_body = true;
        self
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = if self.path.is_empty() { "the request" } else { &self.path };
        write!(f, "{subject} {}", self.reason)
    }
}

impl Error for DecodeError {}

/// An operation's refusal, as any protocol can write it.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ServiceError {
    /// AWS's code, such as `InvalidInstanceID.NotFound`.
    pub code: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
    /// The caller is at fault, so a retry is useless.
    pub is_sender_fault: bool,
    /// AWS's text for the caller.
    pub message: String,
    /// Further elements of the error, such as S3's `BucketName`, in order.
    pub fields: Vec<(&'static str, String)>,
    /// Headers of the answer, such as the `ETag` of a 304, in order.
    pub headers: Vec<(&'static str, String)>,
    /// What lies beneath; for the log only.
    #[source]
    pub cause: Option<Box<dyn Error + Send + Sync>>,
}

impl ServiceError {
    /// The caller's fault: `code` with `status` (4xx, or 304) and AWS's text.
    pub fn sender(code: impl Into<Cow<'static, str>>, status: u16, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            status,
            is_sender_fault: true,
            message: message.into(),
            fields: Vec::new(),
            headers: Vec::new(),
            cause: None,
        }
    }

    /// Our fault: `code` with `status` (5xx) and AWS's text. Clients retry.
    pub fn receiver(code: impl Into<Cow<'static, str>>, status: u16, message: impl Into<String>) -> Self {
        Self { is_sender_fault: false, ..Self::sender(code, status, message) }
    }

    /// The caller's fault with status 400, the commonest kind.
    pub fn bad_request(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::sender(code, 400, message)
    }

    /// Something of ours broke. The caller learns no more than that; `cause` goes to the log.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::receiver("InternalError", 500, "An internal error has occurred").because(cause)
    }

    /// The same error with a further element.
    #[must_use]
    pub fn with_field(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.fields.push((name, text.into()));
        self
    }

    /// The same error with a header of its answer. Text that can't be a header is left out.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.headers.push((name, text.into()));
        self
    }

    /// The same error with its cause, for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{DecodeError, DecodeReason};

    #[test]
    fn a_path_grows_outwards() {
        let error = DecodeError::new("Value", DecodeReason::Missing).within("1").within("").within("Filter");
        assert_eq!(error.to_string(), "Filter.1.Value is required");
        assert_eq!(DecodeError::malformed("", "x", &"é".repeat(100)).path, "");
    }
}
