//! A provider's metadata document: who it is, and which keys it signs with.
//! Source: <https://docs.oasis-open.org/security/saml/v2.0/saml-metadata-2.0-os.pdf>.

use jiff::Timestamp;

use super::certificate::Key;
use super::xml::{Element, parse};

const SPACE: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";

/// What is taken from a metadata document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// Who it is.
    pub(crate) entity: String,
    /// The certificates around the keys that it signs with, in base 64 of DER.
    pub(crate) certificates: Vec<String>,
    /// Until when the document is good, if it says so.
    pub(crate) valid_until: Option<Timestamp>,
}

impl Metadata {
    /// Reads a document: a provider, or a list with one provider in it. None if it is no such thing.
    pub(crate) fn read(document: &str) -> Option<Self> {
        let root = parse(document).ok()?;
        let entity = if root.is(SPACE, "EntitiesDescriptor") { root.only(SPACE, "EntityDescriptor")? } else { &root };
        if !entity.is(SPACE, "EntityDescriptor") {
            return None;
        }
        let role = entity.all(SPACE, "IDPSSODescriptor").next()?;
        let is_for_signing = |key: &&Element| key.attribute("use").is_none_or(|purpose| purpose == "signing");
        let mut certificates: Vec<String> = Vec::new();
        for key in role.all(SPACE, "KeyDescriptor").filter(is_for_signing) {
            for found in key.every().into_iter().filter(|element| element.is(SIGNATURE, "X509Certificate")) {
                let text: String = found.text()?.chars().filter(|char| !char.is_ascii_whitespace()).collect();
                Key::of_certificate(&text)?;
                if !certificates.contains(&text) {
                    certificates.push(text);
                }
            }
        }
        let entity_id = entity.attribute("entityID").filter(|id| !id.is_empty())?.to_owned();
        let valid_until = entity.attribute("validUntil").or_else(|| role.attribute("validUntil"));
        let valid_until = valid_until.map(|time| time.parse().ok());
        if certificates.is_empty() || valid_until == Some(None) {
            return None;
        }
        Some(Self { entity: entity_id, certificates, valid_until: valid_until.flatten() })
    }
}
