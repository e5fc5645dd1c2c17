//! Derived signing keys, signatures, and the hashes they are made of.

use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::{constant_time, digest, hmac};

use super::Scope;

/// A key derived from a secret for one day, region and service. Worth keeping: deriving costs four HMACs. Clones share it.
#[derive(Clone)]
pub struct SigningKey(Arc<hmac::Key>);

/// A signature as 64 lower-case hexadecimal digits. Compared in constant time.
#[derive(Debug, Clone, Copy)]
pub struct Signature([u8; 64]);

impl SigningKey {
    /// Derives the key of `scope` from an account's secret access key.
    pub fn derive(secret: &str, scope: &Scope) -> Self {
        let mut link = hmac_sha256(format!("AWS4{secret}").as_bytes(), scope.date.as_bytes());
        for part in [scope.region.as_str(), scope.service.as_str(), "aws4_request"] {
            link = hmac_sha256(link.as_ref(), part.as_bytes());
        }
        Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, link.as_ref())))
    }

    /// Signs a string to sign.
    pub fn sign(&self, string_to_sign: &str) -> Signature {
        let mut digits = [0; 64];
        write_hex(hmac::sign(&self.0, string_to_sign.as_bytes()).as_ref(), &mut digits);
        Signature(digits)
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
        // Never empty: it holds nothing but digits.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// True if a client gave this very signature. Takes the same time wherever the two differ.
    pub fn matches(&self, given: &str) -> bool {
        constant_time::verify_slices_are_equal(&self.0, given.as_bytes()).is_ok()
    }
}

/// The keys derived from one secret, kept with the secret: where the secret goes, they go.
#[derive(Default)]
pub struct KeyRing {
    keys: RwLock<Vec<(Scope, SigningKey)>>,
}

/// Most keys on one ring: a client that uses more services in a day has keys derived again.
const MAX_KEYS: usize = 16;

impl KeyRing {
    /// The key of `scope`, derived from `secret` if it is not on the ring. The secret must be the same in every call.
    pub fn key(&self, secret: &str, scope: &Scope) -> SigningKey {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, key)) = keys.iter().find(|(own, _)| own == scope) {
            return key.clone();
        }
        drop(keys);
        let key = SigningKey::derive(secret, scope);
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MAX_KEYS {
            keys.remove(0);
        }
        keys.push((scope.clone(), key.clone()));
        key
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyRing(..)")
    }
}

/// Whether two secrets are the same. Takes the same time wherever they differ.
pub fn is_same(one: &str, other: &str) -> bool {
    constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

/// The SHA-256 of some bytes, in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let mut digits = vec![0; bytes.len() * 2];
    write_hex(bytes, &mut digits);
    // Never empty: it holds nothing but digits.
    String::from_utf8(digits).unwrap_or_default()
}

fn write_hex(bytes: &[u8], digits: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(digits.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// Appends the SHA-256 of some bytes in hexadecimal.
pub(super) fn push_sha256(bytes: &[u8], text: &mut String) {
    let mut digits = [0; 64];
    write_hex(digest::digest(&digest::SHA256, bytes).as_ref(), &mut digits);
    text.push_str(std::str::from_utf8(&digits).unwrap_or_default());
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message)
}

#[cfg(test)]
mod tests {
    use super::{KeyRing, MAX_KEYS, Scope, SigningKey};

    #[test]
    fn a_ring_gives_the_right_key_and_stays_small() {
        let ring = KeyRing::default();
        for round in 0..2 {
            for number in 0..MAX_KEYS * 2 {
                let scope = Scope { date: "20130524".into(), region: "r".into(), service: format!("s{number}") };
                let expected = SigningKey::derive("secret", &scope).sign("text");
                assert!(ring.key("secret", &scope).sign("text").matches(expected.as_str()), "{round} {number}");
            }
        }
        assert_eq!(ring.keys.read().unwrap().len(), MAX_KEYS);
    }
}
