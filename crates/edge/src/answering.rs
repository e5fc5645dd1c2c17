//! The side of a connection that faces the pipeline: requests of every HTTP version are made alike before they are
//! answered, and their answers are watched until the peer has them.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, StatusCode, Uri, Version, header};
use hyper::body::{Body, Incoming};
use hyper::service::Service;
use tokio::sync::{Semaphore, watch};

use crate::activity::{Activity, Watched};
use crate::body::{AnswerBody, full};
use crate::front::Edge;
use crate::phase::Phase;
use crate::trace::Over;
use crate::unread;

/// Most bytes of an answer that HTTP/2 takes at once.
const H2_PIECE: usize = 64 * 1024;

/// What one connection's requests are answered with.
#[derive(Clone)]
pub(crate) struct Answering {
    pub(crate) edge: Arc<Edge>,
    pub(crate) peer: SocketAddr,
    /// The version of TLS that it speaks, if it does.
    pub(crate) tls: Option<&'static str>,
    /// Whether everything is refused, because it should have come over TLS.
    pub(crate) is_refused: bool,
    pub(crate) activity: Arc<Activity>,
    pub(crate) phase: watch::Receiver<Phase>,
    /// Places for requests over HTTP/2, shared by all connections.
    pub(crate) places: Arc<Semaphore>,
}

impl Service<Request<Incoming>> for Answering {
    type Response = Response<Watched>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { Ok(this.answer(request).await) })
    }
}

impl Answering {
    async fn answer(self, mut request: Request<Incoming>) -> Response<Watched> {
        let exchange = self.activity.begin();
        let is_h2 = request.version() == Version::HTTP_2;
        request.extensions_mut().insert(Over(self.tls));
        let is_empty_handed = expects_nothing(&request);
        let expects = request.headers().contains_key(header::EXPECT);
        let request = request.map(|body| unread::Incoming::new(body, !is_h2 && !expects));
        let mut answer = if self.is_refused {
            refusal(StatusCode::BAD_REQUEST, "InvalidRequest", "This endpoint is reached by https only.")
        } else if is_h2 {
            self.answer_h2(request).await
        } else {
            self.edge.answer(request, Some(self.peer.ip())).await
        };
        // Over HTTP/2 the connection says so itself.
        // Whose `100 Continue` may never have been sent still has a body that nobody will read.
        let is_unread = expects && (answer.status().is_client_error() || answer.status().is_server_error());
        let is_last = self.is_refused || is_empty_handed || is_unread || *self.phase.borrow() != Phase::Serving;
        if is_last && !is_h2 {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let piece = if is_h2 { H2_PIECE } else { usize::MAX };
        answer.map(|body| Watched::new(body, piece, exchange))
    }

    async fn answer_h2(&self, mut request: Request<unread::Incoming>) -> Response<AnswerBody> {
        let limits = self.edge.limits();
        if request.headers().len() > limits.headers {
            let text = "Your request has too many headers.";
            return refusal(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "RequestHeaderSectionTooLarge", text);
        }
        if !as_h1(&mut request) {
            let text = "The Host header and the :authority of your request differ.";
            return refusal(StatusCode::BAD_REQUEST, "InvalidRequest", text);
        }
        let waited: Duration = limits.header_time;
        match tokio::time::timeout(waited, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(_place)) => self.edge.answer(request, Some(self.peer.ip())).await,
            _ => refusal(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate."),
        }
    }
}

/// Whether a request waits for a `100 Continue` though it has no body: hyper sends none then. botocore takes the answer
/// that comes instead, and mistakes the next one on the same connection for it, so there is to be no next one.
/// Source: `AWSConnection` of botocore 1.43, whose `close` forgets what it remembers.
fn expects_nothing<B: Body>(request: &Request<B>) -> bool {
    request.headers().contains_key(header::EXPECT) && request.body().is_end_stream()
}

/// Makes a request of HTTP/2 look as HTTP/1 has it: signatures are made over a `host` header and a path, and the body's
/// framing is asked of its headers. False if the request names two different hosts (RFC 9113, 8.3.1).
fn as_h1<B: Body>(request: &mut Request<B>) -> bool {
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
    if let Some(authority) = authority {
        match request.headers().get(header::HOST) {
            Some(host) if host.as_bytes().eq_ignore_ascii_case(authority.as_bytes()) => {}
            Some(_) => return false,
            None => {
                let Ok(host) = HeaderValue::from_str(&authority) else { return false };
                request.headers_mut().insert(header::HOST, host);
            }
        }
        let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        *request.uri_mut() = Uri::from(path);
    }
    // What has a body of unannounced length says so in HTTP/1, by a header that does not exist in HTTP/2.
    if !request.headers().contains_key(header::CONTENT_LENGTH) && !request.body().is_end_stream() {
        request.headers_mut().insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    true
}

/// An answer to whoever has not come as far as a service: in the form that most tools of AWS can read, and people too.
fn refusal(status: StatusCode, code: &str, text: &str) -> Response<AnswerBody> {
    let id = "00000000-0000-0000-0000-000000000000";
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>\n"
    );
    let mut answer = Response::new(full(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    answer
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Request;
    use http_body_util::{Empty, Full};

    use super::{as_h1, expects_nothing};

    #[test]
    fn who_waits_to_send_nothing_is_told_that_the_connection_ends() {
        let expecting = || Request::put("/").header("expect", "100-continue");
        assert!(expects_nothing(&expecting().body(Empty::<Bytes>::new()).unwrap()));
        assert!(!expects_nothing(&expecting().body(Full::new(Bytes::from_static(b"x"))).unwrap()));
        assert!(!expects_nothing(&Request::put("/").body(Empty::<Bytes>::new()).unwrap()));
    }

    #[test]
    fn a_request_of_http2_has_a_host_and_a_path() {
        let mut request =
            Request::get("https://bucket.s3.localhost:4566/key?versions").body(Empty::<Bytes>::new()).unwrap();
        assert!(as_h1(&mut request));
        assert_eq!(request.uri().to_string(), "/key?versions");
        assert_eq!(request.headers()["host"], "bucket.s3.localhost:4566");
        assert!(!request.headers().contains_key("transfer-encoding"), "it has no body");
        let mut request = Request::post("https://localhost").body(Full::new(Bytes::from("x"))).unwrap();
        assert!(as_h1(&mut request));
        assert_eq!(request.uri().to_string(), "/");
        assert_eq!(request.headers()["transfer-encoding"], "chunked");
    }

    #[test]
    fn two_hosts_are_refused() {
        let check = |host: &str| {
            let mut request =
                Request::get("https://a.localhost/").header("host", host).body(Empty::<Bytes>::new()).unwrap();
            as_h1(&mut request)
        };
        assert!(check("A.localhost"));
        assert!(!check("b.localhost"));
    }
}
