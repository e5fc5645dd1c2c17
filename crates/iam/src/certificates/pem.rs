//! What is read of certificates and keys in PEM.

use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
    KeyPair,
};
use jiff::Timestamp;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::IamError;

/// The most certificates of a chain.
const MAX_CHAIN: usize = 16;

/// What matters of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    /// The certificate itself.
    pub der: Vec<u8>,
    /// Since when it is valid.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
    /// Its public key, without what says of which kind.
    key: Vec<u8>,
    subject: Vec<u8>,
    issuer: Vec<u8>,
}

/// The one certificate of a text.
///
/// # Errors
/// `MalformedCertificate`.
pub(super) fn certificate(text: &str) -> Result<Facts, IamError> {
    let malformed = || malformed("Unable to parse certificate. Please ensure the certificate is in PEM format.");
    let mut all = certificates(text).ok_or_else(malformed)?;
    if all.len() == 1 { all.pop().ok_or_else(malformed) } else { Err(malformed()) }
}

/// Checks that a chain leads on from a certificate: each is issued by the one after it.
///
/// # Errors
/// `MalformedCertificate`, with the first that is not.
pub(super) fn check_chain(leaf: &Facts, text: &str) -> Result<(), IamError> {
    let text_of = "Unable to parse certificate chain. Please ensure the certificate is in PEM format.";
    let chain = certificates(text).filter(|chain| !chain.is_empty()).ok_or_else(|| malformed(text_of))?;
    let mut issued = leaf;
    for (index, issuer) in chain.iter().enumerate() {
        if issued.issuer != issuer.subject {
            return Err(malformed(format!(
                "Unable to validate certificate chain. The certificate chain must start with the immediate signing \
                 certificate, followed by any intermediaries in order. The index within the chain of the invalid \
                 certificate is: {index}"
            )));
        }
        issued = issuer;
    }
    Ok(())
}

/// Checks that a private key is that of a certificate.
///
/// # Errors
/// `MalformedCertificate` for what is no key, `KeyPairMismatch` for another one.
pub(super) fn check_key(certificate: &Facts, text: &str) -> Result<(), IamError> {
    let pem =
        Pem::iter_from_buffer(text.as_bytes()).filter_map(Result::ok).find(|pem| pem.label.ends_with("PRIVATE KEY"));
    let public = pem.and_then(|pem| public_key(&pem.label, &pem.contents));
    let public =
        public.ok_or_else(|| malformed("Unable to parse private key. It must be in PEM format, not encrypted."))?;
    if public == certificate.key {
        return Ok(());
    }
    Err(IamError::refused("KeyPairMismatch", 400, "The private key does not match the certificate."))
}

fn public_key(label: &str, der: &[u8]) -> Option<Vec<u8>> {
    let of_rsa = match label {
        "RSA PRIVATE KEY" => rsa::KeyPair::from_der(der).ok(),
        "PRIVATE KEY" => rsa::KeyPair::from_pkcs8(der).ok(),
        _ => None,
    };
    if let Some(pair) = of_rsa {
        return Some(pair.public_key().as_ref().to_vec());
    }
    let curves = [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING, &ECDSA_P521_SHA512_ASN1_SIGNING];
    let mut pairs = curves.into_iter().filter_map(|curve| EcdsaKeyPair::from_private_key_der(curve, der).ok());
    pairs.next().map(|pair| pair.public_key().as_ref().to_vec())
}

/// Every certificate of a text, if there is nothing else in it.
fn certificates(text: &str) -> Option<Vec<Facts>> {
    let mut all = Vec::new();
    for pem in Pem::iter_from_buffer(text.as_bytes()) {
        let pem = pem.ok().filter(|pem| pem.label == "CERTIFICATE" && all.len() < MAX_CHAIN)?;
        let (rest, parsed) = X509Certificate::from_der(&pem.contents).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let time = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).ok();
        all.push(Facts {
            not_before: time(parsed.validity().not_before)?,
            not_after: time(parsed.validity().not_after)?,
            key: parsed.public_key().subject_public_key.data.to_vec(),
            subject: parsed.subject().as_raw().to_vec(),
            issuer: parsed.issuer().as_raw().to_vec(),
            der: pem.contents,
        });
    }
    Some(all)
}

pub(super) fn malformed(text: impl Into<std::borrow::Cow<'static, str>>) -> IamError {
    IamError::refused("MalformedCertificate", 400, text)
}
