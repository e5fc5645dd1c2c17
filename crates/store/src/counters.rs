//! What a store has done, for whoever watches over it.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use crate::engine::Version;
use crate::error::{CommitError, StoreError};

/// Upper bounds of the classes of time that commits take, in seconds.
pub const COMMIT_BOUNDS: [f64; 9] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 5.0];

/// The counters that a store and its clones share.
#[derive(Default)]
pub(crate) struct Counters {
    commits: AtomicU64,
    conflicts: AtomicU64,
    failures: AtomicU64,
    failed_since_commit: AtomicU64,
    classes: [AtomicU64; COMMIT_BOUNDS.len() + 1],
    nanos: AtomicU64,
}

/// What has been committed since a store was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Counts {
    /// Transactions committed.
    pub commits: u64,
    /// Transactions refused because of what others had written.
    pub conflicts: u64,
    /// Transactions that the engine failed.
    pub failures: u64,
    /// How many of them came after the last that was committed: a disk that is full, an engine that is away.
    pub failed_since_commit: u64,
    /// How many of the committed ones took no longer than the bound at the same place of [`COMMIT_BOUNDS`], and longer
    /// than the one before; the last are those beyond all bounds.
    pub classes: [u64; COMMIT_BOUNDS.len() + 1],
    /// The time that the committed ones took, in seconds.
    pub seconds: f64,
}

impl Counters {
    pub(crate) async fn count(
        &self,
        commit: impl Future<Output = Result<Version, CommitError>>,
    ) -> Result<Version, CommitError> {
        let started = Instant::now();
        let outcome = commit.await;
        match &outcome {
            Ok(_) => {
                let took = started.elapsed();
                let seconds = took.as_secs_f64();
                let place = COMMIT_BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(COMMIT_BOUNDS.len());
                self.commits.fetch_add(1, Relaxed);
                self.failed_since_commit.store(0, Relaxed);
                self.classes[place].fetch_add(1, Relaxed);
                self.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
            }
            Err(CommitError::Conflict) => {
                self.conflicts.fetch_add(1, Relaxed);
            }
            // No fault of the engine's.
            Err(CommitError::Store(StoreError::TooLarge { .. })) => {
                self.failures.fetch_add(1, Relaxed);
            }
            Err(CommitError::Store(_)) => {
                self.failures.fetch_add(1, Relaxed);
                self.failed_since_commit.fetch_add(1, Relaxed);
            }
        }
        outcome
    }

    pub(crate) fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        Counts {
            commits: read(&self.commits),
            conflicts: read(&self.conflicts),
            failures: read(&self.failures),
            failed_since_commit: read(&self.failed_since_commit),
            classes: std::array::from_fn(|place| read(&self.classes[place])),
            seconds: std::time::Duration::from_nanos(read(&self.nanos)).as_secs_f64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::Counters;
    use crate::error::{CommitError, StoreError};

    #[tokio::test]
    async fn outcomes_are_told_apart() {
        let counters = Counters::default();
        for outcome in [Ok(1), Err(CommitError::Conflict), Err(StoreError::Full.into()), Err(StoreError::Full.into())] {
            let _ = counters.count(ready(outcome)).await;
        }
        let counts = counters.counts();
        assert_eq!((counts.commits, counts.conflicts, counts.failures, counts.failed_since_commit), (1, 1, 2, 2));
        assert_eq!(counts.classes.iter().sum::<u64>(), 1);
        let _ = counters.count(ready(Ok(2))).await;
        assert_eq!(counters.counts().failed_since_commit, 0);
    }
}
