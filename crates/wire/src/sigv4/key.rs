//! Derived signing keys, signatures, and the hashes they are made of.

use aws_lc_rs::{constant_time, digest, hmac};

use super::Scope;

/// A key derived from a secret for one day, region and service. Worth keeping: deriving costs four HMACs.
#[derive(Clone)]
pub struct SigningKey(hmac::Key);

/// A signature as 64 lower-case hexadecimal digits. Compared in constant time.
#[derive(Debug, Clone)]
pub struct Signature(String);

impl SigningKey {
    /// Derives the key of `scope` from an account's secret access key.
    pub fn derive(secret: &str, scope: &Scope) -> Self {
        let mut link = hmac_sha256(format!("AWS4{secret}").as_bytes(), scope.date.as_bytes());
        for part in [scope.region.as_str(), scope.service.as_str(), "aws4_request"] {
            link = hmac_sha256(link.as_ref(), part.as_bytes());
        }
        Self(hmac::Key::new(hmac::HMAC_SHA256, link.as_ref()))
    }

    /// Signs a string to sign.
    pub fn sign(&self, string_to_sign: &str) -> Signature {
        Signature(hex(hmac::sign(&self.0, string_to_sign.as_bytes()).as_ref()))
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl Signature {
    /// The hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if a client gave this very signature. Takes the same time wherever the two differ.
    pub fn matches(&self, given: &str) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_bytes(), given.as_bytes()).is_ok()
    }
}

/// The SHA-256 of some bytes, in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message)
}
