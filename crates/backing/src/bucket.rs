//! A bucket of an S3-compatible server, as far as blobs need it: five requests, signed, over connections that are kept.
//! Not here: what the objects are.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use wire::sigv4::{CanonicalRequest, PathRule, Scope, Signer, SigningKey, amz_date, sign_headers};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest wait for the beginning of an answer, and for each piece of it.
pub(crate) const ANSWER: Duration = Duration::from_secs(60);
/// Connections that are kept for the next request.
const KEPT: usize = 32;
/// Longest answer that is not an object.
const MAX_DOCUMENT: usize = 4 << 20;
/// What stands for a body that is not hashed: it has checksums of its own.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// Where the bucket is, and who we are there.
#[derive(Clone)]
pub struct Place {
    /// Such as `https://s3.example.net/bucket` or `http://127.0.0.1:4566/bucket/folder`.
    pub address: Uri,
    /// The region that signatures are for.
    pub region: String,
    /// The access key id.
    pub access_key: String,
    /// The secret access key.
    pub secret: String,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place").field("address", &self.address).field("region", &self.region).finish_non_exhaustive()
    }
}

/// The body of a request.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A client of one bucket.
pub(crate) struct Bucket {
    place: Place,
    host: String,
    port: u16,
    /// `/bucket`, and what all keys begin with.
    path: String,
    pub(crate) prefix: String,
    tls: Option<TlsConnector>,
    idle: Mutex<Vec<SendRequest<Body>>>,
}

/// An answer whose body is still to come, and the connection that it comes over.
pub(crate) struct Answer {
    pub(crate) response: Response<Incoming>,
    sender: SendRequest<Body>,
}

impl Bucket {
    pub(crate) fn new(place: Place) -> io::Result<Self> {
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("{}: {what}", place.address));
        let host = place.address.host().ok_or_else(|| wrong("it names no server"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let (tls, port) = match place.address.scheme_str() {
            Some("https") => (Some(TlsConnector::from(Arc::new(fetch::client_config()))), 443),
            Some("http") => (None, 80),
            _ => return Err(wrong("it begins with neither https:// nor http://")),
        };
        let mut parts = place.address.path().trim_matches('/').splitn(2, '/');
        let bucket = parts.next().filter(|name| !name.is_empty()).ok_or_else(|| wrong("it names no bucket"))?;
        let prefix = parts.next().map_or_else(String::new, |prefix| format!("{prefix}/"));
        let (path, port) = (format!("/{bucket}"), place.address.port_u16().unwrap_or(port));
        Ok(Self { host, port, path, prefix, tls, idle: Mutex::default(), place })
    }

    /// Sends a request about `key` (none: about the bucket).
    pub(crate) async fn send(
        &self,
        method: &str,
        key: Option<&str>,
        query: &str,
        extra: &[(HeaderName, String)],
        body: Option<Body>,
    ) -> io::Result<Answer> {
        let path = match key {
            Some(key) => format!("{}/{}{key}", self.path, self.prefix),
            None => self.path.clone(),
        };
        let headers = self.headers(method, &path, query, extra)?;
        let target = if query.is_empty() { path } else { format!("{path}?{query}") };
        let mut request = Request::builder().method(method).uri(target);
        if let Some(all) = request.headers_mut() {
            *all = headers;
        }
        let body = body.unwrap_or_else(|| Empty::new().map_err(|never| match never {}).boxed_unsync());
        let request = request.body(body).map_err(io::Error::other)?;
        let mut sender = self.connection().await?;
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        Ok(Answer { response, sender })
    }

    fn headers(&self, method: &str, path: &str, query: &str, extra: &[(HeaderName, String)]) -> io::Result<HeaderMap> {
        let value = |text: &str| HeaderValue::from_str(text).map_err(io::Error::other);
        let authority = self.place.address.authority().map_or("", |authority| authority.as_str());
        let date = amz_date(Timestamp::now());
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, value(authority)?);
        headers.insert("x-amz-date", value(&date)?);
        headers.insert("x-amz-content-sha256", value(UNSIGNED)?);
        for (name, text) in extra {
            headers.insert(name, value(text)?);
        }
        let scope = Scope { date: date[..8].to_owned(), region: self.place.region.clone(), service: "s3".to_owned() };
        let key = SigningKey::derive(&self.place.secret, &scope);
        let signer = Signer { access_key: &self.place.access_key, scope: &scope, key: &key };
        let canonical =
            CanonicalRequest { method, path, query, headers: &headers, payload: UNSIGNED, path_rule: PathRule::Once };
        let authorization = sign_headers(&canonical, &signer).map_err(|error| io::Error::other(error.to_string()))?;
        headers.insert(header::AUTHORIZATION, value(&authorization)?);
        Ok(headers)
    }

    /// A connection that was used before, or a new one.
    async fn connection(&self) -> io::Result<SendRequest<Body>> {
        loop {
            let Some(mut kept) = self.idle().pop() else { break };
            if !kept.is_closed() && kept.ready().await.is_ok() {
                return Ok(kept);
            }
        }
        let connect = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            stream.set_nodelay(true)?;
            match &self.tls {
                None => over(stream).await,
                Some(tls) => {
                    let server = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
                    over(tls.connect(server, stream).await?).await
                }
            }
        };
        tokio::time::timeout(CONNECT, connect).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// Keeps the connection of an answer that was read to its end.
    pub(crate) fn keep(&self, sender: SendRequest<Body>) {
        let mut idle = self.idle();
        if idle.len() < KEPT && !sender.is_closed() {
            idle.push(sender);
        }
    }

    /// The whole body of an answer, which is no object.
    pub(crate) async fn document(&self, answer: Answer) -> io::Result<(http::response::Parts, Bytes)> {
        let (parts, body) = answer.response.into_parts();
        let read = tokio::time::timeout(ANSWER, Limited::new(body, MAX_DOCUMENT).collect()).await;
        let read = read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
        let bytes = read.map_err(|error| io::Error::other(error.to_string()))?.to_bytes();
        self.keep(answer.sender);
        Ok((parts, bytes))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SendRequest<Body>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answer {
    /// The body, and the connection to keep when it is read.
    pub(crate) fn into_parts(self) -> (Incoming, SendRequest<Body>) {
        (self.response.into_body(), self.sender)
    }
}

async fn over<S>(stream: S) -> io::Result<SendRequest<Body>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // It ends with its last request, or when the server closes it: the request tells what was wrong.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}
