//! The canonical request: the one text that signer and verifier both derive from a request.

use std::borrow::Cow;

use http::HeaderMap;

use super::Claim;

/// How the path enters the canonical request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathRule {
    /// S3: each byte encoded once, nothing normalised (`//` and `..` are parts of keys).
    Once,
    /// Every other service: dot segments and empty ones removed, encoded twice.
    Twice,
}

/// The parts of a request that a signature covers, as they came over the wire.
#[derive(Debug, Clone, Copy)]
pub struct CanonicalRequest<'a> {
    /// HTTP method, upper-case.
    pub method: &'a str,
    /// Path as sent, percent-encoded.
    pub path: &'a str,
    /// Query string as sent, without the question mark; empty if there is none.
    pub query: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// What stands for the body: its SHA-256 in hexadecimal, or one of S3's markers such as `UNSIGNED-PAYLOAD`.
    pub payload: &'a str,
    /// The path rule of the service.
    pub path_rule: PathRule,
}

/// What of the query a signature does not cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing: the signature is in a header.
    Nothing,
    /// The signature itself.
    Signature,
    /// The signature, and the session token, which was added when all was signed.
    SignatureAndToken,
}

impl Left {
    fn leaves(self, name: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Signature => name.eq_ignore_ascii_case("X-Amz-Signature"),
            Self::SignatureAndToken => {
                name.eq_ignore_ascii_case("X-Amz-Signature") || name.eq_ignore_ascii_case("X-Amz-Security-Token")
            }
        }
    }
}

impl CanonicalRequest<'_> {
    /// The canonical text under the headers that `claim` says are signed. A signed header that the request lacks
    /// counts as empty, so its signature will not match.
    pub fn render(&self, claim: &Claim) -> String {
        self.render_without(claim, if claim.is_presigned() { Left::Signature } else { Left::Nothing })
    }

    pub(super) fn render_without(&self, claim: &Claim, left: Left) -> String {
        // Room for what most requests need, so that it does not grow on the way.
        let mut text = String::with_capacity(768 + self.path.len() + self.query.len());
        text.push_str(self.method);
        text.push('\n');
        push_path(self.path, self.path_rule, &mut text);
        text.push('\n');
        push_query(self.query, left, &mut text);
        text.push('\n');
        for name in claim.signed_headers.iter() {
            text.push_str(name);
            text.push(':');
            for (index, value) in self.headers.get_all(name).iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                push_folded(&String::from_utf8_lossy(value.as_bytes()), &mut text);
            }
            text.push('\n');
        }
        text.push('\n');
        text.push_str(claim.signed_headers.as_str());
        text.push('\n');
        text.push_str(self.payload);
        text
    }
}

fn push_path(path: &str, rule: PathRule, text: &mut String) {
    if path.is_empty() {
        return text.push('/');
    }
    let is_normal = rule == PathRule::Once || !(path.contains("//") || path.contains("/."));
    if is_normal && path.bytes().all(|byte| is_plain(byte) || byte == b'/') {
        return text.push_str(path);
    }
    let normal = if is_normal { Cow::Borrowed(path) } else { Cow::Owned(normalised(path)) };
    let once = encode(&decode(normal.as_bytes()), true);
    match rule {
        PathRule::Once => text.push_str(&once),
        PathRule::Twice => text.push_str(&encode(once.as_bytes(), true)),
    }
}

/// A path without empty and dot segments. Source: RFC 3986, section 5.2.4.
fn normalised(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    let end = if path.ends_with('/') && !kept.is_empty() { "/" } else { "" };
    format!("/{}{end}", kept.join("/"))
}

/// Parameters sorted by encoded name, then encoded value.
fn push_query(query: &str, left: Left, text: &mut String) {
    if query.is_empty() {
        return;
    }
    let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (canonical(name), canonical(value))
        })
        .filter(|(name, _)| !left.leaves(name))
        .collect();
    pairs.sort_unstable();
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.push_str(value);
    }
}

/// A header value trimmed, with runs of spaces folded into one.
fn push_folded(value: &str, text: &mut String) {
    let mut is_folded = true;
    let mut before = b' ';
    for byte in value.bytes() {
        is_folded &= !(byte.is_ascii_whitespace() && (byte != b' ' || before == b' '));
        before = byte;
    }
    if is_folded && before != b' ' {
        return text.push_str(value);
    }
    for (index, word) in value.split_ascii_whitespace().enumerate() {
        if index > 0 {
            text.push(' ');
        }
        text.push_str(word);
    }
}

/// One of RFC 3986's unreserved characters.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// A name or value of the query with every byte encoded that must be, and no other. A plus is a space, as it is to
/// whoever reads the query: clients send one and sign `%20`.
fn canonical(text: &str) -> Cow<'_, str> {
    if is_canonical(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let spaced = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    Cow::Owned(encode(&decode(spaced.as_bytes()), false))
}

fn is_canonical(bytes: &[u8]) -> bool {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            byte if is_plain(byte) => at += 1,
            b'%' if bytes.get(at + 1).is_some_and(is_digit) && bytes.get(at + 2).is_some_and(is_digit) => {
                if decode(&bytes[at..at + 3]).iter().all(|byte| is_plain(*byte)) {
                    return false;
                }
                at += 3;
            }
            _ => return false,
        }
    }
    true
}

/// Percent-decodes; what is not a valid escape stays as it is.
pub(crate) fn decode(bytes: &[u8]) -> Vec<u8> {
    let digit =
        |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(high << 4 | low);
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

/// Percent-encodes all but RFC 3986's unreserved characters, and the slash where `keep_slash`.
pub(crate) fn encode(bytes: &[u8], keep_slash: bool) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            byte if is_plain(byte) => encoded.push(char::from(byte)),
            b'/' if keep_slash => encoded.push('/'),
            _ => {
                encoded.push('%');
                encoded.push(char::from(DIGITS[usize::from(byte >> 4)]));
                encoded.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{PathRule, canonical, decode, encode, push_folded, push_path};

    fn path(path: &str, rule: PathRule) -> String {
        let mut text = String::new();
        push_path(path, rule, &mut text);
        text
    }

    #[test]
    fn paths() {
        for (sent, once, twice) in [
            ("", "/", "/"),
            ("/a/b.c~d", "/a/b.c~d", "/a/b.c~d"),
            ("/a b", "/a%20b", "/a%2520b"),
            ("/a%20b", "/a%20b", "/a%2520b"),
            ("/a%2fb", "/a/b", "/a/b"),
            ("/a//b/./c/../d", "/a//b/./c/../d", "/a/b/d"),
            ("/.hidden/", "/.hidden/", "/.hidden/"),
            ("/../..", "/../..", "/"),
        ] {
            assert_eq!((path(sent, PathRule::Once).as_str(), path(sent, PathRule::Twice).as_str()), (once, twice));
        }
    }

    #[test]
    fn values_are_folded() {
        for (value, folded) in
            [("a b", "a b"), ("  a  b ", "a b"), ("a", "a"), ("", ""), (" ", ""), ("a\tb", "a b"), ("a ", "a")]
        {
            let mut text = String::new();
            push_folded(value, &mut text);
            assert_eq!(text, folded, "{value:?}");
        }
    }

    proptest! {
        /// The short cuts give what the long way gives.
        #[test]
        fn short_cuts_change_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..30), text in "[%0-9a-fA-F/~. ]{0,12}") {
            let encoded = encode(&bytes, false);
            assert_eq!(canonical(&encoded), encoded);
            assert_eq!(canonical(&text), encode(&decode(text.as_bytes()), false));
        }
    }
}
