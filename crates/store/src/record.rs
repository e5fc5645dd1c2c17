//! Records: what a typed table keeps, and the bytes they are kept as.
//!
//! A row's key is `t/<table>\0<primary key>`, and its value the JSON text `{"v":<shape version>,"r":<record>}`, so that
//! any SQLite shell can read it. An index entry's key is `i/<table>/<index>\0<index key><primary key>`, and its value
//! the primary key.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{MigrationError, StoreError};
use crate::key::{Key, KeyBuf};

/// Something that has a table. The compiler refuses a table name with a NUL byte and an index name with a NUL byte or
/// a slash.
pub trait Record: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The table's short name, such as `ec2/instance`. It never changes.
    const TABLE: &'static str;
    /// The version of the stored shape. Raise it with every change that older rows don't deserialise under, or that
    /// gives a record other keys in an index.
    const VERSION: u16;
    /// The primary key, such as `(AccountId, InstanceId)`.
    type Key: Key;
    /// The names of the secondary indexes. [`crate::Store::prepare`] fills one that is new.
    const INDEXES: &'static [&'static str] = &[];

    /// This record's primary key.
    fn key(&self) -> Self::Key;

    /// Where this record stands in the secondary indexes: any number of entries in each.
    fn index_keys(&self) -> Vec<IndexEntry> {
        Vec::new()
    }

    /// Brings a row of shape version `from`, older than `VERSION`, to the present shape. A table whose `VERSION` was
    /// ever raised implements this for every older version.
    ///
    /// # Errors
    /// When the value isn't of that shape.
    fn migrate(from: u16, value: serde_json::Value) -> Result<serde_json::Value, MigrationError> {
        let _ = value;
        Err(MigrationError(format!("no migration from version {from}")))
    }
}

/// One entry of a record in a secondary index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    pub(crate) index: &'static str,
    pub(crate) key: KeyBuf,
}

impl IndexEntry {
    /// An entry in the index `index` (one of the record's `INDEXES`) under `key`.
    pub fn new(index: &'static str, key: impl Into<KeyBuf>) -> Self {
        Self { index, key: key.into() }
    }
}

/// The names of a record type, checked when the program is compiled.
struct Names<R>(std::marker::PhantomData<R>);

impl<R: Record> Names<R> {
    const ARE_VALID: () = {
        assert!(!has(R::TABLE, 0), "a table's name has no NUL byte");
        let mut at = 0;
        while at < R::INDEXES.len() {
            assert!(!has(R::INDEXES[at], 0) && !has(R::INDEXES[at], b'/'), "an index's name has no NUL byte or slash");
            at += 1;
        }
    };
}

const fn has(text: &str, byte: u8) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == byte {
            return true;
        }
        at += 1;
    }
    false
}

/// What the keys of all rows of a table begin with.
pub fn table_prefix<R: Record>() -> Vec<u8> {
    const { Names::<R>::ARE_VALID };
    let mut key = Vec::with_capacity(96);
    key.extend_from_slice(b"t/");
    key.extend_from_slice(R::TABLE.as_bytes());
    key.push(0);
    key
}

/// A row's key.
pub(crate) fn row_key<R: Record>(primary: &[u8]) -> Vec<u8> {
    let mut key = table_prefix::<R>();
    key.extend_from_slice(primary);
    key
}

/// What the keys of all entries of an index begin with.
pub(crate) fn index_prefix<R: Record>(index: &str) -> Result<Vec<u8>, StoreError> {
    prefix_of(R::TABLE, R::INDEXES, index)
}

fn prefix_of(table: &'static str, indexes: &[&str], index: &str) -> Result<Vec<u8>, StoreError> {
    if !indexes.contains(&index) {
        return Err(StoreError::UnknownIndex { table, index: index.to_owned() });
    }
    let mut key = Vec::with_capacity(128);
    for part in ["i/", table, "/", index, "\0"] {
        key.extend_from_slice(part.as_bytes());
    }
    Ok(key)
}

/// The keys of a record's entries in all its indexes.
pub(crate) fn entry_keys<R: Record>(record: &R, primary: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut keys = Vec::new();
    for entry in record.index_keys() {
        let mut key = index_prefix::<R>(entry.index)?;
        key.extend_from_slice(entry.key.as_bytes());
        key.extend_from_slice(primary);
        keys.push(key);
    }
    Ok(keys)
}

/// The stored value of a record.
///
/// # Errors
/// [`StoreError::Shape`] when the record has no JSON form, such as a map with keys that aren't strings.
pub fn encode<R: Record>(record: &R) -> Result<Vec<u8>, StoreError> {
    let mut value = format!("{{\"v\":{},\"r\":", R::VERSION).into_bytes();
    serde_json::to_writer(&mut value, record).map_err(shape::<R>)?;
    value.push(b'}');
    Ok(value)
}

/// The record of a stored value, of the present shape or an older one.
///
/// # Errors
/// [`StoreError::NewerShape`], [`StoreError::Migration`], [`StoreError::Shape`], or [`StoreError::Corrupt`] when the
/// value isn't framed as [`encode`] does it.
pub fn decode<R: Record>(value: &[u8]) -> Result<R, StoreError> {
    let (version, json) =
        unframe(value).ok_or_else(|| StoreError::Corrupt(format!("a row of table {} has no version", R::TABLE)))?;
    match u16::try_from(version) {
        Ok(version) if version == R::VERSION => serde_json::from_slice(json).map_err(shape::<R>),
        Ok(from) if from < R::VERSION => {
            let old = serde_json::from_slice(json).map_err(shape::<R>)?;
            let present =
                R::migrate(from, old).map_err(|cause| StoreError::Migration { table: R::TABLE, from, cause })?;
            // Not from the value itself: how a record is read out of one would be compiled for each, for this alone.
            let text = serde_json::to_vec(&present).map_err(shape::<R>)?;
            serde_json::from_slice(&text).map_err(shape::<R>)
        }
        _ => Err(StoreError::NewerShape { table: R::TABLE, version, known: R::VERSION }),
    }
}

fn shape<R: Record>(cause: serde_json::Error) -> StoreError {
    StoreError::Shape { table: R::TABLE, cause: Arc::new(cause) }
}

fn unframe(value: &[u8]) -> Option<(u64, &[u8])> {
    let rest = value.strip_prefix(b"{\"v\":")?.strip_suffix(b"}")?;
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    let version = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    Some((version, rest[digits..].strip_prefix(b",\"r\":")?))
}
