//! The embedded engine: SQLite in one file, one commit thread, many readers.
#![forbid(unsafe_code)]
