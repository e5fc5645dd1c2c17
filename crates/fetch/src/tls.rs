//! Whose certificates are trusted: those of the authorities that this machine trusts, and those with a thumbprint that
//! somebody gave.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html>.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::digest;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs as provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// Where distributions keep the authorities that a machine trusts: Debian and its kin, Red Hat and its kin, SUSE, Alpine.
const FILES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Authorities, and the cryptography that they are checked with.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    crypto: Arc<CryptoProvider>,
    authorities: Option<Arc<WebPkiServerVerifier>>,
}

impl Trust {
    /// What this machine trusts: the file that `SSL_CERT_FILE` names, or the first of the usual ones that is there.
    pub(crate) fn of_this_machine() -> Self {
        let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
        let files = named.into_iter().chain(FILES.iter().map(PathBuf::from));
        let mut roots = RootCertStore::empty();
        for file in files {
            if let Ok(all) = CertificateDer::pem_file_iter(&file) {
                roots.add_parsable_certificates(all.filter_map(Result::ok));
            }
            if !roots.is_empty() {
                break;
            }
        }
        let crypto = Arc::new(provider::default_provider());
        let authorities = verifier(roots, &crypto);
        Self { crypto, authorities }
    }

    /// A client that trusts these authorities and these thumbprints.
    pub(crate) fn client(&self, thumbprints: &[String]) -> ClientConfig {
        let pinned = Pinned { trust: self.clone(), thumbprints: thumbprints.to_vec() };
        ClientConfig::builder_with_provider(Arc::clone(&self.crypto))
            .with_safe_default_protocol_versions()
            .expect("the provider has the suites of TLS 1.2 and 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(pinned))
            .with_no_client_auth()
    }
}

fn verifier(roots: RootCertStore, crypto: &Arc<CryptoProvider>) -> Option<Arc<WebPkiServerVerifier>> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(crypto)).build().ok()
}

/// Whether a handshake failed because of whose certificate it was.
pub(crate) fn is_about_trust(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    matches!(inner, Some(Error::InvalidCertificate(_)))
}

#[derive(Debug)]
struct Pinned {
    trust: Trust,
    thumbprints: Vec<String>,
}

impl Pinned {
    fn is_pinned(&self, certificate: &CertificateDer<'_>) -> bool {
        let mut thumbprint = String::with_capacity(40);
        for byte in digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate).as_ref() {
            // Writing to a string can't fail.
            let _ = write!(thumbprint, "{byte:02x}");
        }
        self.thumbprints.contains(&thumbprint)
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verify = |by: &WebPkiServerVerifier| {
            by.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        let refused = match &self.trust.authorities {
            Some(authorities) => match verify(authorities) {
                Ok(verified) => return Ok(verified),
                Err(error) => error,
            },
            None => Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer),
        };
        if self.is_pinned(end_entity) {
            rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            return Ok(ServerCertVerified::assertion());
        }
        for authority in intermediates.iter().filter(|certificate| self.is_pinned(certificate)) {
            let mut roots = RootCertStore::empty();
            if roots.add(authority.clone().into_owned()).is_ok()
                && let Some(by) = verifier(roots, &self.trust.crypto)
            {
                return verify(&by);
            }
        }
        Err(refused)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.trust.crypto.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.trust.crypto.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.crypto.signature_verification_algorithms.supported_schemes()
    }
}
