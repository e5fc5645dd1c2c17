//! The suite every engine passes, on a database of its own for each case.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use store::Engine;
use store::conformance::Fixture;
use store_postgres::{Postgres, Target};
use testkit::postgres::{Database, Server};

struct Place(Database<'static>);

impl Fixture for Place {
    const KEEPS: bool = true;

    fn new() -> Self {
        Self(Server::shared().database())
    }

    fn open(&self) -> Arc<dyn Engine> {
        Arc::new(Postgres::open(&Target::parse(&self.0.url()).unwrap()).unwrap())
    }
}

store::conformance_suite!(Place);
