//! How large things may be. The same for every engine, so that what one accepts, all accept.

use crate::engine::Transaction;
use crate::error::StoreError;

/// Bytes of one key. An S3 key has at most 1,024 bytes, twice that when every byte must be escaped, and an index
/// entry may hold it twice.
pub const MAX_KEY: usize = 8 * 1024;
/// Bytes of one value.
pub const MAX_VALUE: usize = 4 * 1024 * 1024;
/// Writes of one transaction.
pub const MAX_WRITES: usize = 10_000;
/// Bytes of all keys and values that one transaction writes.
pub const MAX_TRANSACTION: usize = 32 * 1024 * 1024;
/// Ranges of one read set; beyond it neighbours are joined.
pub const MAX_READS: usize = 4096;

/// Whether an engine may take this transaction; its bytes if so.
///
/// # Errors
/// [`StoreError::TooLarge`], naming the first limit that is passed.
pub fn check(transaction: &Transaction) -> Result<usize, StoreError> {
    let within = |what, size, limit| {
        if size > limit { Err(StoreError::TooLarge { what, size, limit }) } else { Ok(size) }
    };
    within("number of writes", transaction.writes.len(), MAX_WRITES)?;
    let mut total = 0;
    for (key, value) in &transaction.writes {
        total += within("key", key.len(), MAX_KEY)?;
        total += within("value", value.as_ref().map_or(0, Vec::len), MAX_VALUE)?;
    }
    within("transaction", total, MAX_TRANSACTION)
}
