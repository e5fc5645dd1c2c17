//! What a service does for browsers beside its operations: it lets pages of other origins use it, and has pages of its own.
//! Not here: the meaning of its rules, which the service knows.

use http::request::Parts;
use http::{HeaderName, HeaderValue, Response, header};
use wire::{BoxFuture, ServiceError};

use crate::body::{AnswerBody, full};
use crate::front::Edge;
use crate::trace::{Trace, text_header};

/// Headers by name in lower case.
pub type Headers = Vec<(&'static str, String)>;

/// What S3 does for browsers.
pub trait Web: Send + Sync {
    /// Answers a browser's question whether a page may send a request, with the headers of a 200.
    ///
    /// # Errors
    /// It may not.
    fn preflight(&self, asked: Preflight) -> BoxFuture<'_, Result<Headers, ServiceError>>;

    /// The headers that an answer of this bucket to a page of `origin` has beside its own.
    ///
    /// # Errors
    /// The store's.
    fn cross_origin<'a>(
        &'a self,
        bucket: &'a str,
        origin: &'a str,
        method: &'a str,
    ) -> BoxFuture<'a, Result<Headers, ServiceError>>;

    /// The website of a bucket.
    ///
    /// # Errors
    /// There is no such bucket, or it is no website.
    fn site<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<Box<dyn Site>, ServiceError>>;
}

/// A bucket that is a website.
pub trait Site: Send + Sync {
    /// Where a visitor goes first.
    fn first(&self, visit: Visit<'_>) -> Turn;

    /// The page of a folder that a visitor may have meant: if it is there, the visitor is sent to the folder.
    fn folder_page(&self, key: &str) -> Option<String>;

    /// Where a visitor goes for whom nothing but this HTTP status was found.
    fn missing(&self, visit: Visit<'_>, status: u16) -> Turn;
}

/// A browser's question whether a page may send a request.
#[derive(Debug, Clone, Default)]
pub struct Preflight {
    /// The bucket; empty if the path names none.
    pub bucket: String,
    /// Whether the request is for an object, not for the bucket.
    pub is_object: bool,
    /// Where the page is from: `Origin`.
    pub origin: Option<String>,
    /// The method: `Access-Control-Request-Method`.
    pub method: Option<String>,
    /// The headers: `Access-Control-Request-Headers`.
    pub headers: Option<String>,
}

/// What a visitor of a website asks for.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// `http` or `https`, as the visitor came.
    pub protocol: &'a str,
    /// The host and the port that the visitor named.
    pub host: &'a str,
    /// The key: the path, decoded, without its first slash.
    pub key: &'a str,
    /// The query as it came.
    pub query: Option<&'a str>,
}

/// Where a visitor is led.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Elsewhere.
    Move {
        /// The HTTP status.
        status: u16,
        /// Where to: `Location`.
        location: String,
    },
    /// To the object of this key: the page, or the one for errors.
    Look(String),
    /// There is nothing but the error.
    Nothing,
}

impl Edge {
    /// Answers a browser's question.
    pub(crate) async fn preflight(
        &self,
        web: &dyn Web,
        (bucket, is_object): (String, bool),
        parts: &Parts,
        trace: &mut Trace,
    ) -> Result<Response<AnswerBody>, ServiceError> {
        trace.operation = "PreflightRequest";
        let given = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
        let asked = Preflight {
            bucket,
            is_object,
            origin: given("origin"),
            method: given("access-control-request-method"),
            headers: given("access-control-request-headers"),
        };
        let mut answer = Response::new(full(bytes::Bytes::new()));
        let headers = web.preflight(asked).await?;
        add(&mut answer, headers);
        self.sign_off(&mut answer, trace);
        Ok(answer)
    }
}

/// Adds what a page of another origin may see of an answer, if a page asked for it. That this cannot be known is no reason
/// to withhold the answer itself: the browser does that.
pub(crate) async fn share(web: &dyn Web, bucket: &str, parts: &Parts, answer: &mut Response<AnswerBody>) {
    let origin = text_header(parts, header::ORIGIN.as_str());
    if origin.is_empty() || bucket.is_empty() || parts.method == http::Method::OPTIONS {
        return;
    }
    // Who says what it is about, as when asking beforehand, is taken at its word.
    let method = match text_header(parts, "access-control-request-method") {
        "" => parts.method.as_str(),
        method => method,
    };
    if let Ok(headers) = web.cross_origin(bucket, origin, method).await {
        add(answer, headers);
    }
}

fn add(answer: &mut Response<AnswerBody>, headers: Headers) {
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
}

/// The bucket of a path in path style, and whether there is a key behind it.
pub(crate) fn bucket_of(path: &str) -> (String, bool) {
    let path = path.strip_prefix('/').unwrap_or(path);
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (wire::decode_path(bucket).unwrap_or_default(), !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::bucket_of;

    #[test]
    fn paths_have_a_bucket_and_perhaps_a_key() {
        for (path, bucket, has_key) in [
            ("/", "", false),
            ("/b", "b", false),
            ("/b/", "b", false),
            ("/b/k", "b", true),
            ("/b//", "b", true),
            ("/%62/k", "b", true),
            ("/%ff/k", "", true),
        ] {
            assert_eq!(bucket_of(path), (bucket.to_owned(), has_key), "{path}");
        }
    }
}
