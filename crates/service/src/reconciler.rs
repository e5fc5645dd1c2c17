//! Reconcilers make status approach spec. They take no input: what to do is read from the store and from nodes, so a
//! lost wake-up or a restart costs time and nothing else.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

/// What one activation did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pass {
    /// How many things were compared.
    pub examined: usize,
    /// How many of them were changed.
    pub changed: usize,
    /// How many still wait for something, such as a machine that boots.
    pub waiting: usize,
    /// What stands in the way elsewhere, such as a step that a node fails at and will try again. The activation itself
    /// has done all it could: nothing is tried again because of it.
    pub trouble: Option<String>,
}

/// Why an activation did not complete. The next one is the retry.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ReconcileError(pub String);

impl ReconcileError {
    /// From anything that can be shown.
    pub fn new(cause: impl std::fmt::Display) -> Self {
        Self(cause.to_string())
    }
}

/// One reconciler. The runtime calls [`Reconciler::activate`] once at start, whenever a signal comes, and at least
/// once in each interval; never twice at a time.
#[async_trait]
pub trait Reconciler: Send + Sync + 'static {
    /// Its name, as `welkin admin reconcilers` shows it.
    fn name(&self) -> &'static str;

    /// The longest time between two activations.
    fn interval(&self) -> Duration;

    /// What wakes it. Several signals during one activation are one.
    fn signals(&self) -> Vec<watch::Receiver<u64>>;

    /// Compares, plans, acts once. Idempotent.
    ///
    /// # Errors
    /// What kept it from completing; shown to the operator.
    async fn activate(&self) -> Result<Pass, ReconcileError>;
}
