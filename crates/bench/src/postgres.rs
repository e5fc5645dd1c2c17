//! A PostgreSQL server of the bench's own, which keeps what it acknowledges, as a region's would.

use std::panic::catch_unwind;
use std::process::Command;

use anyhow::Result;
use testkit::postgres::Server;

use crate::Setting;

/// A running server with a database, gone when dropped.
pub struct Postgres {
    server: Server,
}

impl Postgres {
    /// Starts it; none if PostgreSQL is not installed, or this Welkin cannot use it.
    ///
    /// # Errors
    /// If Welkin cannot be asked.
    pub fn start(setting: &Setting) -> Result<Option<Self>> {
        let help = Command::new(&setting.welkin).args(["up", "--help"]).output()?;
        if !String::from_utf8_lossy(&help.stdout).contains("--store") {
            return Ok(None);
        }
        // It panics where PostgreSQL is not installed, as a test should.
        let Ok(server) = catch_unwind(Server::own) else { return Ok(None) };
        server.sql("postgres", "CREATE DATABASE bench");
        Ok(Some(Self { server }))
    }

    /// The connection string of its database.
    pub fn url(&self) -> String {
        self.server.url("bench")
    }
}
