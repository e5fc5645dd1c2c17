//! What has been committed lately, by this process and by others: conflicts are found in it, and watches woken by it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use store::{CommitLog, OpenReads, StoreError, Transaction, Version, Watchers};
use tokio_postgres::Row;

use crate::schema::{column, version};

/// What [`Feed::apply`] takes: the batches after `$1`, the oldest first. A process that is further behind than the limit
/// takes it for a gap.
pub(crate) const SINCE: &str =
    "SELECT first, last, batch, keys FROM welkin.commits WHERE last > $1 ORDER BY last LIMIT 2000";
/// The last commit, and up to where [`SINCE`] has been pruned.
pub(crate) const HEAD: &str = "SELECT version, pruned FROM welkin.head";

/// One row of `commits`: transactions that were committed together.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) first: Version,
    pub(crate) last: Version,
    pub(crate) id: Vec<u8>,
    keys: Vec<Vec<u8>>,
}

impl Batch {
    pub(crate) fn from_row(row: &Row) -> Result<Self, StoreError> {
        let keys = decode(column(row, 3)?).ok_or_else(|| StoreError::Corrupt("the keys of a commit".to_owned()))?;
        Ok(Self { first: version(row, 0)?, last: version(row, 1)?, id: column::<&[u8]>(row, 2)?.to_vec(), keys })
    }
}

/// The log and the watches of an engine.
pub(crate) struct Feed {
    log: Mutex<CommitLog>,
    pub(crate) watchers: Watchers,
}

impl Feed {
    /// A feed that knows nothing before `head`.
    pub(crate) fn new(head: Version) -> Self {
        Self { log: Mutex::new(CommitLog::new(head)), watchers: Watchers::default() }
    }

    /// The last commit that it knows.
    pub(crate) fn head(&self) -> Version {
        self.log().head()
    }

    /// Where a snapshot is entered that a commit may follow.
    pub(crate) fn open_reads(&self) -> OpenReads {
        self.log().open_reads().clone()
    }

    /// Whether the transaction conflicts with what is known.
    pub(crate) fn conflicts(&self, transaction: &Transaction) -> bool {
        self.log().conflicts(transaction)
    }

    /// Takes in what was read from the database: `batches` after some commit, and the last commit there was when they
    /// were read. Where some are missing, all that was known is forgotten and every watch wakes.
    pub(crate) fn apply(&self, batches: &[Batch], head: Version) {
        let mut log = self.log();
        for batch in batches {
            if batch.last <= log.head() {
                continue;
            }
            if batch.first != log.head() + 1 {
                break;
            }
            push(&mut log, batch.first, batch.last, &batch.keys);
            self.watchers.wake(batch.last, &batch.keys);
        }
        if log.head() < head {
            tracing::debug!(known = log.head(), head, "commits of others were missed; everything is looked at again");
            log.restart(head);
            self.watchers.wake_all(head);
        }
    }

    /// As [`Feed::apply`] while nobody else can commit: then a last commit before the one known means that the database
    /// is not the one that it was.
    pub(crate) fn apply_locked(&self, batches: &[Batch], head: Version) {
        if head < self.head() {
            tracing::warn!(known = self.head(), head, "the database has gone back in time, as after a restore");
            self.log().restart(head);
            self.watchers.wake_all(head);
            return;
        }
        self.apply(batches, head);
    }

    /// Takes in a batch of this process's own. `keys` are in ascending order.
    pub(crate) fn own(&self, first: Version, last: Version, keys: &[Vec<u8>]) {
        let mut log = self.log();
        // The listener may have been quicker.
        if log.head() + 1 == first {
            push(&mut log, first, last, keys);
            self.watchers.wake(last, keys);
        }
    }

    fn log(&self) -> MutexGuard<'_, CommitLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// No snapshot lies within a batch, so all its keys may count as the first transaction's.
fn push(log: &mut CommitLog, first: Version, last: Version, keys: &[Vec<u8>]) {
    log.push(keys);
    for _ in first..last {
        log.push::<Vec<u8>>(&[]);
    }
}

/// Keys as one value: each after its length.
pub(crate) fn encode(keys: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(keys.iter().map(|key| key.len() + 4).sum());
    for key in keys {
        bytes.extend_from_slice(&u32::try_from(key.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(key);
    }
    bytes
}

fn decode(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut keys = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let (key, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        keys.push(key.to_vec());
        bytes = rest;
    }
    bytes.is_empty().then_some(keys)
}

#[cfg(test)]
mod tests {
    use store::{KeyRange, ReadSet, Transaction};

    use super::{Batch, Feed, decode, encode};

    fn batch(first: u64, last: u64, keys: &[&str]) -> Batch {
        Batch { first, last, id: Vec::new(), keys: keys.iter().map(|key| key.as_bytes().to_vec()).collect() }
    }

    fn read_at(snapshot: u64, key: &str) -> Transaction {
        let mut reads = ReadSet::new();
        reads.add_range(KeyRange::point(key.as_bytes()));
        Transaction { snapshot, reads, writes: Vec::new() }
    }

    #[test]
    fn batches_of_others_conflict_and_wake() {
        let feed = Feed::new(4);
        let (own, other) = (feed.watchers.watch(b"a"), feed.watchers.watch(b"b"));
        feed.apply(&[batch(5, 7, &["a"])], 7);
        assert_eq!(feed.head(), 7);
        assert!(own.is_changed() && !other.is_changed());
        assert!(feed.conflicts(&read_at(4, "a")) && !feed.conflicts(&read_at(7, "a")));
        assert!(!feed.conflicts(&read_at(4, "b")));
        // Read once more, or read before this process's own commit was known: nothing happens.
        feed.own(8, 8, &[b"c".to_vec()]);
        feed.apply(&[batch(5, 7, &["a"])], 7);
        assert_eq!(feed.head(), 8);
    }

    #[test]
    fn a_gap_wakes_everybody_and_refuses_what_it_can_not_judge() {
        let feed = Feed::new(4);
        let other = feed.watchers.watch(b"b");
        feed.apply(&[batch(9, 9, &["a"])], 9);
        assert_eq!(feed.head(), 9);
        assert!(other.is_changed());
        assert!(feed.conflicts(&read_at(8, "untouched")));
        feed.apply_locked(&[], 2);
        assert_eq!(feed.head(), 2);
    }

    #[test]
    fn keys_are_kept_whole() {
        for keys in [vec![], vec![vec![]], vec![b"a".to_vec(), vec![0; 8192]]] {
            assert_eq!(decode(&encode(&keys)), Some(keys));
        }
        assert_eq!(decode(&[0, 0, 0, 2, 1]), None);
        assert_eq!(decode(&[0, 0]), None);
    }
}
