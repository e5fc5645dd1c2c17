//! Server access logs: which bucket has what is asked of it written down where, in what form, and when.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html>.

mod operations;
mod record;
