//! What whoever logs the requests for buckets is told of each, once its answer is out. Not here: which buckets are
//! logged, in what form and where to.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use api::Caller;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Response, Version, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use jiff::Timestamp;
use wire::{StreamError, decode_path, parse_query};

use crate::body::AnswerBody;
use crate::evidence::Claimed;
use crate::front::Edge;
use crate::trace::{Over, SentUri, Trace, text_header};

/// One request for a bucket or what is in it.
#[derive(Debug, Clone)]
pub struct Accessed {
    /// When it came.
    pub time: Timestamp,
    /// The bucket.
    pub bucket: String,
    /// The key, if it names one.
    pub key: Option<String>,
    /// Where it came from.
    pub source_ip: Option<IpAddr>,
    /// Who asked; none if that was never known.
    pub caller: Option<Caller>,
    /// The id of the request.
    pub request_id: String,
    /// The second id.
    pub host_id: String,
    /// The operation.
    pub operation: &'static str,
    /// The HTTP method.
    pub method: String,
    /// Path and query, as they were sent.
    pub uri: String,
    /// The version of HTTP.
    pub protocol: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// The code of the error, if there was one.
    pub error: Option<String>,
    /// Bytes of the answer's body that were taken.
    pub sent: u64,
    /// Bytes of the object, as far as headers tell.
    pub size: Option<u64>,
    /// From the request to the end of its answer.
    pub total: Duration,
    /// From the request to the headers of its answer.
    pub turn_around: Duration,
    /// `Referer`.
    pub referer: String,
    /// `User-Agent`.
    pub user_agent: String,
    /// The version that was asked for.
    pub version_id: Option<String>,
    /// Which signature it had.
    pub signature: Option<&'static str>,
    /// Where it had it.
    pub authentication: Option<&'static str>,
    /// `Host`.
    pub host: String,
    /// The version of TLS that it came over; none for one that came without.
    pub tls: Option<&'static str>,
}

/// Who logs requests for buckets.
pub trait AccessLog: Send + Sync + 'static {
    /// Whether those for this bucket are logged. Asked for each request, so it answers at once.
    fn is_logged(&self, bucket: &str) -> bool;

    /// Takes note of one.
    fn note(&self, accessed: Accessed);
}

impl Edge {
    /// The same front, which tells of requests for buckets.
    #[must_use]
    pub fn with_access_log(mut self, log: Arc<dyn AccessLog>) -> Self {
        self.access_log = Some(log);
        self
    }

    /// The answer, of which the log is told once its last byte is taken, if the bucket is logged.
    pub(crate) fn logged(
        &self,
        answer: Response<AnswerBody>,
        error: Option<String>,
        request: (&Parts, &Claimed, Option<IpAddr>),
        trace: &Trace,
        started: Instant,
    ) -> Response<AnswerBody> {
        let Some(log) = self.access_log.as_ref().filter(|_| trace.service.has_bare_errors) else { return answer };
        let (parts, claim, source_ip) = request;
        let path = parts.uri.path().strip_prefix('/').unwrap_or_default();
        let (bucket, key) = path.split_once('/').map_or((path, None), |(bucket, key)| (bucket, Some(key)));
        if bucket.is_empty() || !log.is_logged(bucket) {
            return answer;
        }
        let turn_around = started.elapsed();
        let text = |name: header::HeaderName| text_header(parts, name.as_str()).to_owned();
        let query = parse_query(parts.uri.query().unwrap_or_default()).unwrap_or_default();
        let version_id = query.iter().find(|(name, _)| name == "versionId").and_then(|(_, value)| value.clone());
        let sent_uri = parts.extensions.get::<SentUri>().map_or(&parts.uri, |sent| &sent.0);
        let evidence = claim.as_ref().ok();
        let accessed = Accessed {
            time: Timestamp::now() - turn_around,
            bucket: bucket.to_owned(),
            key: key.filter(|key| !key.is_empty()).map(|key| decode_path(key).unwrap_or_else(|_| key.to_owned())),
            source_ip,
            caller: trace.seen.caller.clone(),
            request_id: trace.request_id.clone(),
            host_id: trace.host_id.clone(),
            operation: trace.operation,
            method: parts.method.to_string(),
            uri: sent_uri.path_and_query().map_or("/", |both| both.as_str()).to_owned(),
            protocol: match parts.version {
                Version::HTTP_10 => "HTTP/1.0",
                Version::HTTP_2 => "HTTP/2.0",
                _ => "HTTP/1.1",
            },
            status: answer.status().as_u16(),
            error,
            sent: 0,
            size: object_size(trace.operation, &parts.headers, answer.headers()),
            total: turn_around,
            turn_around,
            referer: text(header::REFERER),
            user_agent: text(header::USER_AGENT),
            version_id,
            signature: evidence.map(|evidence| if evidence.v4().is_some() { "SigV4" } else { "SigV2" }),
            authentication: evidence.map(|it| if it.is_presigned() { "QueryString" } else { "AuthHeader" }),
            host: text(header::HOST),
            tls: Over::tls(parts),
        };
        let noting = Noting { log: Arc::clone(log), accessed: Some(accessed), started };
        answer.map(|body| Logged { body, noting }.boxed())
    }
}

/// The bytes of a request's body as its headers announce them, without framing.
pub(crate) fn body_length(headers: &HeaderMap) -> u64 {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.parse().ok();
    number("x-amz-decoded-content-length").or_else(|| number("content-length")).unwrap_or_default()
}

/// The bytes of the object that a request brought or asked for.
fn object_size(operation: &str, asked: &HeaderMap, answered: &HeaderMap) -> Option<u64> {
    let text = |headers: &HeaderMap, name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
    let number = |headers: &HeaderMap, name: &str| text(headers, name)?.parse().ok();
    match operation {
        "PutObject" | "UploadPart" => Some(body_length(asked)),
        "GetObject" | "HeadObject" => {
            let whole = text(answered, "content-range").and_then(|range| range.rsplit('/').next()?.parse().ok());
            whole.or_else(|| answered.contains_key("etag").then(|| number(answered, "content-length"))?)
        }
        _ => None,
    }
}

/// Tells the log when it is dropped, which is when the answer is out or nobody takes the rest of it.
struct Noting {
    log: Arc<dyn AccessLog>,
    accessed: Option<Accessed>,
    started: Instant,
}

impl Drop for Noting {
    fn drop(&mut self) {
        if let Some(mut accessed) = self.accessed.take() {
            accessed.total = self.started.elapsed();
            self.log.note(accessed);
        }
    }
}

struct Logged {
    body: AnswerBody,
    noting: Noting,
}

impl Body for Logged {
    type Data = Bytes;
    type Error = StreamError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, StreamError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let (Poll::Ready(Some(Ok(frame))), Some(accessed)) = (&polled, &mut self.noting.accessed) {
            accessed.sent += frame.data_ref().map_or(0, Bytes::len) as u64;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
