//! Which keys were written lately, and by which commit: what optimistic transactions are checked against.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use crate::engine::{Transaction, Version};

/// Keys that a log remembers at most; older commits are forgotten.
const MAX_KEYS: usize = 64 * 1024;
/// Bytes of keys that a log remembers at most.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// The recently written keys. A transaction whose snapshot is older than what the log remembers conflicts, since
/// nobody can say that it doesn't.
#[derive(Debug)]
pub struct CommitLog {
    newest: BTreeMap<Arc<[u8]>, Version>,
    commits: VecDeque<(Version, Vec<Arc<[u8]>>)>,
    /// Snapshots from this version on can be checked.
    floor: Version,
    head: Version,
    keys: usize,
    bytes: usize,
}

impl CommitLog {
    /// A log of an engine whose last commit is `head`.
    pub fn new(head: Version) -> Self {
        Self { newest: BTreeMap::new(), commits: VecDeque::new(), floor: head, head, keys: 0, bytes: 0 }
    }

    /// The last commit.
    pub fn head(&self) -> Version {
        self.head
    }

    /// Whether something that the transaction read was written after its snapshot, or may have been.
    pub fn conflicts(&self, transaction: &Transaction) -> bool {
        if transaction.reads.is_empty() || transaction.snapshot == self.head {
            return false;
        }
        if transaction.snapshot < self.floor || transaction.snapshot > self.head {
            return true;
        }
        transaction.reads.iter().any(|(start, end)| {
            let end = end.map_or(Bound::Unbounded, Bound::Excluded);
            self.newest
                .range::<[u8], _>((Bound::Included(start), end))
                .any(|(_, version)| *version > transaction.snapshot)
        })
    }

    /// Records a commit and gives its version. `keys` are the keys written, each once.
    pub fn push<K: AsRef<[u8]>>(&mut self, keys: &[K]) -> Version {
        self.head += 1;
        let keys: Vec<Arc<[u8]>> = keys.iter().map(|key| Arc::from(key.as_ref())).collect();
        for key in &keys {
            self.newest.insert(Arc::clone(key), self.head);
            self.bytes += key.len();
        }
        self.keys += keys.len();
        self.commits.push_back((self.head, keys));
        while self.keys > MAX_KEYS || self.bytes > MAX_BYTES || self.commits.len() > MAX_KEYS {
            self.forget_oldest();
        }
        self.head
    }

    /// Takes back every commit after `head`: they were checked but could not be made durable. Their numbers are
    /// given again, which is safe since no snapshot ever had them.
    pub fn rewind(&mut self, head: Version) {
        while self.commits.back().is_some_and(|(version, _)| *version > head) {
            if let Some((version, keys)) = self.commits.pop_back() {
                self.remove(version, &keys);
            }
        }
        self.head = head;
        // What the removed entries replaced is gone, so snapshots before `head` can no longer be checked.
        self.floor = head;
    }

    fn forget_oldest(&mut self) {
        if let Some((version, keys)) = self.commits.pop_front() {
            self.floor = version;
            self.remove(version, &keys);
        }
    }

    fn remove(&mut self, version: Version, keys: &[Arc<[u8]>]) {
        for key in keys {
            self.bytes -= key.len();
            if self.newest.get(key) == Some(&version) {
                self.newest.remove(key);
            }
        }
        self.keys -= keys.len();
    }
}
