//! A view: typed reads of one snapshot, each of them remembered for the commit.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::{Direction, Engine, Pair, Snapshot, Version};
use crate::error::StoreError;
use crate::key::{KeyBuf, KeyPart, KeyPrefix, Position};
use crate::open_reads::OpenRead;
use crate::range::{KeyRange, ReadSet, successor};
use crate::record::{Record, decode, entry_keys, index_prefix, row_key, table_prefix};
use crate::seen::Seen;

/// Typed reads of one consistent snapshot, which is taken at the first read: a view that reads nothing costs nothing.
/// What is read is remembered, and [`crate::Store::commit`] refuses changes decided on something that has changed
/// since. From the first read on a view holds a slot of the engine: keep it for one operation. The commit ends it;
/// reads after that give [`StoreError::SnapshotExpired`].
pub struct View {
    inner: Mutex<Inner>,
}

struct Inner {
    state: State,
    reads: ReadSet,
    seen: Seen,
}

enum State {
    /// Nothing has been read.
    Unread(Arc<dyn Engine>),
    Open(Box<dyn Snapshot>),
    /// The view has been committed.
    Ended,
}

impl View {
    pub(crate) fn new(engine: Arc<dyn Engine>) -> Self {
        Self { inner: Mutex::new(Inner { state: State::Unread(engine), reads: ReadSet::new(), seen: Seen::default() }) }
    }

    /// The last commit that the view holds. Takes the snapshot, if nothing has been read yet.
    ///
    /// # Errors
    /// As for a read.
    pub fn version(&self) -> Result<Version, StoreError> {
        Ok(self.inner().snapshot()?.version())
    }

    /// What has been read so far: what a commit would be checked against.
    pub fn reads(&self) -> ReadSet {
        self.inner().reads.clone()
    }

    /// Ends the view and gives what was read through it, and in which version. The engine's slot is free from here on,
    /// so that commits that wait for the disk don't keep others from reading. Where nothing was read, any version will
    /// do.
    pub(crate) fn end(&self) -> Result<(Version, ReadSet, Option<OpenRead>), StoreError> {
        let mut inner = self.inner();
        let (version, open) = match std::mem::replace(&mut inner.state, State::Ended) {
            State::Unread(_) => (0, None),
            State::Open(mut snapshot) => (snapshot.version(), snapshot.take_open_read()),
            State::Ended => return Err(StoreError::SnapshotExpired),
        };
        Ok((version, std::mem::take(&mut inner.reads), open))
    }

    /// The record with this key, if there is one.
    ///
    /// # Errors
    /// The engine's failure, or a row that doesn't decode.
    pub fn get<R: Record>(&self, key: &R::Key) -> Result<Option<R>, StoreError> {
        self.row(KeyBuf::new().push(key).as_bytes())
    }

    /// Whether there is a record with this key.
    ///
    /// # Errors
    /// The engine's failure.
    pub fn contains<R: Record>(&self, key: &R::Key) -> Result<bool, StoreError> {
        Ok(self.inner().get(&row_key::<R>(KeyBuf::new().push(key).as_bytes()))?.is_some())
    }

    /// Up to `limit` records whose keys begin with `prefix`, in ascending order of their keys, those after `after`
    /// only. Fewer than `limit` means that there are no more.
    ///
    /// # Errors
    /// The engine's failure, or a row that doesn't decode.
    pub fn scan<R: Record>(
        &self,
        prefix: &KeyPrefix,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<R>, StoreError> {
        self.scan_in::<R>(prefix, after, Direction::Ascending, limit)
    }

    /// As [`View::scan`], in descending order: the records below `after`.
    ///
    /// # Errors
    /// As [`View::scan`].
    pub fn scan_descending<R: Record>(
        &self,
        prefix: &KeyPrefix,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<R>, StoreError> {
        self.scan_in::<R>(prefix, after, Direction::Descending, limit)
    }

    /// Up to `limit` records with an entry under exactly `key` in the index `index`, in ascending order of their
    /// primary keys, those after the record with the key `after` only.
    ///
    /// # Errors
    /// The engine's failure, a row that doesn't decode, or [`StoreError::UnknownIndex`].
    pub fn by_index<R: Record>(
        &self,
        index: &str,
        key: impl Into<KeyBuf>,
        after: Option<&R::Key>,
        limit: usize,
    ) -> Result<Vec<R>, StoreError> {
        self.index_in(index, key.into(), after, Direction::Ascending, limit)
    }

    /// As [`View::by_index`], in descending order: the records below `after`.
    ///
    /// # Errors
    /// As [`View::by_index`].
    pub fn by_index_descending<R: Record>(
        &self,
        index: &str,
        key: impl Into<KeyBuf>,
        after: Option<&R::Key>,
        limit: usize,
    ) -> Result<Vec<R>, StoreError> {
        self.index_in(index, key.into(), after, Direction::Descending, limit)
    }

    /// Up to `limit` records in the order of the index, those whose index key begins with `prefix`, each with its
    /// place, from which a later call goes on. For indexes that order, such as by time; a record comes once for each
    /// of its entries.
    ///
    /// # Errors
    /// As [`View::by_index`].
    pub fn scan_index<R: Record>(
        &self,
        index: &str,
        prefix: &KeyPrefix,
        after: Option<&Position>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Position, R)>, StoreError> {
        let base = index_prefix::<R>(index)?;
        let entries = self.inner().scan_below(&base, prefix.as_bytes(), after, direction, limit)?;
        let mut found = Vec::with_capacity(entries.len());
        for (key, primary) in entries {
            let below = key[base.len()..].to_vec();
            found.push((Position { above: Some(successor(&below)), below }, self.indexed(&primary)?));
        }
        Ok(found)
    }

    fn scan_in<R: Record>(
        &self,
        prefix: &KeyPrefix,
        after: Option<&Position>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<R>, StoreError> {
        let rows = self.inner().scan_below(&table_prefix::<R>(), prefix.as_bytes(), after, direction, limit)?;
        rows.iter().map(|(_, value)| decode(value)).collect()
    }

    fn index_in<R: Record>(
        &self,
        index: &str,
        key: KeyBuf,
        after: Option<&R::Key>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<R>, StoreError> {
        let base = index_prefix::<R>(index)?;
        let after = after.map(|primary| Position::after(Appended(&key, primary)));
        let entries = self.inner().scan_below(&base, key.as_bytes(), after.as_ref(), direction, limit)?;
        entries.iter().map(|(_, primary)| self.indexed(primary)).collect()
    }

    fn indexed<R: Record>(&self, primary: &[u8]) -> Result<R, StoreError> {
        self.row(primary)?
            .ok_or_else(|| StoreError::Corrupt(format!("an index of table {} names a row that is gone", R::TABLE)))
    }

    fn row<R: Record>(&self, primary: &[u8]) -> Result<Option<R>, StoreError> {
        let value = self.inner().get(&row_key::<R>(primary))?;
        value.map(|value| decode(&value)).transpose()
    }

    /// The index entries of the row as it is stored.
    pub(crate) fn stored_entries<R: Record>(&self, primary: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        self.row::<R>(primary)?.map_or(Ok(Vec::new()), |old| entry_keys(&old, primary))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Appended<'a, K>(&'a KeyBuf, &'a K);

impl<K: KeyPart> KeyPart for Appended<'_, K> {
    fn push_to(&self, key: &mut KeyBuf) {
        key.extend(self.0);
        self.1.push_to(key);
    }
}

impl Inner {
    /// The snapshot, which is taken now if nothing has been read before.
    fn snapshot(&mut self) -> Result<&dyn Snapshot, StoreError> {
        if let State::Unread(engine) = &self.state {
            self.state = State::Open(engine.snapshot()?);
        }
        match &self.state {
            State::Open(snapshot) => Ok(&**snapshot),
            State::Unread(_) | State::Ended => Err(StoreError::SnapshotExpired),
        }
    }

    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if let (State::Open(_), Some(value)) = (&self.state, self.seen.find(key)) {
            return Ok(value.clone());
        }
        self.reads.add_key(key);
        let value = self.snapshot()?.get(key)?;
        self.seen.keep(key, &value);
        Ok(value)
    }

    /// Scans the keys that begin with `base` and `prefix`, beyond `after`, which is relative to `base`.
    fn scan_below(
        &mut self,
        base: &[u8],
        prefix: &[u8],
        after: Option<&Position>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        let mut range = KeyRange::prefix(&[base, prefix].concat());
        match (after, direction) {
            (None, _) => {}
            (Some(Position { above: None, .. }), Direction::Ascending) => return Ok(Vec::new()),
            (Some(Position { above: Some(above), .. }), Direction::Ascending) => {
                range.start = range.start.max([base, above].concat());
            }
            (Some(Position { below, .. }), Direction::Descending) => {
                let below = [base, below].concat();
                range.end = Some(range.end.map_or(below.clone(), |end| end.min(below)));
            }
        }
        if limit == 0 || range.is_empty() {
            return Ok(Vec::new());
        }
        let pairs = self.snapshot()?.scan(range.clone(), direction, limit)?;
        // A scan that stopped at its limit has read no further than its last pair.
        if pairs.len() >= limit
            && let Some((last, _)) = pairs.last()
        {
            match direction {
                Direction::Ascending => range.end = Some(successor(last)),
                Direction::Descending => range.start.clone_from(last),
            }
        }
        self.reads.add_range(range);
        Ok(pairs)
    }
}
