//! The file's schema, and how a connection to it is set up.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension};
use store::Version;

use crate::error::{OpenError, open_error};

/// Marks the file as ours in its header, as `PRAGMA application_id` shows: "WELK".
const APPLICATION: i64 = 0x5745_4c4b;
/// What brings a file of an older schema to the next one: the first takes schema 1 to 2. One that is there is never
/// changed, and each has a golden file of the schema it takes up in `golden`.
const MIGRATIONS: &[&str] = &[];
/// The schema that this program writes.
const SCHEMA: i64 = 1 + MIGRATIONS.len() as i64;
/// How long a connection waits for another program, such as a SQLite shell, to let go of the file.
pub(crate) const BUSY: Duration = Duration::from_secs(10);
/// Bytes of a page, SQLite's default.
pub(crate) const PAGE: u64 = 4096;

/// KiB of pages that the connection that writes keeps. The kernel has the file's pages anyway.
const WRITER_CACHE: i64 = 2048;
/// The same of each connection that reads. It loses them whenever something was committed.
const READER_CACHE: i64 = 512;

const TABLES: &str = "
    CREATE TABLE kv (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO meta VALUES ('schema', 1), ('version', 0);
";

/// The one connection that writes, and the last commit in the file. Makes the file where it is missing.
pub(crate) fn open_writer(file: &Path, max_size: Option<u64>) -> Result<(Connection, Version), OpenError> {
    let failed = |cause| open_error(file, cause);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // Made for its owner alone; SQLite gives the log beside it the same mode. What is wrong here, SQLite says better.
    let _ = OpenOptions::new().append(true).create(true).mode(0o600).open(file);
    let mut connection = Connection::open_with_flags(file, flags).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(failed)?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if application != APPLICATION && (application != 0 || tables != 0) {
        return Err(OpenError::Foreign { file: file.to_owned() });
    }
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    // FULL syncs the log at every commit; NORMAL would lose acknowledged commits when the power fails.
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    // The commit thread checkpoints by itself, after it has answered.
    connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(failed)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE).map_err(failed)?;
    if tables == 0 {
        let transaction = connection.transaction().map_err(failed)?;
        transaction.execute_batch(TABLES).map_err(failed)?;
        transaction.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
    let schema = meta(&connection, "schema").map_err(failed)?;
    if schema > SCHEMA {
        return Err(OpenError::NewerSchema { file: file.to_owned(), version: schema, known: SCHEMA });
    }
    if schema < SCHEMA {
        migrate(&mut connection, schema, MIGRATIONS).map_err(failed)?;
    }
    if let Some(max_size) = max_size {
        let pages = i64::try_from(max_size / PAGE).unwrap_or(i64::MAX).max(1);
        connection.pragma_update(None, "max_page_count", pages).map_err(failed)?;
    }
    let version = meta(&connection, "version").map_err(failed)?;
    let version =
        Version::try_from(version).map_err(|_| failed(rusqlite::Error::IntegralValueOutOfRange(0, version)))?;
    Ok((connection, version))
}

/// Brings a file of schema `from` to the newest one: all steps or none.
fn migrate(connection: &mut Connection, from: i64, migrations: &[&str]) -> rusqlite::Result<()> {
    let out_of_range = || rusqlite::Error::IntegralValueOutOfRange(0, from);
    let done = usize::try_from(from - 1).map_err(|_| out_of_range())?;
    let missing = migrations.get(done..).ok_or_else(out_of_range)?;
    let transaction = connection.transaction()?;
    for step in missing {
        transaction.execute_batch(step)?;
    }
    let newest = 1 + migrations.len() as i64;
    transaction.execute("UPDATE meta SET value = ?1 WHERE name = 'schema'", [newest])?;
    transaction.commit()
}

/// A connection that only reads.
pub(crate) fn open_reader(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -READER_CACHE)?;
    Ok(connection)
}

/// A number of the file's own.
pub(crate) fn meta(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    let mut query = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    let value = query.query_row([name], |row| row.get(0)).optional()?;
    value.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{TABLES, meta, migrate};

    #[test]
    fn older_schemas_are_brought_up_step_by_step_or_not_at_all() {
        let steps = ["CREATE TABLE second (x)", "CREATE TABLE third (x)"];
        let tables = |connection: &Connection| -> i64 {
            let query = "SELECT count(*) FROM sqlite_schema WHERE name IN ('second', 'third')";
            connection.query_row(query, [], |row| row.get(0)).unwrap()
        };
        for (from, made) in [(1, 2), (2, 1), (3, 0)] {
            let mut connection = Connection::open_in_memory().unwrap();
            connection.execute_batch(TABLES).unwrap();
            migrate(&mut connection, from, &steps).unwrap();
            assert_eq!((meta(&connection, "schema").unwrap(), tables(&connection)), (3, made), "from {from}");
        }
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(TABLES).unwrap();
        for from in [-1, 0, 4] {
            assert!(migrate(&mut connection, from, &steps).is_err(), "there is no schema {from}");
        }
        assert!(migrate(&mut connection, 1, &[steps[0], "CREATE TABLE kv (x)"]).is_err());
        assert_eq!(
            (meta(&connection, "schema").unwrap(), tables(&connection)),
            (1, 0),
            "a step failed: nothing is kept"
        );
    }
}
