//! Takes sessions away that ended. They are refused from their end on; this only makes room.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use service::{Effects, Pass, ReconcileError, Reconciler};
use store::{Changes, CommitError, Direction, KeyPrefix, Store};
use tokio::sync::watch;

use super::SessionRecord;

/// How long an ended session stays, so that who still uses it is told that it ended, and not that nobody has that key.
const GRACE: SignedDuration = SignedDuration::from_hours(1);
/// Sessions that one commit takes away.
const BATCH: usize = 200;
/// Commits of one activation.
const MAX_BATCHES: usize = 50;

/// Takes sessions away that ended.
pub struct SessionReconciler {
    store: Store,
    effects: Arc<dyn Effects>,
}

impl SessionReconciler {
    /// Over the region's store and clock.
    pub fn new(store: Store, effects: Arc<dyn Effects>) -> Self {
        Self { store, effects }
    }

    /// Deletes up to a batch; the number tells whether there are more.
    async fn batch(&self) -> Result<usize, ReconcileError> {
        let before = self.effects.now().saturating_sub(GRACE).map_err(ReconcileError::new)?;
        let mut changes = Changes::new();
        let view = self.store.view().map_err(ReconcileError::new)?;
        let first = view
            .scan_index::<SessionRecord>("expires", &KeyPrefix::all(), None, Direction::Ascending, BATCH)
            .map_err(ReconcileError::new)?;
        for (_, session) in first.into_iter().take_while(|(_, session)| session.expires <= before) {
            changes.delete::<SessionRecord>(&session.id);
        }
        drop(view);
        let ended = changes.len();
        if ended > 0 {
            match self.store.commit(None, changes).await {
                Ok(_) => {}
                // Another process does the same.
                Err(CommitError::Conflict) => return Ok(0),
                Err(error) => return Err(ReconcileError::new(error)),
            }
        }
        Ok(ended)
    }
}

#[async_trait]
impl Reconciler for SessionReconciler {
    fn name(&self) -> &'static str {
        "sessions"
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(600)
    }

    fn signals(&self) -> Vec<watch::Receiver<u64>> {
        Vec::new()
    }

    async fn activate(&self) -> Result<Pass, ReconcileError> {
        let mut pass = Pass::default();
        for _ in 0..MAX_BATCHES {
            let ended = self.batch().await?;
            pass.examined += ended;
            pass.changed += ended;
            if ended < BATCH {
                break;
            }
        }
        Ok(pass)
    }
}
