//! A region's door as the person's tool sees it: one request over a connection of its own, over TLS or on this machine.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::settings;

/// Time for a whole exchange: a region that is busy looks at people one after the other.
const LIMIT: Duration = Duration::from_secs(30);
/// The longest answer.
const MAX_ANSWER: usize = 64 * 1024;
/// Where machines keep the authorities that they trust: Debian, Fedora, Alpine and others.
const AUTHORITIES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// The door of one region.
pub struct Door {
    host: String,
    port: u16,
    tls: Option<TlsConnector>,
}

impl Door {
    /// The door behind an endpoint, trusted by `authority` or else by those of this machine.
    ///
    /// # Errors
    /// If a password would be heard on the way, or there is nothing to trust.
    pub fn new(endpoint: &str, authority: Option<PathBuf>) -> Result<Self> {
        let wrong = || settings::wrong(anyhow!("'{endpoint}' is no endpoint such as https://cloud.example.net"));
        let uri: Uri = endpoint.parse().map_err(|_| wrong())?;
        let host = uri.host().filter(|_| uri.path() == "/").ok_or_else(wrong)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let (tls, port) = match uri.scheme_str() {
            Some("https") => (Some(connector(authority.as_deref())?), 443),
            Some("http") if is_here => (None, 80),
            Some("http") => {
                return Err(settings::wrong(anyhow!("a password goes over https only, and {endpoint} is not https")));
            }
            _ => return Err(wrong()),
        };
        Ok(Self { host, port: uri.port_u16().unwrap_or(port), tls })
    }

    /// Sends a request; the status and what the answer says.
    ///
    /// # Errors
    /// If there is no answer, or none of a region.
    pub fn post(&self, path: &str, body: &Value) -> Result<(u16, Value)> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let exchange = async {
            let exchange = self.exchange(path, body.to_string());
            tokio::time::timeout(LIMIT, exchange).await.map_err(|_| anyhow!("no answer within {LIMIT:?}"))?
        };
        let port = self.port;
        runtime.block_on(exchange).with_context(|| format!("the region at {}:{port} cannot be asked", self.host))
    }

    async fn exchange(&self, path: &str, body: String) -> Result<(u16, Value)> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        match &self.tls {
            None => self.send(stream, path, body).await,
            Some(tls) => {
                let name = ServerName::try_from(self.host.clone())?;
                self.send(tls.connect(name, stream).await?, path, body).await
            }
        }
    }

    async fn send<S>(&self, stream: S, path: &str, body: String) -> Result<(u16, Value)>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let request = Request::post(path)
            .header(header::HOST, format!("{host}:{}", self.port))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("welkin/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(Bytes::from(body)))?;
        let answer = sender.send_request(request).await?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
        let body = body.map_err(|error| anyhow!("{error}"))?.to_bytes();
        connection.abort();
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        ensure!(answer.is_object(), "it answers with status {status} and is no region of Welkin");
        Ok((status, answer))
    }
}

fn connector(authority: Option<&Path>) -> Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    let paths = match authority {
        Some(path) => vec![path.to_owned()],
        None => AUTHORITIES.iter().map(PathBuf::from).filter(|path| path.exists()).take(1).collect(),
    };
    for path in &paths {
        let read = || -> Result<Vec<CertificateDer<'static>>> {
            Ok(CertificateDer::pem_file_iter(path)?.collect::<Result<_, _>>()?)
        };
        let certificates = read().with_context(|| format!("cannot read the authorities in {}", path.display()))?;
        roots.add_parsable_certificates(certificates);
    }
    if roots.is_empty() {
        bail!("there is no authority to trust: say --ca FILE");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
}

#[cfg(test)]
mod tests {
    use super::Door;

    #[test]
    fn passwords_go_over_https_or_stay_here() {
        for (endpoint, is_good) in [
            ("http://127.0.0.1:4566", true),
            ("http://localhost", true),
            ("http://[::1]:1", true),
            ("http://192.0.2.1:4566", false),
            ("http://cloud.example.net", false),
            ("ftp://localhost", false),
            ("localhost:4566", false),
            ("http://localhost/path", false),
        ] {
            assert_eq!(Door::new(endpoint, None).is_ok(), is_good, "{endpoint}");
        }
    }
}
