//! Decoders of this crate, for whoever holds them to what is claimed of them. Not here: the claims.

use jiff::Timestamp;

pub use crate::post::hostile::form_is_allowed;

/// The moment at which [`form_is_allowed`] looks at a policy.
pub const NOW: Timestamp = Timestamp::constant(1_795_248_000, 0);

/// As the body of a request with `content-encoding: gzip`: what it was; none if that is more than `limit` bytes.
///
/// # Errors
/// It is no gzip, or not whole.
pub fn gunzip(body: &[u8], limit: usize) -> std::io::Result<Option<Vec<u8>>> {
    crate::inflate::gunzip(body, limit)
}
