//! Which versions somebody may still commit at: a commit log need remember nothing older.
//! Not here: what was read in them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::Version;

/// The versions of an engine's snapshots on which a commit may still be decided. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct OpenReads {
    counts: Arc<Mutex<BTreeMap<Version, usize>>>,
}

/// One of them, until it is dropped. It outlives its snapshot: what was decided in a snapshot waits for its commit
/// without it.
#[derive(Debug)]
pub struct OpenRead {
    all: OpenReads,
    version: Version,
}

impl OpenReads {
    /// Enters a snapshot at `version`.
    pub fn enter(&self, version: Version) -> OpenRead {
        *self.counts().entry(version).or_default() += 1;
        OpenRead { all: self.clone(), version }
    }

    /// The oldest version among them, if there is any.
    pub fn oldest(&self) -> Option<Version> {
        self.counts().keys().next().copied()
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<Version, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenRead {
    fn drop(&mut self) {
        let mut counts = self.all.counts();
        if let Some(count) = counts.get_mut(&self.version) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.version);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::OpenReads;

    #[test]
    fn the_oldest_is_the_one_that_is_still_open() {
        let all = OpenReads::default();
        assert_eq!(all.oldest(), None);
        let (old, same, new) = (all.enter(3), all.enter(3), all.enter(7));
        drop(old);
        assert_eq!(all.oldest(), Some(3), "another is open at the same version");
        drop(same);
        assert_eq!(all.oldest(), Some(7));
        drop(new);
        assert_eq!(all.oldest(), None);
    }
}
