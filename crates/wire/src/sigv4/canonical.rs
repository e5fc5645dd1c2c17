//! The canonical request: the one text that signer and verifier both derive from a request.

use http::HeaderMap;

use super::Claim;

/// How the path enters the canonical request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathRule {
    /// S3: each byte encoded once, nothing normalised (`//` and `..` are parts of keys).
    Once,
    /// Every other service: encoded twice.
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

impl CanonicalRequest<'_> {
    /// The canonical text under the headers that `claim` says are signed. A signed header that the request lacks
    /// counts as empty, so its signature will not match.
    pub fn render(&self, claim: &Claim) -> String {
        let mut text = String::with_capacity(512);
        text.push_str(self.method);
        text.push('\n');
        self.push_path(&mut text);
        text.push('\n');
        push_query(self.query, &mut text);
        text.push('\n');
        for name in &claim.signed_headers {
            text.push_str(name);
            text.push(':');
            for (index, value) in self.headers.get_all(name.as_str()).iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                push_folded(&String::from_utf8_lossy(value.as_bytes()), &mut text);
            }
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&claim.signed_headers.join(";"));
        text.push('\n');
        text.push_str(self.payload);
        text
    }

    fn push_path(&self, text: &mut String) {
        let path = if self.path.is_empty() { "/" } else { self.path };
        let once = encode(&decode(path.as_bytes()), true);
        match self.path_rule {
            PathRule::Once => text.push_str(&once),
            PathRule::Twice => text.push_str(&encode(once.as_bytes(), true)),
        }
    }
}

/// Parameters sorted by encoded name, then encoded value.
fn push_query(query: &str, text: &mut String) {
    if query.is_empty() {
        return;
    }
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encode(&decode(name.as_bytes()), false), encode(&decode(value.as_bytes()), false))
        })
        .collect();
    pairs.sort();
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
    for (index, word) in value.split_ascii_whitespace().enumerate() {
        if index > 0 {
            text.push(' ');
        }
        text.push_str(word);
    }
}

/// Percent-decodes; what is not a valid escape stays as it is.
fn decode(bytes: &[u8]) -> Vec<u8> {
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
fn encode(bytes: &[u8], keep_slash: bool) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
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
