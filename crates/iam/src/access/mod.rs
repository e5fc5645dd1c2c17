//! The access advisor: which services a user, a group, a role or a policy may use, and when they were used last.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html>.
//! Not here: the reports on an organization; uses by root users, of which reports say nothing either.

mod generate;
mod granting;
mod record;
mod report;
mod services;
mod subject;

pub(crate) use record::forget;
pub use record::{AccessJobRecord, LastUse, ServiceUseRecord};
