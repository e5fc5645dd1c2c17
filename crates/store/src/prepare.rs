//! Bringing a table to the shape and the indexes of this program, once, when the program starts.
//!
//! The row `m/<table>` says which shape version and which indexes a table was last brought to.

use serde::{Deserialize, Serialize};

use crate::changes::Changes;
use crate::engine::{Direction, Version, Write};
use crate::error::{CommitError, StoreError};
use crate::range::{KeyRange, ReadSet, successor};
use crate::record::{Record, decode, table_prefix};
use crate::store::Store;
use crate::view::View;

/// Index entries cleared in one transaction.
const CLEARED: usize = 1000;
/// Rows written in one transaction, as long as they aren't too large together.
const ROWS: usize = 64;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Marker {
    version: u16,
    indexes: Vec<String>,
}

/// A table, without the type of its records: what follows is compiled once, and not for each.
struct Table {
    name: &'static str,
    version: u16,
    indexes: &'static [&'static str],
    rows: KeyRange,
    /// Puts a row again, if it is still there, out of the bytes of some version of it.
    again: fn(&View, &[u8], &mut Changes) -> Result<(), StoreError>,
}

impl Table {
    fn of<R: Record>() -> Self {
        let rows = KeyRange::prefix(&table_prefix::<R>());
        Self { name: R::TABLE, version: R::VERSION, indexes: R::INDEXES, rows, again: again::<R> }
    }
}

fn again<R: Record>(view: &View, value: &[u8], changes: &mut Changes) -> Result<(), StoreError> {
    let row: R = decode(value)?;
    // Read again through the view, so that whoever writes it meanwhile conflicts with this.
    match view.get::<R>(&row.key())? {
        Some(row) => changes.put(&row).map(drop),
        None => Ok(()),
    }
}

impl Store {
    /// Rewrites every row of a table in the present shape, and its indexes, when the table was last brought to
    /// another shape version or other indexes than the record type has now; otherwise reads one key. A program does
    /// this for each of its tables before it serves: an index that is new would lack the rows that were there before.
    /// To change what an existing index holds, raise `VERSION`. May be broken off anywhere and is then done again.
    /// Gives whether the table was rewritten.
    ///
    /// # Errors
    /// [`StoreError::NewerShape`] when a newer program has had the table; a row that doesn't migrate; the engine's
    /// failure.
    pub async fn prepare<R: Record>(&self) -> Result<bool, CommitError> {
        self.prepare_table(&Table::of::<R>()).await
    }

    async fn prepare_table(&self, table: &Table) -> Result<bool, CommitError> {
        let key = [b"m/", table.name.as_bytes()].concat();
        let wanted =
            Marker { version: table.version, indexes: table.indexes.iter().map(|index| (*index).to_owned()).collect() };
        if let Some(stored) = self.engine.snapshot()?.get(&key)? {
            let found: Marker = serde_json::from_slice(&stored)
                .map_err(|_| StoreError::Corrupt(format!("the marker of table {} is not one", table.name)))?;
            if found == wanted {
                return Ok(false);
            }
            if found.version > wanted.version {
                let version = found.version.into();
                return Err(StoreError::NewerShape { table: table.name, version, known: table.version }.into());
            }
        }
        self.clear_indexes(table.name).await?;
        self.rewrite(table).await?;
        let marker = serde_json::to_vec(&wanted).map_err(|cause| StoreError::engine("write a marker", cause))?;
        self.write(vec![(key, Some(marker))]).await?;
        Ok(true)
    }

    async fn clear_indexes(&self, table: &str) -> Result<(), CommitError> {
        let base = format!("i/{table}/").into_bytes();
        let mut range = KeyRange::prefix(&base);
        loop {
            let entries = self.engine.snapshot()?.scan(range.clone(), Direction::Ascending, CLEARED)?;
            let Some((last, _)) = entries.last() else { return Ok(()) };
            range.start = successor(last);
            // Tables named below this one, such as `a/b` below `a`, have a slash before the name ends.
            let is_own = |key: &[u8]| key[base.len()..].iter().find(|byte| matches!(byte, 0 | b'/')) == Some(&0);
            let own = entries.into_iter().filter(|(key, _)| is_own(key)).map(|(key, _)| (key, None)).collect();
            self.write(own).await?;
        }
    }

    async fn rewrite(&self, table: &Table) -> Result<(), CommitError> {
        let mut range = table.rows.clone();
        let mut limit = ROWS;
        loop {
            let (next, outcome) = {
                let rows = self.engine.snapshot()?.scan(range.clone(), Direction::Ascending, limit)?;
                let Some((last, _)) = rows.last() else { return Ok(()) };
                let next = successor(last);
                let view = self.view()?;
                let mut changes = Changes::new();
                for (_, value) in &rows {
                    (table.again)(&view, value, &mut changes)?;
                }
                (next, self.commit(Some(&view), changes).await)
            };
            match outcome {
                Ok(_) => range.start = next,
                Err(CommitError::Conflict) => {}
                Err(CommitError::Store(StoreError::TooLarge { .. })) if limit > 1 => limit /= 2,
                Err(error) => return Err(error),
            }
        }
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Version, CommitError> {
        self.send(0, ReadSet::new(), writes).await
    }
}
