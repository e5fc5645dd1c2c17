//! What of public access a bucket blocks.
//! Not here: the block of a whole account, which is S3 Control's; what it makes of lists and policies, which `acl` and `policies` know.

mod operations;
mod record;

pub use record::PublicAccessBlockRecord;
