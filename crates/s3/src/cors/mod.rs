//! Cross-origin resource sharing: which web pages of elsewhere may use a bucket, and how browsers are told so.

mod operations;
mod rules;
mod sharing;

pub use sharing::{CrossOrigin, Preflight};
