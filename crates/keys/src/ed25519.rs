//! Ed25519 key pairs, the private key in OpenSSH's own format.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsBigEndian, Curve25519SeedBin};
use aws_lc_rs::rand;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use service::KeyMaterial;

use crate::openssh;

pub(crate) fn new_key() -> Result<KeyMaterial, String> {
    let failed = |_| "Ed25519 key generation failed".to_owned();
    let pair = Ed25519KeyPair::generate().map_err(failed)?;
    let seed: Curve25519SeedBin<'static> = pair.seed().and_then(|seed| seed.as_be_bytes()).map_err(failed)?;
    let mut check = [0; 4];
    rand::fill(&mut check).map_err(failed)?;
    let public = pair.public_key().as_ref();
    let blob = openssh::strings(&[openssh::ED25519.as_bytes(), public]);
    Ok(KeyMaterial {
        private_pem: openssh::ed25519_private(seed.as_ref(), public, check),
        public_openssh: openssh::line(openssh::ED25519, &blob),
        fingerprint: STANDARD.encode(digest(&SHA256, &blob)),
    })
}
