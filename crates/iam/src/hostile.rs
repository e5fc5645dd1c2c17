//! Decoders of this crate, for whoever holds them to what is claimed of them. Not here: the claims.

use jiff::Timestamp;

use crate::certificates::read_certificate;
use crate::saml::{Key, Metadata, read};
use crate::sts::signed;

/// Whether a token of OpenID Connect is signed by one of the keys of a set (JSON); none if it is no token, or that no set.
pub fn token_is_signed(token: &str, keys: &[u8]) -> Option<bool> {
    signed(token, keys)
}

/// The subject of a SAML response that is meant for a provider with this entity id and certificate (base64), at a moment;
/// none if it is refused.
pub fn assertion_subject(document: &str, entity: &str, certificate: &str, now: Timestamp) -> Option<String> {
    let key = Key::of_certificate(certificate)?;
    read(document, entity, &[key], now).ok().map(|assertion| assertion.subject)
}

/// The entity id in a SAML provider's metadata document, and how many certificates it brings; none if it is none.
pub fn metadata(document: &str) -> Option<(String, usize)> {
    Metadata::read(document).map(|metadata| (metadata.entity, metadata.certificates.len()))
}

/// The DER of the one certificate of a text in PEM; none if it is none.
pub fn certificate(text: &str) -> Option<Vec<u8>> {
    read_certificate(text)
}
