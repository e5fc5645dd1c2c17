//! IAM's policy language: documents are read and checked ([`Policy`]), and a request is decided by all the policies that
//! bear on it ([`decide`]).
//! Not here: where policies are kept and which of them bear on a request, which is `iam`'s; the sentence of a refusal.
#![forbid(unsafe_code)]

mod by_service;
mod condition;
mod context;
mod decide;
mod document;
mod fault;
mod json;
mod near;
mod operator;
mod pattern;
mod principal;
mod print;
mod raw;
mod request;
mod resource;
mod statement;
mod validate;
mod values;
mod wild;

pub use context::Context;
pub use decide::{Because, Decision, Effect, Level, Matched, Outcome, decide};
pub use document::{Kind, Malformed, Policy, Position, Span};
pub use near::{Lack, NearMiss};
pub use request::{Attached, Granted, PolicySet, Request, Source, SourceKind, Subject, SubjectKind};
