//! What of public access a bucket blocks.
//! Not here: the block of a whole account, which is S3 Control's; access control lists, of which there are none.

mod operations;
mod record;

pub use record::PublicAccessBlockRecord;
