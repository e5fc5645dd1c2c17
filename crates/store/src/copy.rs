//! Copying everything from one engine to another, whichever they are.
//!
//! A copy under way has a mark in its target, which goes away when all of it has been compared: a target with the mark
//! is not a store yet, [`Store::require_whole`] says so, and the next copy to it begins anew.

use std::io;

use crate::engine::{Direction, Engine, Pair, Snapshot, Transaction, Write};
use crate::error::{CommitError, StoreError};
use crate::limits::{MAX_TRANSACTION, MAX_WRITES};
use crate::range::{KeyRange, ReadSet, successor};
use crate::store::Store;

/// The mark. Its key is below all keys of tables, indexes and markers.
const MARK: &[u8] = b"c/copying";
/// Pairs that are read at once at most.
const STEP: usize = 1000;
/// Bytes that one transaction writes, but for a last large value.
const BATCH_BYTES: usize = MAX_TRANSACTION / 8;

/// Why a copy did not come about.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The target has something in it.
    #[error("the target is not empty: it has {0} keys or more, and a copy needs an empty one")]
    NotEmpty(usize),
    /// What was written is not what is read back.
    #[error("the copy differs from what was copied at key {0}")]
    Differs(String),
    /// The source can't be read.
    #[error("the source cannot be read")]
    Source(#[source] StoreError),
    /// The target can't be read or written.
    #[error("the target cannot be written")]
    Target(#[source] CommitError),
    /// All is copied, but what had to follow could not be done.
    #[error("the copy cannot be put to use")]
    Unsettled(#[source] io::Error),
}

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Keys.
    pub pairs: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}

/// Copies one snapshot of `from` to `to`, which must be empty or have the mark of a copy that was broken off; then reads
/// both and compares every byte. Commits to `from` after the call has begun are not in the copy.
///
/// # Errors
/// See [`CopyError`]. The target then has the mark, and nothing else is to be done with it but the copy again.
pub async fn copy_all(from: &dyn Engine, to: &dyn Engine) -> Result<Copied, CopyError> {
    copy_all_and(from, to, || Ok(())).await
}

/// As [`copy_all`], and does `settle` when all is compared and the target still has its mark: whatever must be true once
/// the target is a store. If the process ends in it, the next copy begins anew.
///
/// # Errors
/// As [`copy_all`], and [`CopyError::Unsettled`].
pub async fn copy_all_and(
    from: &dyn Engine,
    to: &dyn Engine,
    settle: impl FnOnce() -> io::Result<()>,
) -> Result<Copied, CopyError> {
    let mut source = Walk::of(from, CopyError::Source)?;
    if source.snapshot.get(MARK).map_err(CopyError::Source)?.is_some() {
        return Err(CopyError::Source(StoreError::Unfinished));
    }
    clear(to).await?;
    write(to, vec![(MARK.to_vec(), Some(Vec::new()))]).await?;
    let mut copied = Copied::default();
    loop {
        let pairs = source.step().map_err(CopyError::Source)?;
        if pairs.is_empty() {
            break;
        }
        copied.pairs += pairs.len() as u64;
        let mut batch = Vec::with_capacity(pairs.len());
        let mut size = 0;
        for (key, value) in pairs {
            size += key.len() + value.len();
            copied.bytes += (key.len() + value.len()) as u64;
            batch.push((key, Some(value)));
            if size >= BATCH_BYTES || batch.len() >= MAX_WRITES {
                write(to, std::mem::take(&mut batch)).await?;
                size = 0;
            }
        }
        write(to, batch).await?;
    }
    source.rewind();
    compare(source, to)?;
    settle().map_err(CopyError::Unsettled)?;
    write(to, vec![(MARK.to_vec(), None)]).await?;
    Ok(copied)
}

impl Store {
    /// Whether this is a store, and not a copy that was broken off. A program asks before it serves.
    ///
    /// # Errors
    /// [`StoreError::Unfinished`], or the engine's failure.
    pub fn require_whole(&self) -> Result<(), StoreError> {
        match self.engine.snapshot()?.get(MARK)? {
            Some(_) => Err(StoreError::Unfinished),
            None => Ok(()),
        }
    }
}

/// All pairs of a snapshot, some at a time.
struct Walk {
    snapshot: Box<dyn Snapshot>,
    next: Vec<u8>,
    limit: usize,
}

impl Walk {
    fn of(engine: &dyn Engine, failed: fn(StoreError) -> CopyError) -> Result<Self, CopyError> {
        Ok(Self { snapshot: engine.long_snapshot().map_err(failed)?, next: Vec::new(), limit: STEP })
    }

    /// The next pairs; none at the end.
    fn step(&mut self) -> Result<Vec<Pair>, StoreError> {
        let range = KeyRange { start: self.next.clone(), end: None };
        let pairs = self.snapshot.scan(range, Direction::Ascending, self.limit)?;
        if let Some((last, _)) = pairs.last() {
            self.next = successor(last);
        }
        let size: usize = pairs.iter().map(|(key, value)| key.len() + value.len()).sum();
        // Rows may have 4 MiB: so many of them at once would not be held in memory.
        self.limit = if size > BATCH_BYTES { (self.limit / 2).max(1) } else { (self.limit * 2).min(STEP) };
        Ok(pairs)
    }

    fn rewind(&mut self) {
        self.next = Vec::new();
    }
}

/// Empties a target that has the mark; refuses one that has anything else.
async fn clear(to: &dyn Engine) -> Result<(), CopyError> {
    let read = |error| CopyError::Target(CommitError::Store(error));
    let found = to.snapshot().and_then(|snapshot| snapshot.scan(KeyRange::all(), Direction::Ascending, STEP));
    let found = found.map_err(read)?;
    if found.is_empty() {
        return Ok(());
    }
    if !found.iter().any(|(key, _)| key == MARK) {
        return Err(CopyError::NotEmpty(found.len()));
    }
    loop {
        // The mark goes last, with the last of the others.
        let scanned = to.snapshot().and_then(|snapshot| snapshot.scan(KeyRange::all(), Direction::Ascending, STEP));
        let keys: Vec<Write> = scanned.map_err(read)?.into_iter().map(|(key, _)| (key, None)).collect();
        let is_last = keys.len() < STEP;
        write(to, keys.into_iter().filter(|(key, _)| is_last || key != MARK).collect()).await?;
        if is_last {
            return Ok(());
        }
    }
}

/// Compares what the source has with what is in the target, the mark aside.
fn compare(mut source: Walk, to: &dyn Engine) -> Result<(), CopyError> {
    let read = |error| CopyError::Target(CommitError::Store(error));
    let mut target = Walk::of(to, |error| CopyError::Target(CommitError::Store(error)))?;
    let (mut wanted, mut found) = (Vec::new().into_iter(), Vec::new().into_iter());
    loop {
        if wanted.len() == 0 {
            wanted = source.step().map_err(CopyError::Source)?.into_iter();
        }
        if found.len() == 0 {
            let mut pairs = target.step().map_err(read)?;
            pairs.retain(|(key, _)| key != MARK);
            // A step of nothing but the mark is not the end.
            if pairs.is_empty() {
                pairs = target.step().map_err(read)?;
            }
            found = pairs.into_iter();
        }
        match (wanted.next(), found.next()) {
            (None, None) => return Ok(()),
            (one, other) if one == other => {}
            (one, other) => {
                let (key, _) = one.or(other).unwrap_or_default();
                return Err(CopyError::Differs(key.escape_ascii().to_string()));
            }
        }
    }
}

async fn write(to: &dyn Engine, writes: Vec<Write>) -> Result<(), CopyError> {
    if writes.is_empty() {
        return Ok(());
    }
    let transaction = Transaction { snapshot: 0, reads: ReadSet::new(), writes };
    to.commit(transaction).await.map(drop).map_err(CopyError::Target)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::{Copied, CopyError, MARK, STEP, copy_all, copy_all_and};
    use crate::conformance::{commit, put, wait};
    use crate::engine::{BoxFuture, Direction, Engine, Pair, Snapshot, Transaction, Version};
    use crate::error::{CommitError, StoreError};
    use crate::memory::Memory;
    use crate::range::KeyRange;
    use crate::store::Store;
    use crate::watch::Watch;

    fn filled() -> Memory {
        let memory = Memory::new();
        for number in 0..STEP * 2 + 7 {
            commit(&memory, [put(format!("t/{number:05}"), vec![7; number % 300])]);
        }
        for number in 0..5u8 {
            commit(&memory, [put([b'z', number], vec![number; crate::limits::MAX_VALUE])]);
        }
        memory
    }

    fn all(engine: &dyn Engine) -> Vec<Pair> {
        engine.snapshot().unwrap().scan(KeyRange::all(), Direction::Ascending, usize::MAX).unwrap()
    }

    /// Fails or forgets after so many commits.
    struct Broken {
        inner: Memory,
        left: AtomicUsize,
        forgets: bool,
    }

    impl Engine for Broken {
        fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
            self.inner.snapshot()
        }

        fn commit(&self, transaction: Transaction) -> BoxFuture<'static, Result<Version, CommitError>> {
            let is_broken =
                self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err();
            match (is_broken, self.forgets) {
                (false, _) => self.inner.commit(transaction),
                (true, true) => Box::pin(async { Ok(1) }),
                (true, false) => Box::pin(async { Err(StoreError::Full.into()) }),
            }
        }

        fn watch(&self, prefix: &[u8]) -> Watch {
            self.inner.watch(prefix)
        }
    }

    #[test]
    fn a_copy_has_every_byte_and_nothing_more() {
        let (from, to) = (filled(), Memory::new());
        let copied = wait(copy_all(&from, &to)).unwrap();
        assert_eq!(all(&to), all(&from));
        assert_eq!(copied.pairs, (STEP * 2 + 12) as u64);
        assert_eq!(wait(copy_all(&Memory::new(), &Memory::new())).unwrap(), Copied::default());
        let refused = wait(copy_all(&from, &to));
        assert!(matches!(refused, Err(CopyError::NotEmpty(_))), "{refused:?}");
        assert_eq!(all(&to), all(&from), "a refusal changes nothing");
    }

    #[test]
    fn a_copy_that_was_broken_off_anywhere_is_no_store_and_is_made_anew() {
        let from = filled();
        for commits in 1..8 {
            let to = Broken { inner: Memory::new(), left: commits.into(), forgets: false };
            let failed = wait(copy_all(&from, &to));
            assert!(matches!(failed, Err(CopyError::Target(CommitError::Store(StoreError::Full)))), "{failed:?}");
            let store = Store::new(to.inner.clone());
            assert!(matches!(store.require_whole(), Err(StoreError::Unfinished)));
            let onwards = wait(copy_all(&to.inner, &Memory::new()));
            assert!(matches!(onwards, Err(CopyError::Source(StoreError::Unfinished))), "{onwards:?}");
            commit(&to.inner, [put("t/left over", "from another source")]);
            wait(copy_all(&from, &to.inner)).unwrap();
            assert_eq!(all(&to.inner), all(&from));
            store.require_whole().unwrap();
        }
    }

    #[test]
    fn what_must_follow_is_done_before_the_target_is_a_store() {
        let (from, to) = (filled(), Memory::new());
        let failed = wait(copy_all_and(&from, &to, || Err(std::io::ErrorKind::PermissionDenied.into())));
        assert!(matches!(failed, Err(CopyError::Unsettled(_))), "{failed:?}");
        let store = Store::new(to.clone());
        assert!(matches!(store.require_whole(), Err(StoreError::Unfinished)));
        let seen = || {
            assert!(matches!(store.require_whole(), Err(StoreError::Unfinished)));
            Ok(())
        };
        wait(copy_all_and(&from, &to, seen)).unwrap();
        store.require_whole().unwrap();
        assert_eq!(all(&to), all(&from));
    }

    #[test]
    fn a_target_that_loses_something_is_found_out() {
        let to = Broken { inner: Memory::new(), left: 2.into(), forgets: true };
        let outcome = wait(copy_all(&filled(), &to));
        assert!(matches!(outcome, Err(CopyError::Differs(_))), "{outcome:?}");
        assert!(to.inner.snapshot().unwrap().get(MARK).unwrap().is_some());
    }
}
