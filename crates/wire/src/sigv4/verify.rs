//! The comparison: whether the holder of a key signed this very request.

use super::canonical::Left;
use super::key::push_sha256;
use super::{ALGORITHM, CanonicalRequest, Claim, SigningKey};

/// The signature is another: what ours was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The canonical request.
    pub canonical: String,
    /// The string to sign.
    pub string_to_sign: String,
}

/// The string that a signature is made of: algorithm, time, scope and the hash of the canonical request.
pub fn string_to_sign(claim: &Claim, canonical_request: &str) -> String {
    // Algorithm, time and hash have 98 characters with their line ends; a scope seldom has more than 60.
    let mut text = String::with_capacity(192);
    text.push_str(ALGORITHM);
    text.push('\n');
    text.push_str(&claim.amz_date);
    text.push('\n');
    claim.scope.push(&mut text);
    text.push('\n');
    push_sha256(canonical_request.as_bytes(), &mut text);
    text
}

/// Compares the signature of a claim with the one that `key` makes of `request`. A presigned request may have got its
/// session token before it was signed or after; the token itself is for the caller to compare.
///
/// # Errors
/// [`Mismatch`], boxed because it is large and rare.
pub fn verify(claim: &Claim, request: &CanonicalRequest<'_>, key: &SigningKey) -> Result<(), Box<Mismatch>> {
    let canonical = request.render(claim);
    let text = string_to_sign(claim, &canonical);
    if key.sign(&text).matches(&claim.signature) {
        return Ok(());
    }
    if claim.is_presigned() && claim.session_token.is_some() {
        let without = request.render_without(claim, Left::SignatureAndToken);
        if key.sign(&string_to_sign(claim, &without)).matches(&claim.signature) {
            return Ok(());
        }
    }
    Err(Box::new(Mismatch { canonical, string_to_sign: text }))
}
