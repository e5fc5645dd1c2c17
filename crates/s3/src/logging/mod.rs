//! Server access logs: which bucket has what is asked of it written down where, in what form, and when.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html>.

mod collect;
mod deliver;
mod line;
mod operations;
mod record;

pub use collect::AccessLogs;
pub use deliver::LogDelivery;
pub use line::Access;
