//! Access control lists: who is granted what on a bucket or an object beside its policies.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html>.

mod record;

pub use record::{Acl, Grant, Grantee, Ownership, Permission};
