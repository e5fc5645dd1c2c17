//! XML signatures, as far as SAML has them: enveloped, over the element that they stand in, and over nothing else.
//! Source: <https://www.w3.org/TR/xmldsig-core1/>, and SAML's core specification, 5.4.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::canonical::canonical;
use super::certificate::Key;
use super::xml::Element;

pub(super) const SPACE: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// Whether the signature that stands directly in `signed` is over exactly that element, by one of `keys`. What is
/// signed is what is given: the caller reads this very element and no other.
pub(super) fn is_valid(signed: &Element, keys: &[Key]) -> bool {
    checked(signed, keys).is_some()
}

fn checked(signed: &Element, keys: &[Key]) -> Option<()> {
    let signature = signed.only(SPACE, "Signature")?;
    let info = signature.only(SPACE, "SignedInfo")?;
    let value = base64(&signature.only(SPACE, "SignatureValue")?.text()?)?;
    let reference = info.only(SPACE, "Reference")?;
    let id = signed.attribute("ID").filter(|id| !id.is_empty())?;
    if reference.attribute("URI")?.strip_prefix('#') != Some(id) {
        return None;
    }

    let method = info.only(SPACE, "CanonicalizationMethod")?;
    let algorithm = info.only(SPACE, "SignatureMethod")?.attribute("Algorithm")?;
    let inclusive = exclusive(method)?;
    let message = canonical(info, None, &inclusive);
    if !keys.iter().any(|key| key.verifies(algorithm, message.as_bytes(), &value)) {
        return None;
    }

    let transforms: Vec<&Element> = reference.only(SPACE, "Transforms")?.elements().collect();
    let [enveloped, form] = transforms.as_slice() else { return None };
    if !enveloped.is(SPACE, "Transform") || enveloped.attribute("Algorithm") != Some(ENVELOPED) {
        return None;
    }
    if !form.is(SPACE, "Transform") {
        return None;
    }
    let text = canonical(signed, Some(signature), &exclusive(form)?);
    let hash = match reference.only(SPACE, "DigestMethod")?.attribute("Algorithm")? {
        "http://www.w3.org/2001/04/xmlenc#sha256" => &digest::SHA256,
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => &digest::SHA384,
        "http://www.w3.org/2001/04/xmlenc#sha512" => &digest::SHA512,
        _ => return None,
    };
    let expected = base64(&reference.only(SPACE, "DigestValue")?.text()?)?;
    (digest::digest(hash, text.as_bytes()).as_ref() == expected).then_some(())
}

/// The prefixes that exclusive canonicalisation is to treat as inclusive; none if it is another algorithm.
fn exclusive(method: &Element) -> Option<Vec<&str>> {
    if method.attribute("Algorithm") != Some(EXCLUSIVE) {
        return None;
    }
    let list = method.all(EXCLUSIVE, "InclusiveNamespaces").next().and_then(|list| list.attribute("PrefixList"));
    Some(list.unwrap_or_default().split_ascii_whitespace().collect())
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let packed: String = text.chars().filter(|char| !char.is_ascii_whitespace()).collect();
    STANDARD.decode(packed).ok()
}
