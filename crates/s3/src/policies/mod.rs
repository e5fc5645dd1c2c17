//! The policies of buckets: put, read, deleted, and whether they are public.
//! Not here: the language (crate `policy`), and what a policy decides (the authoriser, to whom each need carries it).

mod actions;
mod conditions;
mod delete;
mod document;
mod get;
mod principals;
mod public;
mod put;
mod record;

pub use record::BucketPolicyRecord;
