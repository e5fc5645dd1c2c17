//! Answers of providers that another program signed (see `tests/saml/make.py`), and what attackers make of them.

use jiff::{SignedDuration, Timestamp};

use super::{Assertion, Refusal, parse, read, said, the_assertion};
use crate::saml::{Key, Metadata};

const ENTITY: &str = "https://idp.example/saml";
const METADATA: &str = include_str!("../../tests/saml/metadata.xml");
const ASSERTION: &str = include_str!("../../tests/saml/rsa-assertion.xml");
const RESPONSE: &str = include_str!("../../tests/saml/rsa-response.xml");
const BOTH: &str = include_str!("../../tests/saml/rsa-both.xml");
const EC: [&str; 3] = [
    include_str!("../../tests/saml/ec-assertion.xml"),
    include_str!("../../tests/saml/ec-response.xml"),
    include_str!("../../tests/saml/ec-both.xml"),
];

fn now() -> Timestamp {
    Timestamp::constant(1_795_248_060, 0)
}

fn keys() -> Vec<Key> {
    let metadata = Metadata::read(METADATA).unwrap();
    assert_eq!((metadata.entity.as_str(), metadata.certificates.len(), metadata.valid_until), (ENTITY, 2, None));
    metadata.certificates.iter().map(|certificate| Key::of_certificate(certificate).unwrap()).collect()
}

fn check(document: &str) -> Result<Assertion, Refusal> {
    read(document, ENTITY, &keys(), now())
}

/// `document` with a part replaced, which must be there.
fn with(document: &str, part: &str, other: &str) -> String {
    assert!(document.contains(part), "{part}");
    document.replacen(part, other, 1)
}

/// From the start of one text to the end of another.
fn cut<'a>(document: &'a str, from: &str, to: &str) -> &'a str {
    let start = document.find(from).unwrap();
    &document[start..start + document[start..].find(to).unwrap() + to.len()]
}

#[test]
fn what_another_program_signed_is_read() {
    for document in [ASSERTION, RESPONSE, BOTH].iter().chain(&EC) {
        let read = check(document).unwrap();
        assert_eq!((read.subject.as_str(), read.subject_type.as_str()), ("ann&co", "persistent"));
        assert_eq!((read.issuer.as_str(), read.recipient.as_str()), (ENTITY, "https://signin.aws.amazon.com/saml"));
        assert_eq!(read.session_end, Some(Timestamp::constant(1_795_250_400, 0)));
        let values: Vec<&str> = read.values("urn:oid:1.3.6.1.4.1.5923.1.1.1.1").collect();
        assert_eq!(values, ["staff", "member"]);
    }
}

#[test]
fn what_was_changed_after_it_was_signed_is_refused() {
    for document in [ASSERTION, RESPONSE, BOTH].iter().chain(&EC) {
        for (part, other) in [
            ("ann&amp;co", "bob&amp;co"),
            ("role/Fed,", "role/Admin,"),
            ("2026-11-21T09:00:00Z", "2026-11-22T09:00:00Z"),
            (">blue<", "> blue<"),
        ] {
            assert_eq!(check(&with(document, part, other)), Err(Refusal::Signature), "{part}");
        }
    }
    // What is outside of the assertion is nobody's word where the assertion alone is signed; yet it must be well.
    assert!(check(&with(ASSERTION, ":status:Success", ":status:Responder")) == Err(Refusal::NoSuccess));
    assert!(check(&with(RESPONSE, ":status:Success", ":status:Responder")) == Err(Refusal::Signature));
}

#[test]
fn what_nobody_or_somebody_else_signed_is_refused() {
    let bare = with(ASSERTION, cut(ASSERTION, "<ds:Signature", "</ds:Signature>"), "");
    assert_eq!(check(&bare), Err(Refusal::Signature));
    // Of two signatures, one that does not hold is enough.
    let one = with(
        BOTH,
        cut(BOTH, "<ds:SignatureValue>", "</ds:SignatureValue>"),
        "<ds:SignatureValue>AAAA</ds:SignatureValue>",
    );
    assert_eq!(check(&one), Err(Refusal::Signature));
    let other = [keys().remove(1)];
    assert_eq!(read(ASSERTION, ENTITY, &other, now()), Err(Refusal::Signature));
    assert_eq!(read(ASSERTION, "https://other.example", &keys(), now()), Err(Refusal::Issuer));
    let weak = with(ASSERTION, "2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1");
    assert_eq!(check(&weak), Err(Refusal::Signature));
}

/// The signature of one assertion stands elsewhere, and another assertion where it is read.
#[test]
fn wrapped_assertions_are_refused() {
    let signed = cut(ASSERTION, "<saml:Assertion", "</saml:Assertion>");
    let signature = cut(ASSERTION, "<ds:Signature", "</ds:Signature>");
    let without = with(signed, signature, "");
    let evil = with(&with(&without, "ann&amp;co", "admin"), "_a1", "_evil");
    let evil_with_its_signature = with(signed, "ann&amp;co", "admin");
    for (name, document) in [
        ("beside", with(ASSERTION, signed, &[&evil, signed].concat())),
        ("behind", with(ASSERTION, signed, &[signed, &evil].concat())),
        ("in an extension", with(ASSERTION, signed, &format!("<samlp:Extensions>{signed}</samlp:Extensions>{evil}"))),
        ("in the signature", {
            let object = format!("<ds:Object>{without}</ds:Object></ds:Signature>");
            let moved = with(signature, "</ds:Signature>", &object);
            with(ASSERTION, signed, &with(&evil, "<saml:Subject>", &format!("{moved}<saml:Subject>")))
        }),
        ("with the same id", with(ASSERTION, signed, &[evil_with_its_signature.as_str(), &without].concat())),
        ("of another name space", {
            let hidden = without.replace("saml:", "x:").replace("xmlns:saml=", "xmlns:x=");
            with(ASSERTION, signed, &[&evil_with_its_signature, hidden.as_str()].concat())
        }),
    ] {
        let refused = check(&document).unwrap_err();
        assert!(matches!(refused, Refusal::Malformed | Refusal::Signature), "{name}: {refused}");
    }
}

#[test]
fn a_comment_does_not_cut_a_name() {
    let document = with(ASSERTION, "ann&amp;co", "ann<!-- x -->&amp;co");
    assert_eq!(check(&document).unwrap().subject, "ann&co");
}

#[test]
fn times_and_audiences_are_the_provider_s_word() {
    let say = |document: &str, after: i64| {
        let response = parse(document).unwrap();
        let assertion = the_assertion(&response)?;
        said(&response, assertion, ENTITY, now() + SignedDuration::from_secs(after)).map(drop)
    };
    for (part, other, after, expected) in [
        ("_a1", "_a1", 0, Ok(())),
        ("_a1", "_a1", 239, Ok(())),
        ("_a1", "_a1", 240, Err(Refusal::Expired)),
        ("_a1", "_a1", -361, Err(Refusal::NotYet)),
        ("urn:amazon:webservices", "urn:other", 0, Err(Refusal::Audience)),
        ("urn:amazon:webservices", "https://eu-west-1.signin.aws.amazon.com/saml", 0, Ok(())),
        ("urn:amazon:webservices", "https://signin.aws.amazon.com.evil/saml", 0, Err(Refusal::Audience)),
        ("saml:Conditions", "saml:Other", 0, Err(Refusal::Audience)),
        ("Recipient=\"https://signin", "Recipient=\"https://other", 0, Err(Refusal::Recipient)),
        ("cm:bearer", "cm:holder-of-key", 0, Err(Refusal::Recipient)),
        ("SessionNotOnOrAfter=\"2026-11-21T08:40", "SessionNotOnOrAfter=\"2026-11-21T07:40", 0, Err(Refusal::Expired)),
        ("NotOnOrAfter=\"2026-11-21T08:05:00Z\"", "", 0, Err(Refusal::Recipient)),
        ("NotBefore=\"2026-11-21T07:59:00Z\"", "NotBefore=\"soon\"", 0, Err(Refusal::Malformed)),
    ] {
        assert!(ASSERTION.contains(part), "{part}");
        let document = ASSERTION.replace(part, other);
        assert_eq!(say(&document, after), expected, "{part} {other} {after}");
    }
}

#[test]
fn what_is_no_metadata_is_refused() {
    for (part, other) in [
        ("EntityDescriptor", "Descriptor"),
        ("IDPSSODescriptor", "SPSSODescriptor"),
        ("use=\"signing\"", "use=\"encryption\""),
        ("entityID=\"https://idp.example/saml\"", "entityID=\"\""),
        ("entityID=", "validUntil=\"x\" entityID="),
        ("MII", "AAA"),
    ] {
        assert_eq!(Metadata::read(&METADATA.replace(part, other)), None, "{part}");
    }
    let until = METADATA.replace("entityID=", "validUntil=\"2030-01-01T00:00:00Z\" entityID=");
    assert_eq!(Metadata::read(&until).unwrap().valid_until, "2030-01-01T00:00:00Z".parse().ok());
    let listed = format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{METADATA}</md:EntitiesDescriptor>"
    );
    assert!(Metadata::read(&listed).is_some());
}

/// Whatever byte is another one, the document says what was signed, or it is refused.
#[test]
fn no_changed_byte_changes_what_is_said() {
    for document in [EC[0], EC[1]] {
        let said = check(document).unwrap();
        for at in (0..document.len()).step_by(3) {
            let mut bytes = document.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
            let changed = String::from_utf8(bytes).unwrap();
            if let Ok(now) = check(&changed) {
                assert_eq!(now, said, "byte {at}");
            }
        }
    }
}
