//! Makes the key pairs that EC2 gives out: generation by AWS-LC, the file formats by our own few lines.
//! Not here: what a key pair means, and reading other people's keys (`ec2` parses what is imported).
#![forbid(unsafe_code)]

mod der;
mod ed25519;
mod openssh;
mod rsa;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use service::{KeyAlgorithm, KeyMaterial};

/// Makes a new key pair. RSA with 2048 bits takes tens to hundreds of milliseconds of CPU: call it where blocking is
/// allowed.
///
/// The fingerprints are those of EC2: for RSA the SHA-1 of the private key as DER PKCS#8, for Ed25519 the SHA-256 of
/// the public key's SSH encoding in padded Base64.
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/verify-keys.html>.
///
/// # Errors
/// A text for the log: the generator failed or gave something that is not the format it promises.
pub fn new_key(algorithm: KeyAlgorithm) -> Result<KeyMaterial, String> {
    match algorithm {
        KeyAlgorithm::Rsa => rsa::new_key(),
        KeyAlgorithm::Ed25519 => ed25519::new_key(),
    }
}

/// PEM with lines of `width` characters: OpenSSL writes 64, OpenSSH 70.
fn pem(label: &str, bytes: &[u8], width: usize) -> String {
    let text = STANDARD.encode(bytes);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(width.min(rest.len()));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}
