//! Buckets as websites: what is configured, and where a visitor is led. Not here: visitors, who come by the edge, and the
//! reading of objects for them, which is that of anybody.

mod config;
mod operations;
mod site;

pub use site::{Site, Turn, Visit};
