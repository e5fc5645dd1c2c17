//! RSA key pairs with 2048 bits, the private key as PKCS#1 PEM.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use service::KeyMaterial;

use crate::{der, openssh};

pub(crate) fn new_key() -> Result<KeyMaterial, String> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| "RSA key generation failed".to_owned())?;
    let pkcs8: Pkcs8V1Der<'static> = pair.as_der().map_err(|_| "an RSA key has no PKCS#8 form".to_owned())?;
    material(pkcs8.as_ref()).ok_or_else(|| "an RSA key is not PKCS#8 as RFC 5208 has it".to_owned())
}

fn material(pkcs8: &[u8]) -> Option<KeyMaterial> {
    let pkcs1 = inner(pkcs8)?;
    let (modulus, exponent) = public_numbers(pkcs1)?;
    let blob = openssh::strings(&[b"ssh-rsa", exponent, modulus]);
    Some(KeyMaterial {
        private_pem: crate::pem("RSA PRIVATE KEY", pkcs1, 64),
        public_openssh: openssh::line("ssh-rsa", &blob),
        fingerprint: colon_hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, pkcs8).as_ref()),
    })
}

/// The PKCS#1 key within PKCS#8: version, algorithm, and the key in an octet string. Source: RFC 5208, section 5.
fn inner(pkcs8: &[u8]) -> Option<&[u8]> {
    let (fields, _) = der::take(der::SEQUENCE, pkcs8)?;
    let (_version, fields) = der::take(der::INTEGER, fields)?;
    let (_algorithm, fields) = der::take(der::SEQUENCE, fields)?;
    Some(der::take(der::OCTET_STRING, fields)?.0)
}

/// Modulus and public exponent, as DER's integers, which are SSH's too. Source: RFC 8017, appendix A.1.2.
fn public_numbers(pkcs1: &[u8]) -> Option<(&[u8], &[u8])> {
    let (fields, _) = der::take(der::SEQUENCE, pkcs1)?;
    let (_version, fields) = der::take(der::INTEGER, fields)?;
    let (modulus, fields) = der::take(der::INTEGER, fields)?;
    let (exponent, _) = der::take(der::INTEGER, fields)?;
    Some((modulus, exponent))
}

fn colon_hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}
