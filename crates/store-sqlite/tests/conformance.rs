//! The suite every engine passes, on a folder of its own for each case.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use store::Engine;
use store::conformance::Fixture;
use store_sqlite::Sqlite;
use tempfile::TempDir;

struct Folder(TempDir);

impl Fixture for Folder {
    const KEEPS: bool = true;

    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Arc<dyn Engine> {
        Arc::new(Sqlite::open(self.0.path()).unwrap())
    }
}

store::conformance_suite!(Folder);
