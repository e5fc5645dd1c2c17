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

    fn forget_oldest(&mut self) {
        if let Some((version, keys)) = self.commits.pop_front() {
            self.floor = version;
            for key in &keys {
                self.bytes -= key.len();
                if self.newest.get(key) == Some(&version) {
                    self.newest.remove(key);
                }
            }
            self.keys -= keys.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CommitLog, MAX_KEYS};
    use crate::engine::Transaction;
    use crate::range::{KeyRange, ReadSet};

    fn read_at(snapshot: u64, range: KeyRange) -> Transaction {
        let mut reads = ReadSet::new();
        reads.add_range(range);
        Transaction { snapshot, reads, writes: Vec::new() }
    }

    #[test]
    fn only_later_writes_of_what_was_read_conflict() {
        let mut log = CommitLog::new(7);
        assert_eq!(log.push(&[b"a", b"m"]), 8);
        assert_eq!(log.push(&[b"z"]), 9);
        let cases = [
            (7, KeyRange::point(b"a"), true),
            (8, KeyRange::point(b"a"), false),
            (8, KeyRange::point(b"z"), true),
            (7, KeyRange::between("b", "m"), false),
            (7, KeyRange::between("b", "n"), true),
            (8, KeyRange::between("a", "y"), false),
            (8, KeyRange::all(), true),
            (9, KeyRange::all(), false),
            (6, KeyRange::point(b"never written"), true),
            (10, KeyRange::point(b"never written"), true),
        ];
        for (snapshot, range, conflicts) in cases {
            assert_eq!(log.conflicts(&read_at(snapshot, range.clone())), conflicts, "{snapshot} {range:?}");
        }
        assert!(!log.conflicts(&Transaction::default()), "nothing read, nothing to conflict with");
    }

    #[test]
    fn what_was_forgotten_conflicts_and_memory_is_bounded() {
        let mut log = CommitLog::new(0);
        let first = log.push(&[b"first".to_vec()]);
        for number in 0..MAX_KEYS {
            log.push(&[number.to_be_bytes()]);
        }
        assert!(log.conflicts(&read_at(0, KeyRange::point(b"untouched"))), "commit {first} is forgotten");
        assert!(!log.conflicts(&read_at(first, KeyRange::point(b"untouched"))));
        assert_eq!(log.newest.len(), MAX_KEYS);
    }
}
