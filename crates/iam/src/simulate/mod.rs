//! The policy simulator: what policies would decide on actions that nobody asks for, and which condition keys they ask
//! about. Decisions are those of `policy`, as the authoriser's are.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html>.
//! Not here: resource control policies, of which there are none; actions are not looked up in a list of AWS's.

mod context;
mod custom;
mod evaluate;
mod gather;
mod input;
mod keys;
mod principal;
mod scenario;

pub(crate) use gather::{Gathered, Named, named};
