//! Writes keys as OpenSSH does: lines of `authorized_keys`, and unencrypted private keys.
//! Source: RFC 4253, section 6.6; `PROTOCOL.key` in OpenSSH's sources.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub(crate) const ED25519: &str = "ssh-ed25519";

/// The block size that the private part is padded to where there is no cipher.
const BLOCK: usize = 8;

/// SSH's encoding of a sequence of strings: four bytes of length before each.
pub(crate) fn strings(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        push(&mut bytes, part);
    }
    bytes
}

/// A line of `authorized_keys` without a comment.
pub(crate) fn line(kind: &str, blob: &[u8]) -> String {
    format!("{kind} {}", STANDARD.encode(blob))
}

/// An Ed25519 private key without a passphrase. `check` are random bytes that are written twice, from which a reader
/// of an encrypted key sees whether its passphrase was right.
pub(crate) fn ed25519_private(seed: &[u8], public: &[u8], check: [u8; 4]) -> String {
    let mut private = [check, check].concat();
    private.extend(strings(&[ED25519.as_bytes(), public, &[seed, public].concat(), b""]));
    for pad in 1u8.. {
        if private.len().is_multiple_of(BLOCK) {
            break;
        }
        private.push(pad);
    }
    let mut bytes = b"openssh-key-v1\0".to_vec();
    bytes.extend(strings(&[b"none", b"none", b""]));
    bytes.extend(1u32.to_be_bytes());
    bytes.extend(strings(&[&strings(&[ED25519.as_bytes(), public]), &private]));
    crate::pem("OPENSSH PRIVATE KEY", &bytes, 70)
}

fn push(bytes: &mut Vec<u8>, part: &[u8]) {
    let length = u32::try_from(part.len()).expect("no key is longer than 4 GiB");
    bytes.extend(length.to_be_bytes());
    bytes.extend(part);
}
