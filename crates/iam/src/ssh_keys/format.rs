//! Public keys of RSA in their two forms: as SSH sends them (RFC 4253, section 6.6) and as PEM (RFC 5280, section 4.1.2.7).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::IamError;

/// The least and the most bits of a key.
const BITS: std::ops::RangeInclusive<usize> = 2048..=16384;
/// `rsaEncryption`, with its empty parameters. Source: RFC 8017, appendix A.1.
const RSA: [u8; 15] = [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// A public key of RSA. Its numbers are without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RsaKey {
    exponent: Vec<u8>,
    modulus: Vec<u8>,
}

impl RsaKey {
    /// Reads a key in either form.
    ///
    /// # Errors
    /// `UnrecognizedPublicKeyEncoding` for another form, `InvalidPublicKey` for what is none, or too short.
    pub fn read(text: &str) -> Result<Self, IamError> {
        let text = text.trim();
        let key = if let Some(rest) = text.strip_prefix("ssh-rsa ") {
            let blob = rest.split_whitespace().next().unwrap_or_default();
            STANDARD.decode(blob).ok().and_then(|blob| Self::of_blob(&blob))
        } else if text.starts_with("-----BEGIN ") {
            Pem::iter_from_buffer(text.as_bytes())
                .next()
                .and_then(Result::ok)
                .and_then(|pem| Self::of_der(&pem.contents))
        } else {
            let text = "The public key encoding format is unsupported or unrecognized.";
            return Err(IamError::refused("UnrecognizedPublicKeyEncoding", 400, text));
        };
        let key = key.filter(|key| BITS.contains(&key.bits()) && !key.exponent.is_empty());
        key.ok_or_else(|| {
            IamError::refused("InvalidPublicKey", 400, "The public key is malformed or otherwise invalid.")
        })
    }

    fn bits(&self) -> usize {
        let zeros = self.modulus.first().map_or(0, |byte| byte.leading_zeros());
        (self.modulus.len() * 8).saturating_sub(usize::try_from(zeros).unwrap_or_default())
    }

    fn of_der(der: &[u8]) -> Option<Self> {
        let (rest, info) = SubjectPublicKeyInfo::from_der(der).ok()?;
        let PublicKey::RSA(key) = info.parsed().ok().filter(|_| rest.is_empty())? else { return None };
        Some(Self { exponent: shortened(key.exponent), modulus: shortened(key.modulus) })
    }

    /// The key in what SSH sends.
    pub fn of_blob(blob: &[u8]) -> Option<Self> {
        let (kind, rest) = field(blob)?;
        let (exponent, rest) = field(rest)?;
        let (modulus, rest) = field(rest)?;
        let is_whole = kind == b"ssh-rsa" && rest.is_empty();
        is_whole.then(|| Self { exponent: shortened(exponent), modulus: shortened(modulus) })
    }

    /// What SSH sends.
    pub fn blob(&self) -> Vec<u8> {
        let mut blob = Vec::new();
        for part in [b"ssh-rsa".to_vec(), signed(&self.exponent), signed(&self.modulus)] {
            blob.extend(u32::try_from(part.len()).unwrap_or_default().to_be_bytes());
            blob.extend(part);
        }
        blob
    }

    /// As a line of `authorized_keys`.
    pub fn line(&self) -> String {
        format!("ssh-rsa {}", STANDARD.encode(self.blob()))
    }

    /// In PEM.
    pub fn pem(&self) -> String {
        let numbers = [element(2, &signed(&self.modulus)), element(2, &signed(&self.exponent))].concat();
        let bits = [vec![0], element(0x30, &numbers)].concat();
        let text = STANDARD.encode(element(0x30, &[RSA.to_vec(), element(3, &bits)].concat()));
        let mut pem = "-----BEGIN PUBLIC KEY-----\n".to_owned();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END PUBLIC KEY-----\n");
        pem
    }

    /// The MD5 of what SSH sends, in pairs of digits.
    pub fn fingerprint(&self) -> String {
        let digest = md5::of(&self.blob());
        digest.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
    }
}

/// The first field of what SSH sends, and the rest.
fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

fn shortened(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|byte| *byte == 0).collect()
}

/// A number that cannot be taken for a negative one.
fn signed(number: &[u8]) -> Vec<u8> {
    let is_high = number.first().is_some_and(|byte| *byte >= 0x80);
    if is_high { [&[0], number].concat() } else { number.to_vec() }
}

/// An element of DER. Source: ITU-T X.690, section 8.1.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut element = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => element.push(short),
        _ => {
            let digits = shortened(&length.to_be_bytes());
            element.push(0x80 | u8::try_from(digits.len()).unwrap_or_default());
            element.extend(digits);
        }
    }
    element.extend_from_slice(content);
    element
}

#[cfg(test)]
mod tests {
    use super::RsaKey;

    fn key(bits: usize) -> RsaKey {
        let mut modulus = vec![0xab; bits / 8];
        modulus[0] = 0xff;
        RsaKey { exponent: vec![1, 0, 1], modulus }
    }

    #[test]
    fn both_forms_lead_to_each_other() {
        for bits in [2048, 3072, 4096] {
            let key = key(bits);
            assert_eq!(RsaKey::read(&format!("{} a comment", key.line())).unwrap(), key);
            assert_eq!(RsaKey::read(&key.pem()).unwrap(), key, "{}", key.pem());
            assert_eq!(key.fingerprint().len(), 47);
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_ssh_sends_is_a_key_that_comes_back_or_none(tail in proptest::collection::vec(0_u8.., 0..64)) {
            let blob = [&[0, 0, 0, 7], b"ssh-rsa".as_slice(), &tail].concat();
            if let Some(key) = RsaKey::of_blob(&blob) {
                proptest::prop_assert_eq!(RsaKey::of_blob(&key.blob()), Some(key));
            }
        }

        #[test]
        fn no_text_makes_the_reader_fail(text in "(ssh-rsa |-----BEGIN PUBLIC KEY-----\n)?[A-Za-z0-9+/=\n]{0,200}(-----END PUBLIC KEY-----)?") {
            proptest::prop_assert!(RsaKey::read(&text).is_err());
        }
    }

    #[test]
    fn what_is_no_key() {
        let line = key(2048).line();
        let check = |text: &str, code: &str| {
            let error: wire::ServiceError = RsaKey::read(text).unwrap_err().into();
            assert_eq!(error.code, code, "{text}");
        };
        check("", "UnrecognizedPublicKeyEncoding");
        check("ssh-ed25519 AAAA", "UnrecognizedPublicKeyEncoding");
        check("ssh-rsa ", "UnrecognizedPublicKeyEncoding");
        check("ssh-rsa !!!!", "InvalidPublicKey");
        check(&line[..line.len() - 8], "InvalidPublicKey");
        check(&key(1024).line(), "InvalidPublicKey");
        check(&key(1024).pem(), "InvalidPublicKey");
        check("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "InvalidPublicKey");
        check("-----BEGIN PUBLIC KEY-----\n", "InvalidPublicKey");
    }
}
