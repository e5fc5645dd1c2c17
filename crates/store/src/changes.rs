//! Changes: typed writes, collected by an operation and committed together.

use std::collections::BTreeMap;

use crate::engine::Write;
use crate::error::StoreError;
use crate::key::KeyBuf;
use crate::record::{Record, encode, entry_keys, row_key};
use crate::view::View;

/// Puts and deletes of records of any tables. Of several changes to one record the last one holds.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    rows: BTreeMap<Vec<u8>, Row>,
}

#[derive(Debug, Clone)]
struct Row {
    /// The primary key.
    primary: Vec<u8>,
    /// The stored value, or `None` to delete.
    value: Option<Vec<u8>>,
    /// The keys of the new record's index entries.
    entries: Vec<Vec<u8>>,
    /// Finds the entries that the row has now; `None` where the table has no index.
    stored_entries: Option<StoredEntries>,
}

type StoredEntries = fn(&View, &[u8]) -> Result<Vec<Vec<u8>>, StoreError>;

impl Changes {
    /// No changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes `record`, whether or not there is one with its key.
    ///
    /// # Errors
    /// [`StoreError::Shape`] when it has no JSON form; [`StoreError::UnknownIndex`] when one of its entries names an
    /// index that the type doesn't list.
    pub fn put<R: Record>(&mut self, record: &R) -> Result<(), StoreError> {
        let primary = KeyBuf::from(record.key()).into_bytes();
        let entries = entry_keys(record, &primary)?;
        self.insert::<R>(primary, Some(encode(record)?), entries);
        Ok(())
    }

    /// Deletes the record with this key, if there is one.
    pub fn delete<R: Record>(&mut self, key: &R::Key) {
        self.insert::<R>(KeyBuf::new().push(key).into_bytes(), None, Vec::new());
    }

    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many records are put or deleted.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds the changes of `other`; where both change one record, those of `other` hold.
    pub fn merge(&mut self, other: Self) {
        self.rows.extend(other.rows);
    }

    fn insert<R: Record>(&mut self, primary: Vec<u8>, value: Option<Vec<u8>>, entries: Vec<Vec<u8>>) {
        let stored_entries = (!R::INDEXES.is_empty()).then_some(View::stored_entries::<R> as StoredEntries);
        self.rows.insert(row_key::<R>(&primary), Row { primary, value, entries, stored_entries });
    }

    /// Whether the old records must be read, to take them out of their indexes.
    pub(crate) fn needs_view(&self) -> bool {
        self.rows.values().any(|row| row.stored_entries.is_some())
    }

    /// The writes, index entries included. Reads old records through `view`, where there are indexes.
    pub(crate) fn writes(&self, view: Option<&View>) -> Result<Vec<Write>, StoreError> {
        let mut writes = BTreeMap::new();
        for (key, row) in &self.rows {
            if let (Some(stored_entries), Some(view)) = (row.stored_entries, view) {
                for entry in stored_entries(view, &row.primary)? {
                    writes.insert(entry, None);
                }
            }
            for entry in &row.entries {
                writes.insert(entry.clone(), Some(row.primary.clone()));
            }
            writes.insert(key.clone(), row.value.clone());
        }
        Ok(writes.into_iter().collect())
    }
}
