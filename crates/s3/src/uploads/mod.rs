//! Multipart uploads.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html>.

mod record;

pub use record::{PartRecord, UploadRecord};
