//! Fetches small documents from servers elsewhere: one GET over HTTPS, with an end to every wait and a limit to what comes
//! back. No redirects are followed, nothing is sent but the address.
//! Not here: what documents mean, and when they are fetched.
#![forbid(unsafe_code)]

mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::tls::Trust;

/// Longest time for one document, whatever is waited for.
const MAX_TIME: Duration = Duration::from_secs(5);
/// Most bytes of a document.
const MAX_BYTES: usize = 1024 * 1024;
/// Most addresses of one name that are tried.
const MAX_ADDRESSES: usize = 4;

/// Why there is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// It is no address from which documents are fetched: `https://…`, or `http://` on this machine.
    #[error("{0} is no address that is fetched from")]
    Address(String),
    /// The server does not answer, or not as it should.
    #[error("{0}")]
    Unreachable(String),
    /// The server's certificate is neither from an authority that is trusted nor one of the thumbprints.
    #[error("the certificate of {0} is not trusted")]
    Untrusted(String),
}

/// Fetches documents. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Fetcher {
    trust: Trust,
}

impl Default for Fetcher {
    fn default() -> Self {
        Self::new()
    }
}

impl Fetcher {
    /// A fetcher that trusts the authorities that this machine does.
    pub fn new() -> Self {
        Self { trust: Trust::of_this_machine() }
    }

    /// The document at an address. Over HTTPS the server's certificate is from an authority that this machine trusts, or
    /// its chain has a certificate with one of these thumbprints (SHA-1 in lower-case hexadecimal digits). Plain HTTP is for
    /// servers on this machine.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn fetch(&self, address: &str, thumbprints: &[String]) -> Result<Vec<u8>, FetchError> {
        let limited = tokio::time::timeout(MAX_TIME, self.get(address, thumbprints)).await;
        limited.unwrap_or_else(|_| Err(FetchError::Unreachable(format!("{address} did not answer in time"))))
    }

    async fn get(&self, address: &str, thumbprints: &[String]) -> Result<Vec<u8>, FetchError> {
        let refused = || FetchError::Address(address.to_owned());
        let uri: Uri = address.parse().map_err(|_| refused())?;
        let (scheme, host) = (uri.scheme_str().ok_or_else(refused)?, uri.host().ok_or_else(refused)?);
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(refused());
        }
        let is_plain = match scheme {
            "https" => false,
            "http" => true,
            _ => return Err(refused()),
        };
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(if is_plain { 80 } else { 443 });
        let stream = connect(name, port, is_plain, address).await?;
        if is_plain {
            return exchange(stream, &uri, address).await;
        }
        let server = ServerName::try_from(name.to_owned()).map_err(|_| refused())?;
        let connector = TlsConnector::from(Arc::new(self.trust.client(thumbprints)));
        let stream = connector.connect(server, stream).await.map_err(|error| {
            if tls::is_about_trust(&error) {
                FetchError::Untrusted(host.to_owned())
            } else {
                FetchError::Unreachable(format!("{address}: {error}"))
            }
        })?;
        exchange(stream, &uri, address).await
    }
}

/// What a client of another server takes for TLS: it trusts the authorities that this machine does.
pub fn client_config() -> rustls::ClientConfig {
    Trust::of_this_machine().client(&[])
}

/// A connection to the first address of a name that takes one.
async fn connect(name: &str, port: u16, is_plain: bool, address: &str) -> Result<TcpStream, FetchError> {
    let failed = |error: std::io::Error| FetchError::Unreachable(format!("{address}: {error}"));
    let found: Vec<SocketAddr> = tokio::net::lookup_host((name, port)).await.map_err(failed)?.collect();
    // The address decides, not the name: a name may be anything's.
    let mut allowed = found.into_iter().filter(|found| !is_plain || found.ip().to_canonical().is_loopback()).peekable();
    if allowed.peek().is_none() {
        return Err(FetchError::Address(address.to_owned()));
    }
    let mut last = None;
    for target in allowed.take(MAX_ADDRESSES) {
        match TcpStream::connect(target).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or_else(|| FetchError::Address(address.to_owned()), failed))
}

/// Asks and reads the answer.
async fn exchange<S>(stream: S, uri: &Uri, address: &str) -> Result<Vec<u8>, FetchError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed = |error: &dyn std::fmt::Display| FetchError::Unreachable(format!("{address}: {error}"));
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let request = Request::get(uri.path_and_query().map_or("/", |path| path.as_str()))
        .header(header::HOST, authority)
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, concat!("welkin/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new())
        .map_err(|error| failed(&error))?;
    // The connection lives as long as the answer is read: it ends with this function, whatever comes.
    let answer = async {
        let answer = sender.send_request(request).await.map_err(|error| failed(&error))?;
        if answer.status() != StatusCode::OK {
            return Err(failed(&answer.status()));
        }
        let body = Limited::new(answer.into_body(), MAX_BYTES).collect().await.map_err(|error| failed(&error))?;
        Ok(body.to_bytes().to_vec())
    };
    // A connection that ended well may have brought the answer before that; whether it did, the answer tells.
    let broken = async {
        match connection.await {
            Ok(()) => std::future::pending().await,
            Err(error) => error,
        }
    };
    tokio::select! {
        biased;
        answer = answer => answer,
        error = broken => Err(failed(&error)),
    }
}
