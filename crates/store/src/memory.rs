//! The engine that keeps everything in memory: for tests and for regions that may forget.
//! Not here: durability. Dropping it drops all.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::{BoxFuture, Direction, Engine, Pair, Snapshot, Transaction, Version};
use crate::error::{CommitError, StoreError};
use crate::limits;
use crate::log::CommitLog;
use crate::open_reads::OpenRead;
use crate::range::KeyRange;
use crate::watch::{Watch, Watchers};

/// An engine in memory. Old values are kept only as long as a snapshot needs them.
#[derive(Debug, Default, Clone)]
pub struct Memory {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    watchers: Watchers,
}

/// The values of one key, oldest first, each with the commit that wrote it. `None` is a deletion.
type History = Vec<(Version, Option<Arc<[u8]>>)>;

#[derive(Debug)]
struct State {
    keys: BTreeMap<Vec<u8>, History>,
    log: CommitLog,
    /// How many snapshots are open at each version.
    open: BTreeMap<Version, usize>,
    /// Keys with something to forget once no snapshot is older than the version beside them.
    outdated: VecDeque<(Version, Vec<u8>)>,
}

impl Default for State {
    fn default() -> Self {
        Self { keys: BTreeMap::new(), log: CommitLog::new(0), open: BTreeMap::new(), outdated: VecDeque::new() }
    }
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many snapshots are open.
    #[cfg(test)]
    pub(crate) fn open_snapshots(&self) -> usize {
        self.shared.state().open.values().sum()
    }
}

impl Engine for Memory {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let mut state = self.shared.state();
        let version = state.log.head();
        *state.open.entry(version).or_default() += 1;
        let open_read = Some(state.log.open_reads().enter(version));
        Ok(Box::new(MemorySnapshot { shared: Arc::clone(&self.shared), version, open_read }))
    }

    fn commit(&self, transaction: Transaction) -> BoxFuture<'static, Result<Version, CommitError>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { shared.commit(transaction) })
    }

    fn watch(&self, prefix: &[u8]) -> Watch {
        self.shared.watchers.watch(prefix)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit(&self, transaction: Transaction) -> Result<Version, CommitError> {
        limits::check(&transaction)?;
        let mut state = self.state();
        if state.log.conflicts(&transaction) {
            return Err(CommitError::Conflict);
        }
        let writes: BTreeMap<Vec<u8>, Option<Vec<u8>>> = transaction.writes.into_iter().collect();
        let keys: Vec<&Vec<u8>> = writes.keys().collect();
        let version = state.log.push(&keys);
        let written: Vec<Vec<u8>> = keys.into_iter().cloned().collect();
        for (key, value) in writes {
            state.outdated.push_back((version, key.clone()));
            state.keys.entry(key).or_default().push((version, value.map(Arc::from)));
        }
        state.forget();
        drop(state);
        self.watchers.wake(version, &written);
        Ok(version)
    }
}

impl State {
    /// Drops what no open snapshot can see.
    fn forget(&mut self) {
        let oldest = self.open.keys().next().copied().unwrap_or(self.log.head());
        while self.outdated.front().is_some_and(|(version, _)| *version <= oldest) {
            let Some((_, key)) = self.outdated.pop_front() else { break };
            let Some(history) = self.keys.get_mut(&key) else { continue };
            // The newest value that the oldest snapshot sees hides all before it.
            let seen = history.partition_point(|(version, _)| *version <= oldest);
            history.drain(..seen.saturating_sub(1));
            if history.first().is_some_and(|(version, value)| *version <= oldest && value.is_none()) {
                history.remove(0);
            }
            if history.is_empty() {
                self.keys.remove(&key);
            }
        }
    }
}

struct MemorySnapshot {
    shared: Arc<Shared>,
    version: Version,
    open_read: Option<OpenRead>,
}

impl MemorySnapshot {
    fn seen<'a>(&self, history: &'a History) -> Option<&'a Arc<[u8]>> {
        history.iter().rev().find(|(version, _)| *version <= self.version)?.1.as_ref()
    }
}

impl Snapshot for MemorySnapshot {
    fn version(&self) -> Version {
        self.version
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let state = self.shared.state();
        Ok(state.keys.get(key).and_then(|history| self.seen(history)).map(|value| value.to_vec()))
    }

    fn scan(&self, range: KeyRange, direction: Direction, limit: usize) -> Result<Vec<Pair>, StoreError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let state = self.shared.state();
        let end = range.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let within = state.keys.range::<[u8], _>((Bound::Included(range.start.as_slice()), end));
        let visible = |(key, history): (&Vec<u8>, &History)| Some((key.clone(), self.seen(history)?.to_vec()));
        Ok(match direction {
            Direction::Ascending => within.filter_map(visible).take(limit).collect(),
            Direction::Descending => within.rev().filter_map(visible).take(limit).collect(),
        })
    }

    fn take_open_read(&mut self) -> Option<OpenRead> {
        self.open_read.take()
    }
}

impl Drop for MemorySnapshot {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if let Some(count) = state.open.get_mut(&self.version) {
            *count -= 1;
            if *count == 0 {
                state.open.remove(&self.version);
                state.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Memory;
    use crate::conformance::{Fixture, commit, del, put};
    use crate::engine::Engine;

    struct Fresh;

    impl Fixture for Fresh {
        const KEEPS: bool = false;

        fn new() -> Self {
            Self
        }

        fn open(&self) -> Arc<dyn Engine> {
            Arc::new(Memory::new())
        }
    }

    crate::conformance_suite!(Fresh);

    #[test]
    fn old_values_are_forgotten_with_the_last_snapshot_that_sees_them() {
        let memory = Memory::new();
        commit(&memory, [put("a", "1"), put("b", "1")]);
        let snapshot = memory.snapshot().unwrap();
        commit(&memory, [put("a", "2"), del("b")]);
        assert_eq!(memory.shared.state().keys.values().map(Vec::len).sum::<usize>(), 4);
        drop(snapshot);
        let state = memory.shared.state();
        assert_eq!(state.keys.values().map(Vec::len).sum::<usize>(), 1);
        assert!(state.outdated.is_empty() && state.open.is_empty());
    }
}
