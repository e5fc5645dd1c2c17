//! The tables, and how they are made and checked when the engine opens.
//!
//! ```text
//! meta      whose schema this is, and its version
//! head      one row: the last commit, and up to where `commits` was pruned
//! kv        keys and values
//! kv_long   the same for keys beyond what one entry of PostgreSQL's index can hold; found by how they begin
//! commits   what was written lately and by which batch: for conflicts, for watches, and to find out after a lost
//!           connection whether a batch was committed
//! writer    without rows; whoever commits holds its lock. A transaction takes it before its snapshot, so that it sees
//!           all that was committed before it
//! ```

use store::StoreError;
use tokio_postgres::{Client, Error};

use crate::error::{OpenError, store_error};

/// Marks the schema as ours: "WELK".
const APPLICATION: i64 = 0x5745_4c4b;
/// The version of the tables that this program writes.
const SCHEMA: i64 = 1;
/// Bytes of a key in `kv`. An entry of a B-tree has 2,704 at most.
pub(crate) const SHORT: usize = 2048;
/// The oldest server that is tested: `EXCLUSIVE` locks and `unnest` are older, but nobody maintains what is.
const OLDEST_SERVER: i64 = 130_000;

const TABLES: &str = "
    CREATE SCHEMA welkin;
    CREATE TABLE welkin.meta (name text PRIMARY KEY, value bigint NOT NULL);
    CREATE TABLE welkin.head (one boolean PRIMARY KEY CHECK (one), version bigint NOT NULL, pruned bigint NOT NULL);
    CREATE TABLE welkin.kv (key bytea PRIMARY KEY, value bytea NOT NULL);
    CREATE TABLE welkin.kv_long (key bytea NOT NULL, value bytea NOT NULL);
    CREATE INDEX kv_long_head ON welkin.kv_long (substring(key from 1 for 2048));
    CREATE TABLE welkin.commits
        (last bigint PRIMARY KEY, first bigint NOT NULL, batch bytea NOT NULL, keys bytea NOT NULL);
    CREATE TABLE welkin.writer ();
    INSERT INTO welkin.meta VALUES ('application', 1464159307), ('schema', 1);
    INSERT INTO welkin.head VALUES (true, 0, 0);
";

/// Makes the tables where there are none, and checks those that are there. Two processes may do so at once.
pub(crate) async fn prepare(client: &Client, place: &str) -> Result<(), OpenError> {
    let refused = |error: Error| OpenError::Refused { place: place.to_owned(), cause: store_error("open", error) };
    let server =
        client.query_one("SELECT current_setting('server_version_num')::bigint", &[]).await.map_err(refused)?;
    let server: i64 = server.try_get(0).map_err(refused)?;
    if server < OLDEST_SERVER {
        let found = format!("{}", server / 10_000);
        return Err(OpenError::OldServer { place: place.to_owned(), found });
    }
    // A lock by number, as there is no table to lock yet. It ends with the transaction.
    client.batch_execute(&format!("BEGIN; SELECT pg_advisory_xact_lock({APPLICATION})")).await.map_err(refused)?;
    let outcome = prepare_locked(client, place).await;
    let end = if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" };
    client.batch_execute(end).await.map_err(refused)?;
    outcome
}

async fn prepare_locked(client: &Client, place: &str) -> Result<(), OpenError> {
    let refused = |error: Error| OpenError::Refused { place: place.to_owned(), cause: store_error("open", error) };
    let foreign = || OpenError::Foreign { place: place.to_owned() };
    let found = client
        .query_one(
            "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'welkin'),
                    to_regclass('welkin.meta') IS NOT NULL AND to_regclass('welkin.kv') IS NOT NULL",
            &[],
        )
        .await
        .map_err(refused)?;
    match (found.try_get(0).map_err(refused)?, found.try_get(1).map_err(refused)?) {
        (false, _) => return client.batch_execute(TABLES).await.map_err(refused),
        (true, false) => return Err(foreign()),
        (true, true) => {}
    }
    let rows = client.query("SELECT name::text, value::bigint FROM welkin.meta", &[]).await.map_err(|_| foreign())?;
    let value = |name: &str| {
        let row = rows.iter().find(|row| row.try_get::<_, &str>(0).is_ok_and(|found| found == name))?;
        row.try_get::<_, i64>(1).ok()
    };
    match (value("application"), value("schema")) {
        (Some(APPLICATION), Some(version)) if version > SCHEMA => {
            Err(OpenError::NewerSchema { place: place.to_owned(), version, known: SCHEMA })
        }
        (Some(APPLICATION), Some(_)) => Ok(()),
        _ => Err(foreign()),
    }
}

/// A column that only we write.
pub(crate) fn column<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a tokio_postgres::Row,
    at: usize,
) -> Result<T, StoreError> {
    row.try_get(at).map_err(|error| StoreError::Corrupt(format!("a row of the database: {error}")))
}

/// A version as the database has it.
pub(crate) fn version(row: &tokio_postgres::Row, at: usize) -> Result<store::Version, StoreError> {
    let found: i64 = column(row, at)?;
    store::Version::try_from(found).map_err(|_| StoreError::Corrupt(format!("the version is {found}")))
}

/// A version as the database wants it.
pub(crate) fn number(version: store::Version) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}
