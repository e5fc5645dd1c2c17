//! Reading all of a part of a table, whatever its size.

use store::{KeyPrefix, Position, Record, StoreError, View};

/// Records read at a time.
const CHUNK: usize = 1000;

/// All records of a table whose keys begin so.
///
/// # Errors
/// The store's.
pub(crate) fn scan_all<R: Record>(view: &View, prefix: &KeyPrefix) -> Result<Vec<R>, StoreError> {
    let mut records: Vec<R> = Vec::new();
    loop {
        let after = records.last().map(|last| Position::after(last.key()));
        let chunk = view.scan(prefix, after.as_ref(), CHUNK)?;
        let is_last = chunk.len() < CHUNK;
        records.extend(chunk);
        if is_last {
            return Ok(records);
        }
    }
}
