//! The engine that a test runs on: in memory, unless the environment asks for another one.

use std::sync::Arc;

use store::{Engine, Memory, Store};
use store_postgres::Postgres;

use crate::postgres::{Database, Server};

/// Names the engine of the tests: `memory`, which is the default, or `postgres`.
const VARIABLE: &str = "WELKIN_TEST_STORE";

/// A new, empty engine of the kind that `WELKIN_TEST_STORE` names.
///
/// # Panics
/// When it names none, or there is no PostgreSQL.
pub fn engine() -> Arc<dyn Engine> {
    match database() {
        None => Arc::new(Memory::new()),
        Some(database) => Arc::new(InDatabase { engine: database.open(), _database: database }),
    }
}

/// A new, empty database, where `WELKIN_TEST_STORE` names PostgreSQL: for tests that would keep the facts in a file.
///
/// # Panics
/// As [`engine`].
pub fn database() -> Option<Database<'static>> {
    match std::env::var(VARIABLE).as_deref() {
        Err(_) | Ok("memory") => None,
        Ok("postgres") => Some(Server::shared().database()),
        Ok(other) => panic!("{VARIABLE}: {other} is neither memory nor postgres"),
    }
}

/// A store over [`engine`].
///
/// # Panics
/// As [`engine`].
pub fn store() -> Store {
    Store::shared(engine())
}

/// An engine of PostgreSQL with the database that goes with it.
struct InDatabase {
    engine: Postgres,
    _database: Database<'static>,
}

impl Engine for InDatabase {
    fn snapshot(&self) -> Result<Box<dyn store::Snapshot>, store::StoreError> {
        self.engine.snapshot()
    }

    fn long_snapshot(&self) -> Result<Box<dyn store::Snapshot>, store::StoreError> {
        self.engine.long_snapshot()
    }

    fn commit(
        &self,
        transaction: store::Transaction,
    ) -> store::BoxFuture<'static, Result<store::Version, store::CommitError>> {
        self.engine.commit(transaction)
    }

    fn watch(&self, prefix: &[u8]) -> store::Watch {
        self.engine.watch(prefix)
    }

    fn refresh(&self) -> Result<(), store::StoreError> {
        self.engine.refresh()
    }
}
