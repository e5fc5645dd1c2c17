//! Why a database could not be opened, and what PostgreSQL's own errors mean to the rest.

use std::time::Duration;

use store::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// Why the store in a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The connection string, or a file that it names, isn't usable.
    #[error("{0}")]
    Target(String),
    /// The database did not answer, or refused the connection, for as long as was waited.
    #[error("PostgreSQL at {place} can't be reached{}", tried(.waited))]
    Unreachable {
        /// The database, without its password.
        place: String,
        /// How long it was tried.
        waited: Duration,
        /// What the last try said.
        #[source]
        cause: StoreError,
    },
    /// The schema `welkin` of the database was made by some other program.
    #[error("the database at {place} has a schema 'welkin' that this program didn't make: name another database")]
    Foreign {
        /// The database.
        place: String,
    },
    /// The tables were made by a newer program than this one.
    #[error("the database at {place} has schema version {version}; this program knows versions up to {known}")]
    NewerSchema {
        /// The database.
        place: String,
        /// The version found.
        version: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// The server is too old.
    #[error("PostgreSQL at {place} is version {found}; Welkin needs 13 or newer")]
    OldServer {
        /// The database.
        place: String,
        /// Its version.
        found: String,
    },
    /// PostgreSQL refused something in another way, such as making the tables without the right to.
    #[error("the database at {place} can't be used")]
    Refused {
        /// The database.
        place: String,
        /// What PostgreSQL said.
        #[source]
        cause: StoreError,
    },
    /// The system gave no threads.
    #[error("the engine's threads can't be started")]
    Threads(#[source] std::io::Error),
}

fn tried(waited: &Duration) -> String {
    if waited.is_zero() { String::new() } else { format!(" (tried for {} s)", waited.as_secs()) }
}

/// What an error means for whoever waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The transaction met another one, and may be tried again as it is.
    Again,
    /// The connection is gone, or the server is going: a new connection may do.
    Lost,
    /// Anything else.
    Other,
}

pub(crate) fn kind(error: &Error) -> Kind {
    let Some(code) = error.code() else { return Kind::Lost };
    if [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::QUERY_CANCELED,
    ]
    .contains(code)
    {
        return Kind::Again;
    }
    let lost = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        SqlState::READ_ONLY_SQL_TRANSACTION,
    ];
    if lost.contains(code) || code.code().starts_with("08") || code.code() == "57P05" {
        return Kind::Lost;
    }
    Kind::Other
}

/// The error of a read or commit.
pub(crate) fn store_error(doing: &'static str, error: Error) -> StoreError {
    match (kind(&error), error.code()) {
        (_, Some(&SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT)) => StoreError::SnapshotExpired,
        (Kind::Again | Kind::Lost, _) => unavailable(text(&error)),
        (_, Some(&SqlState::DISK_FULL)) => StoreError::Full,
        (_, Some(&(SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED))) => StoreError::Corrupt(text(&error)),
        _ => StoreError::engine(doing, error),
    }
}

/// The error of a database that doesn't answer.
pub(crate) fn unavailable(why: impl Into<String>) -> StoreError {
    StoreError::Unavailable(why.into())
}

/// An error with its causes, in one line.
pub(crate) fn text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
