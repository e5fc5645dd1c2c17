//! The public key within an X.509 certificate. What else a certificate says is not looked at: that this key is the
//! provider's, whoever registered the provider said.

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A key that signatures are verified with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    /// RSA: the key in PKCS#1.
    Rsa(Vec<u8>),
    /// A point of P-256.
    P256(Vec<u8>),
    /// A point of P-384.
    P384(Vec<u8>),
}

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];

impl Key {
    /// The key of a certificate in base 64 of DER, with white space anywhere in it.
    pub(crate) fn of_certificate(base64: &str) -> Option<Self> {
        let packed: String = base64.chars().filter(|char| !char.is_ascii_whitespace()).collect();
        let der = STANDARD.decode(packed).ok()?;
        let mut certificate = Der(&der).within(0x30)?;
        let mut body = certificate.within(0x30)?;
        if body.peek() == Some(0xa0) {
            body.within(0xa0)?;
        }
        // Serial number, signature algorithm, issuer, validity, subject.
        for tag in [0x02, 0x30, 0x30, 0x30, 0x30] {
            body.within(tag)?;
        }
        let mut info = body.within(0x30)?;
        let mut algorithm = info.within(0x30)?;
        let kind = algorithm.within(0x06)?.0;
        // The first byte counts bits that are not used: none.
        let key = info.within(0x03)?.0.strip_prefix(&[0])?.to_vec();
        match kind {
            RSA => Some(Self::Rsa(key)),
            EC => match algorithm.within(0x06)?.0 {
                P256 => Some(Self::P256(key)),
                P384 => Some(Self::P384(key)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether the signature is this key's, by one of the algorithms of XML signatures. SHA-1 is none of them.
    pub(super) fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        let (verification, key): (&'static dyn VerificationAlgorithm, _) = match (self, algorithm) {
            (Self::Rsa(key), "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256") => {
                (&signature::RSA_PKCS1_2048_8192_SHA256, key)
            }
            (Self::Rsa(key), "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384") => {
                (&signature::RSA_PKCS1_2048_8192_SHA384, key)
            }
            (Self::Rsa(key), "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512") => {
                (&signature::RSA_PKCS1_2048_8192_SHA512, key)
            }
            (Self::P256(key), "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256") => {
                (&signature::ECDSA_P256_SHA256_FIXED, key)
            }
            (Self::P384(key), "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384") => {
                (&signature::ECDSA_P384_SHA384_FIXED, key)
            }
            _ => return false,
        };
        UnparsedPublicKey::new(verification, key).verify(message, signature).is_ok()
    }
}

/// Values of DER that follow each other.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// What is within the next value, which must have this tag.
    fn within(&mut self, tag: u8) -> Option<Der<'a>> {
        let (found, rest) = self.0.split_first()?;
        let (first, mut rest) = rest.split_first()?;
        let mut length = usize::from(*first);
        if *first & 0x80 != 0 {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 {
                return None;
            }
            let bytes;
            (bytes, rest) = rest.split_at_checked(count)?;
            length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        }
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        (*found == tag).then_some(Der(content))
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn what_is_no_certificate_has_no_key() {
        for bad in ["", "AAAA", "MIIB", "MIQAAAAA", "!!"] {
            assert_eq!(Key::of_certificate(bad), None, "{bad}");
        }
    }
}
