//! An answer of a SAML provider: who somebody is and which roles that gives.
//! Whatever is read here was signed: the only assertion of the document, or the response around it, by one of the
//! provider's keys. A document with another assertion anywhere, or with an id twice, is refused before anything is
//! looked at: those are how a signature over one thing is made to vouch for another.
//! Sources: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml_assertions.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_saml.html>.

use jiff::{SignedDuration, Timestamp};

use super::certificate::Key;
use super::signature::is_valid;
use super::xml::{Element, parse};

const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
/// How long after it was made an assertion is taken.
const MAX_AGE: SignedDuration = SignedDuration::from_mins(5);
/// How far a provider's clock may be ahead of ours.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What an assertion says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assertion {
    /// Who vouches.
    pub(crate) issuer: String,
    /// For whom.
    pub(crate) subject: String,
    /// The format of that name, shortened as AWS does.
    pub(crate) subject_type: String,
    /// Where it was to be brought.
    pub(crate) recipient: String,
    /// Until when whoever it is about may be let in.
    pub(crate) session_end: Option<Timestamp>,
    /// Its attributes, with their values.
    pub(crate) attributes: Vec<(String, Vec<String>)>,
}

impl Assertion {
    /// The values of an attribute.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let all = self.attributes.iter().filter(move |(known, _)| known == name);
        all.flat_map(|(_, values)| values.iter().map(String::as_str))
    }
}

/// Why a document is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// It is no answer of a provider, or one that means two things.
    #[error("Invalid SAML response")]
    Malformed,
    /// The provider did not let the person in.
    #[error("The identity provider did not authenticate the user")]
    NoSuccess,
    /// No key of the provider has signed it.
    #[error("Response signature invalid")]
    Signature,
    /// It is another provider's.
    #[error("Issuer not present in specified provider")]
    Issuer,
    /// It is meant for others.
    #[error("Response does not contain the required audience.")]
    Audience,
    /// It is meant to be brought elsewhere.
    #[error("Response does not contain the required recipient.")]
    Recipient,
    /// Its time has not come.
    #[error("Response is not yet valid")]
    NotYet,
    /// Its time is over.
    #[error("Token must be redeemed within 5 minutes of issuance")]
    Expired,
}

/// Reads a document that the provider `entity` is said to have signed with one of `keys`.
pub(crate) fn read(document: &str, entity: &str, keys: &[Key], now: Timestamp) -> Result<Assertion, Refusal> {
    let response = parse(document).map_err(|_| Refusal::Malformed)?;
    let assertion = the_assertion(&response)?;
    // Of both signatures that there may be, each must hold.
    let is_signed = |element: &Element| element.all(super::signature::SPACE, "Signature").next().is_some();
    let signed: Vec<&Element> = [&response, assertion].into_iter().filter(|element| is_signed(element)).collect();
    if signed.is_empty() || !signed.iter().all(|element| is_valid(element, keys)) {
        return Err(Refusal::Signature);
    }
    said(&response, assertion, entity, now)
}

/// What a response says that is the provider's.
fn said(response: &Element, assertion: &Element, entity: &str, now: Timestamp) -> Result<Assertion, Refusal> {
    let status = response.only(PROTOCOL, "Status").and_then(|status| status.only(PROTOCOL, "StatusCode"));
    if status.and_then(|code| code.attribute("Value")) != Some(SUCCESS) {
        return Err(Refusal::NoSuccess);
    }
    let issuer = assertion.only(SAML, "Issuer").and_then(Element::text).ok_or(Refusal::Malformed)?;
    if issuer != entity {
        return Err(Refusal::Issuer);
    }
    let issued = time(assertion, "IssueInstant")?.ok_or(Refusal::Malformed)?;
    within(Some(issued), Some(issued + MAX_AGE), now)?;
    conditions(assertion, now)?;
    let subject = assertion.only(SAML, "Subject").ok_or(Refusal::Malformed)?;
    let recipient = confirmation(subject, now)?;
    let name = subject.only(SAML, "NameID").ok_or(Refusal::Malformed)?;
    let format = name.attribute("Format").unwrap_or("urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified");
    let short = format.strip_prefix("urn:oasis:names:tc:SAML:2.0:nameid-format:").unwrap_or(format);
    let mut session_end = None;
    for statement in assertion.all(SAML, "AuthnStatement") {
        session_end = time(statement, "SessionNotOnOrAfter")?.or(session_end);
    }
    if session_end.is_some_and(|end| end <= now) {
        return Err(Refusal::Expired);
    }
    Ok(Assertion {
        issuer,
        subject: name.text().filter(|text| !text.is_empty()).ok_or(Refusal::Malformed)?,
        subject_type: short.to_owned(),
        recipient,
        session_end,
        attributes: attributes(assertion)?,
    })
}

/// The only assertion of a document in which nothing can be taken for something else.
fn the_assertion(response: &Element) -> Result<&Element, Refusal> {
    if !response.is(PROTOCOL, "Response") {
        return Err(Refusal::Malformed);
    }
    let all = response.every();
    let assertions = all.iter().filter(|element| element.name.local == "Assertion").count();
    let mut ids: Vec<&str> = all
        .iter()
        .flat_map(|element| ["ID", "Id", "id"].into_iter().filter_map(|name| element.attribute(name)))
        .collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    if assertions != 1 || ids.len() != count {
        return Err(Refusal::Malformed);
    }
    response.only(SAML, "Assertion").ok_or(Refusal::Malformed)
}

fn time(element: &Element, name: &str) -> Result<Option<Timestamp>, Refusal> {
    element.attribute(name).map(|text| text.parse().map_err(|_| Refusal::Malformed)).transpose()
}

fn within(from: Option<Timestamp>, to: Option<Timestamp>, now: Timestamp) -> Result<(), Refusal> {
    if from.is_some_and(|from| now + SKEW < from) {
        return Err(Refusal::NotYet);
    }
    if to.is_some_and(|to| now >= to) {
        return Err(Refusal::Expired);
    }
    Ok(())
}

fn conditions(assertion: &Element, now: Timestamp) -> Result<(), Refusal> {
    let conditions = assertion.only(SAML, "Conditions").ok_or(Refusal::Audience)?;
    within(time(conditions, "NotBefore")?, time(conditions, "NotOnOrAfter")?, now)?;
    let restrictions: Vec<&Element> = conditions.all(SAML, "AudienceRestriction").collect();
    let is_ours = |restriction: &&Element| {
        restriction
            .all(SAML, "Audience")
            .filter_map(Element::text)
            .any(|text| text == "urn:amazon:webservices" || is_sign_in(&text))
    };
    if restrictions.is_empty() || !restrictions.iter().all(is_ours) {
        return Err(Refusal::Audience);
    }
    Ok(())
}

/// The recipient of a confirmation that holds.
fn confirmation(subject: &Element, now: Timestamp) -> Result<String, Refusal> {
    let mut refused = Refusal::Recipient;
    for confirmation in subject.all(SAML, "SubjectConfirmation") {
        if confirmation.attribute("Method") != Some(BEARER) {
            continue;
        }
        let Some(data) = confirmation.only(SAML, "SubjectConfirmationData") else { continue };
        let Some(recipient) = data.attribute("Recipient").filter(|recipient| is_sign_in(recipient)) else { continue };
        let Some(end) = time(data, "NotOnOrAfter")? else { continue };
        match within(time(data, "NotBefore")?, Some(end), now) {
            Ok(()) => return Ok(recipient.to_owned()),
            Err(other) => refused = other,
        }
    }
    Err(refused)
}

/// Whether an address is where people sign in to AWS: its endpoint, or that of a region.
fn is_sign_in(address: &str) -> bool {
    let Some(host) = address.strip_prefix("https://").and_then(|rest| rest.strip_suffix("/saml")) else { return false };
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    host == "signin.aws.amazon.com" || host.strip_suffix(".signin.aws.amazon.com").is_some_and(is_label)
}

fn attributes(assertion: &Element) -> Result<Vec<(String, Vec<String>)>, Refusal> {
    let mut found = Vec::new();
    for statement in assertion.all(SAML, "AttributeStatement") {
        for attribute in statement.all(SAML, "Attribute") {
            let name = attribute.attribute("Name").ok_or(Refusal::Malformed)?;
            let values = attribute.all(SAML, "AttributeValue").filter_map(Element::text).collect();
            found.push((name.to_owned(), values));
        }
    }
    Ok(found)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
