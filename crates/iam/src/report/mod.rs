//! The credential report: a table of an account's users and what they sign in and sign with.

mod operations;
mod record;
mod table;

pub use record::CredentialReportRecord;
