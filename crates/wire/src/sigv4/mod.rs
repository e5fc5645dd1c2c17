//! AWS Signature Version 4: parse what a request claims, rebuild what its signer must have signed, compare; and sign.
//! Pure: the caller brings the secret, the clock and the hash of the body.
//! Not here: who owns an access key, which times are good, and which error text each service uses for a refusal.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

mod canonical;
mod claim;
mod key;
mod presigned;
mod scope;
mod sign;
mod verify;

pub(crate) use canonical::encode;
pub use canonical::{CanonicalRequest, PathRule};
pub use claim::{Claim, ClaimError, Place, SignedHeaders};
pub use key::{KeyRing, Signature, SigningKey, hex, is_same, sha256_hex};
pub use presigned::{MAX_EXPIRES, QueryFault};
pub(crate) use scope::parse_amz_date;
pub use scope::{Scope, amz_date};
pub use sign::{Signer, sign_headers, sign_query};
pub use verify::{Mismatch, string_to_sign, verify};

/// The algorithm name that opens an `Authorization` header and every string to sign.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// How far a request's time may be from ours, in seconds, in either direction.
pub const MAX_SKEW_SECONDS: i64 = 15 * 60;

/// The SHA-256 of nothing, in hexadecimal.
pub const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[cfg(test)]
mod tests;
