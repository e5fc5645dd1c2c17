//! Takes wrong guesses away that are forgotten, and keeps the rest within bounds.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use service::{Effects, Pass, ReconcileError, Reconciler};
use store::{Changes, CommitError, Direction, KeyPrefix, Store, StoreError, View};
use tokio::sync::watch;

use super::{FORGOTTEN_AFTER, GuessRecord};

/// Most names that are kept. Of more, those go first that had little wrong, and of them the oldest: whoever makes up names to
/// have others forgotten makes up such.
const MAX_KEPT: usize = 10_000;
/// Names above that which one activation looks at. A process looks at some 60 tries in a second, of three names each.
const MAX_MORE: usize = 20_000;
/// Names that one commit takes away.
const BATCH: usize = 500;

/// Takes wrong guesses away that are forgotten.
pub struct GuessReconciler {
    store: Store,
    effects: Arc<dyn Effects>,
}

impl GuessReconciler {
    /// Over the region's store and clock.
    pub fn new(store: Store, effects: Arc<dyn Effects>) -> Self {
        Self { store, effects }
    }

    /// Deletes those that are still as they were found.
    async fn give_up(&self, found: &[GuessRecord]) -> Result<usize, CommitError> {
        let view = self.store.view()?;
        let mut changes = Changes::new();
        for guesses in found {
            if view.get::<GuessRecord>(&guesses.name)?.as_ref() == Some(guesses) {
                changes.delete::<GuessRecord>(&guesses.name);
            }
        }
        let count = changes.len();
        if count == 0 {
            return Ok(0);
        }
        match self.store.commit(Some(&view), changes).await {
            Ok(_) => Ok(count),
            // Somebody guesses at this moment; the next activation sees to it.
            Err(CommitError::Conflict) => Ok(0),
            Err(error) => Err(error),
        }
    }
}

/// Those that are to go, and how many there are.
fn superfluous(view: &View, now: Timestamp) -> Result<(Vec<GuessRecord>, usize), StoreError> {
    let mut all = Vec::new();
    for kind in GuessRecord::KINDS {
        let (prefix, most) = (KeyPrefix::of(kind), MAX_KEPT + MAX_MORE - all.len());
        let some = view.scan_index::<GuessRecord>("until", &prefix, None, Direction::Ascending, most)?;
        all.extend(some.into_iter().map(|(_, guesses)| guesses));
    }
    let count = all.len();
    let more = count.saturating_sub(MAX_KEPT);
    let is_old = |guesses: &GuessRecord| now.duration_since(guesses.until) > FORGOTTEN_AFTER;
    let gone = all.into_iter().enumerate().filter(|(place, guesses)| *place < more || is_old(guesses));
    Ok((gone.map(|(_, guesses)| guesses).collect(), count))
}

#[async_trait]
impl Reconciler for GuessReconciler {
    fn name(&self) -> &'static str {
        "guesses"
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn signals(&self) -> Vec<watch::Receiver<u64>> {
        Vec::new()
    }

    async fn activate(&self) -> Result<Pass, ReconcileError> {
        let (superfluous, examined) = {
            let view = self.store.view().map_err(ReconcileError::new)?;
            superfluous(&view, self.effects.now()).map_err(ReconcileError::new)?
        };
        let mut pass = Pass { examined, ..Pass::default() };
        for batch in superfluous.chunks(BATCH) {
            pass.changed += self.give_up(batch).await.map_err(ReconcileError::new)?;
        }
        Ok(pass)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::{SignedDuration, Timestamp};
    use service::{Effects, Reconciler};
    use store::{Changes, KeyPrefix, Memory, Store};
    use testkit::FixedEffects;

    use super::{FORGOTTEN_AFTER, GuessReconciler, GuessRecord, MAX_KEPT};

    fn names(store: &Store) -> Vec<String> {
        let all = store.view().unwrap().scan::<GuessRecord>(&KeyPrefix::all(), None, usize::MAX).unwrap();
        all.into_iter().map(|guesses| guesses.name).collect()
    }

    async fn put(store: &Store, rows: impl IntoIterator<Item = (String, u32, Timestamp)>) {
        let rows: Vec<_> = rows.into_iter().collect();
        for batch in rows.chunks(2_000) {
            let mut changes = Changes::new();
            for (name, wrong, until) in batch {
                changes.put(&GuessRecord { name: name.clone(), wrong: *wrong, until: *until }).unwrap();
            }
            store.commit(None, changes).await.unwrap();
        }
    }

    #[tokio::test]
    async fn the_forgotten_go_and_of_too_many_those_with_little_wrong() {
        let store = Store::new(Memory::new());
        store.prepare::<GuessRecord>().await.unwrap();
        let effects = Arc::new(FixedEffects::default());
        let now = effects.now();
        let reconciler = GuessReconciler::new(store.clone(), effects);
        let (old, young) = (now - FORGOTTEN_AFTER - SignedDuration::from_secs(1), now - FORGOTTEN_AFTER);
        let rows = [("a", 1, old), ("b", 1, young), ("c", 9, old), ("d", 9, young), ("e", 9, now)];
        put(&store, rows.map(|(name, wrong, until)| (name.to_owned(), wrong, until))).await;
        let pass = reconciler.activate().await.unwrap();
        assert_eq!((pass.examined, pass.changed), (5, 2));
        assert_eq!(names(&store), ["b", "d", "e"]);

        put(&store, (0..MAX_KEPT + 7).map(|number| (format!("x{number:06}"), 1, now))).await;
        let pass = reconciler.activate().await.unwrap();
        assert_eq!((pass.examined, pass.changed), (MAX_KEPT + 10, 10));
        let left = names(&store);
        assert_eq!(left.len(), MAX_KEPT);
        assert_eq!(left[..3], ["d", "e", "x000009"], "the oldest of those with little wrong went");
    }
}
