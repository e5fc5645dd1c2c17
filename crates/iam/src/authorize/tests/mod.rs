//! What each kind of caller may do, decided through a real store.

mod changes;
mod keys;
mod kinds;
mod messages;
mod nobody;
mod verdicts;
mod world;
