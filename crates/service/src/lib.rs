//! What every service is made of: operations that read a view and return changes, the runner that does for all of
//! them what must not be forgotten (authorise, commit with retry), and reconcilers.
//! Not here: HTTP, wire formats, the meaning of any operation, and every side effect.
#![forbid(unsafe_code)]

mod authorize;
mod cx;
mod directory;
mod operation;
mod page_token;
mod pool;
mod reconciler;
mod runner;
#[cfg(test)]
mod tests;
mod threads;

pub use authorize::{Authorizer, Denied, Need, Refusal, ResourcePolicy, Scope};
pub use cx::{Cx, Despite, Effects, KeyAlgorithm, KeyMaterial, RegionFacts, ZoneFacts};
pub use directory::{Directory, Named, has_plainly};
pub use operation::{Applied, Operation, Service, Streaming};
pub use page_token::{PageKeyRecord, PageTokens, Pages, page_key, prepare};
pub use reconciler::{Pass, ReconcileError, Reconciler};
pub use runner::Runner;
