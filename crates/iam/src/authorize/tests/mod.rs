//! What each kind of caller may do, decided through a real store.

mod changes;
mod keys;
mod kinds;
mod messages;
mod nobody;
mod nothing_changes;
mod organizations;
mod verdicts;
mod world;
