//! What of public access a bucket blocks, and an account for all of its buckets.
//! Not here: what it makes of lists and policies, which `acl` and `policies` know; the account's requests, which are S3
//! Control's.

mod operations;
mod record;

pub(crate) use record::Blocked;
pub use record::{AccountBlockRecord, PublicAccessBlockRecord};
