//! IAM's policy language: documents are read and checked ([`Policy`]), and a request is decided by all the policies that
//! bear on it ([`decide`]).
//! Not here: where policies are kept and which of them bear on a request, which is `iam`'s; the sentence of a refusal.
#![forbid(unsafe_code)]

mod context;
mod decide;
mod document;
mod request;

pub use context::Context;
pub use decide::{Because, Decision, Effect, Level, Matched, Outcome, decide};
pub use document::{Kind, Malformed, Policy};
pub use request::{Attached, PolicySet, Request, Source, SourceKind, Subject, SubjectKind};
