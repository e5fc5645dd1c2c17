//! TLS in front of HTTP: versions 1.2 and 1.3, HTTP/2 or HTTP/1.1 agreed by ALPN, and a certificate that can be replaced
//! while connections are open. Not here: files, and the making of certificates.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ProtocolVersion, ServerConfig, version};
use tokio_rustls::TlsAcceptor;

/// The name of HTTP/2 in ALPN.
pub(crate) const H2: &[u8] = b"h2";

/// The version that a connection speaks, as policies write it. There are two, and a handshake ends with one of them.
pub(crate) fn version_number(version: Option<ProtocolVersion>) -> &'static str {
    if version == Some(ProtocolVersion::TLSv1_3) { "1.3" } else { "1.2" }
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file with the certificates holds none, or not only such.
    #[error("the certificate is no PEM file with certificates")]
    Certificate(#[source] rustls::pki_types::pem::Error),
    /// The file of the certificates holds none.
    #[error("the certificate file holds no certificate")]
    NoCertificate,
    /// The file with the key holds none.
    #[error("the key is no PEM file with a private key (PKCS#8, PKCS#1 or SEC1, not encrypted)")]
    Key(#[source] rustls::pki_types::pem::Error),
    /// Key and certificate do not belong together, or are of a kind that we do not have.
    #[error("the certificate cannot be used with this key")]
    Pair(#[source] rustls::Error),
}

/// What a server proves itself with. Clones share the certificate: a replacement holds for all of them.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    certificate: Arc<Current>,
}

impl Tls {
    /// TLS with a chain of certificates, the server's own first, and its private key, both as PEM.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn new(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let certificate = Arc::new(Current(RwLock::new(Arc::new(certified(chain, key)?))));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(TlsError::Pair)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Current>::clone(&certificate));
        config.alpn_protocols = vec![H2.to_vec(), b"http/1.1".to_vec()];
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(TlsError::Pair)?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificate })
    }

    /// Puts another certificate in place of the present one, for connections from now on.
    ///
    /// # Errors
    /// See [`TlsError`]; the present one then stays.
    pub fn replace(&self, chain: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let new = Arc::new(certified(chain, key)?);
        *self.certificate.0.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }
}

/// Whether TLS is spoken.
#[derive(Clone)]
pub(crate) enum TlsMode {
    Off,
    On { tls: Tls, is_plain_allowed: bool },
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// The certificate of now.
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    // Whatever name the client asks for: who pins names or addresses of its own finds out itself that they differ.
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl std::fmt::Debug for Current {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Current").finish_non_exhaustive()
    }
}

fn certified(chain: &[u8], key: &[u8]) -> Result<CertifiedKey, TlsError> {
    let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>().map_err(TlsError::Certificate)?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(TlsError::Key)?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(TlsError::Pair)
}
