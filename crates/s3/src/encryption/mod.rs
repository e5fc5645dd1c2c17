//! Encryption of objects at rest.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html>.

mod record;

pub use record::{BucketEncryption, Encryption};
