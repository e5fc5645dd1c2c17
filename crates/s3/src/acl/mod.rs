//! Access control lists: who is granted what on a bucket or an object beside its policies; who owns objects, and whether
//! lists count at all.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html>.

mod buckets;
mod error;
mod given;
mod grants;
mod new;
mod objects;
mod ownership;
mod record;
mod shown;

pub use error::AclError;
pub(crate) use given::AclHeaders;
pub(crate) use grants::{granted, on_bucket, on_object};
pub(crate) use new::{acl_of_bucket, from_headers, object_owner, of_new_bucket};
pub use record::{Acl, Grant, Grantee, Ownership, Permission};
