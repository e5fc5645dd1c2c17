//! Lifecycle: rules by which objects of a bucket change their storage class and go, and the reconciler that carries
//! them out.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html>.

mod check;
mod check_actions;
mod classes;
mod headers;
mod operations;
mod plan;
mod reconcile;
mod record;
mod rules;
mod walk;

pub(crate) use headers::{abortion, expiration};
pub use reconcile::LifecycleReconciler;
