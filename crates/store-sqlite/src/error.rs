//! Why a store could not be opened, and what SQLite's own errors mean to the rest.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;
use store::StoreError;

/// Why the store in a folder could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another engine in this one, has the store open.
    #[error("the store in {} is in use{}", .folder.display(), holder(.pid))]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The process that has it, where it could write that down.
        pid: Option<u32>,
    },
    /// The folder can't be made, read or written.
    #[error("the folder {} can't be used", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The file is damaged, or isn't a SQLite database.
    #[error("{} is damaged or isn't a store", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What SQLite said.
        #[source]
        cause: rusqlite::Error,
    },
    /// The file is a SQLite database of some other program.
    #[error("{} is a database of another program", .file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// The file was written by a newer program than this one.
    #[error("{} has schema version {version}; this program knows versions up to {known}", .file.display())]
    NewerSchema {
        /// The file.
        file: PathBuf,
        /// The version found.
        version: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// SQLite failed in another way, such as a full disk.
    #[error("{} can't be opened", .file.display())]
    Sqlite {
        /// The file.
        file: PathBuf,
        /// What SQLite said.
        #[source]
        cause: rusqlite::Error,
    },
}

fn holder(pid: &Option<u32>) -> String {
    pid.map_or(String::new(), |pid| format!(" by process {pid}"))
}

/// The error of a read or commit.
pub(crate) fn store_error(doing: &'static str, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt(error.to_string()),
        _ => StoreError::engine(doing, error),
    }
}

/// The error of opening `file`.
pub(crate) fn open_error(file: &std::path::Path, cause: rusqlite::Error) -> OpenError {
    let file = file.to_owned();
    match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => OpenError::Damaged { file, cause },
        _ => OpenError::Sqlite { file, cause },
    }
}
