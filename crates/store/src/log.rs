//! Which keys were written lately, and by which commit: what optimistic transactions are checked against.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use crate::engine::{Transaction, Version};
use crate::open_reads::OpenReads;

/// Bytes that a log takes at most; older commits are forgotten, whoever needs them.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Bytes that it takes whether anybody needs them or not: a snapshot is entered a moment after it was taken, and what
/// was committed meanwhile must still be known.
const KEPT_BYTES: usize = 1024 * 1024;
/// What a key takes beside its own bytes, and a commit beside its keys, measured with glibc's allocator: a counted
/// pointer and its block's head, an entry of a tree whose nodes are two thirds full, a pointer in the commit.
const KEY_BYTES: usize = 128;
const COMMIT_BYTES: usize = 64;

/// The recently written keys: those that a commit may still be checked against, and few more. A transaction whose
/// snapshot is older than what the log remembers conflicts, since nobody can say that it doesn't.
#[derive(Debug)]
pub struct CommitLog {
    newest: BTreeMap<Arc<[u8]>, Version>,
    commits: VecDeque<(Version, Vec<Arc<[u8]>>)>,
    /// Snapshots from this version on can be checked.
    floor: Version,
    head: Version,
    bytes: usize,
    open: OpenReads,
}

impl CommitLog {
    /// A log of an engine whose last commit is `head`.
    pub fn new(head: Version) -> Self {
        let (newest, commits, open) = Default::default();
        Self { newest, commits, floor: head, head, bytes: 0, open }
    }

    /// Forgets everything and begins anew at `head`. Who is entered in [`CommitLog::open_reads`] stays so.
    pub fn restart(&mut self, head: Version) {
        *self = Self { open: self.open.clone(), ..Self::new(head) };
    }

    /// Where a snapshot is entered whose reader may commit. What is written after the oldest of them is remembered, as
    /// far as the log's bound allows.
    pub fn open_reads(&self) -> &OpenReads {
        &self.open
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
        self.bytes += cost(&keys);
        for key in &keys {
            self.newest.insert(Arc::clone(key), self.head);
        }
        self.commits.push_back((self.head, keys));
        if self.bytes > KEPT_BYTES {
            let needed = self.open.oldest().unwrap_or(self.head);
            while self.bytes > MAX_BYTES || (self.bytes > KEPT_BYTES && self.is_oldest_known_at(needed)) {
                self.forget_oldest();
            }
        }
        self.head
    }

    /// Whether a snapshot at `version` holds the oldest commit that is remembered.
    fn is_oldest_known_at(&self, version: Version) -> bool {
        self.commits.front().is_some_and(|(oldest, _)| *oldest <= version)
    }

    fn forget_oldest(&mut self) {
        if let Some((version, keys)) = self.commits.pop_front() {
            self.floor = version;
            for key in &keys {
                if self.newest.get(key) == Some(&version) {
                    self.newest.remove(key);
                }
            }
            self.bytes -= cost(&keys);
        }
    }
}

/// The bytes that a commit of these keys takes.
fn cost(keys: &[Arc<[u8]>]) -> usize {
    keys.iter().map(|key| key.len() + KEY_BYTES).sum::<usize>() + COMMIT_BYTES
}

#[cfg(test)]
mod tests {
    use super::{COMMIT_BYTES, CommitLog, KEPT_BYTES, KEY_BYTES, MAX_BYTES};
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

    /// How many commits of one key of eight bytes fit into `bytes`.
    fn fitting(bytes: usize) -> usize {
        bytes / (8 + KEY_BYTES + COMMIT_BYTES)
    }

    fn fill(log: &mut CommitLog, commits: usize) {
        for number in 0..commits {
            log.push(&[number.to_be_bytes()]);
        }
    }

    #[test]
    fn what_was_forgotten_conflicts() {
        let mut log = CommitLog::new(0);
        let first = log.push(&[*b"thefirst"]);
        fill(&mut log, fitting(KEPT_BYTES));
        assert!(log.conflicts(&read_at(0, KeyRange::point(b"untouched"))), "commit {first} is forgotten");
        assert!(!log.conflicts(&read_at(first, KeyRange::point(b"untouched"))));
    }

    #[test]
    fn what_nobody_reads_is_not_kept_however_many_commits_there_were() {
        let mut log = CommitLog::new(0);
        fill(&mut log, 10 * fitting(MAX_BYTES));
        let kept = (log.newest.len(), log.commits.len());
        assert_eq!(kept, (fitting(KEPT_BYTES), fitting(KEPT_BYTES)));
        // Commits that wrote nothing are not free either.
        for _ in 0..10 * KEPT_BYTES / COMMIT_BYTES {
            log.push::<Vec<u8>>(&[]);
        }
        assert_eq!((log.newest.len(), log.commits.len()), (0, KEPT_BYTES / COMMIT_BYTES));
    }

    #[test]
    fn what_an_open_snapshot_may_be_checked_against_is_kept_up_to_the_bound() {
        let mut log = CommitLog::new(0);
        let read = log.open_reads().enter(0);
        fill(&mut log, fitting(MAX_BYTES));
        assert!(!log.conflicts(&read_at(0, KeyRange::point(b"untouched"))), "everything since is known");
        fill(&mut log, fitting(MAX_BYTES));
        assert!(log.conflicts(&read_at(0, KeyRange::point(b"untouched"))), "memory is bounded all the same");
        assert_eq!(log.newest.len(), fitting(MAX_BYTES));
        drop(read);
        log.push(&[b"the next"]);
        assert_eq!(log.newest.len(), fitting(KEPT_BYTES));
    }

    #[test]
    fn who_is_entered_stays_so_when_the_log_begins_anew() {
        let mut log = CommitLog::new(0);
        let read = log.open_reads().enter(9);
        log.restart(9);
        fill(&mut log, 2 * fitting(KEPT_BYTES));
        assert!(!log.conflicts(&read_at(9, KeyRange::point(b"untouched"))));
        drop(read);
    }
}
