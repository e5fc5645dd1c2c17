//! A whole region in this process, seen from the other end of a TCP connection: whom it refuses, and what it bears.
#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod backing;
mod client;
mod connections;
mod dev;
mod fixture;
mod floods;
mod forms;
mod granted;
mod http2;
mod identity;
mod inputs;
mod memory;
mod mutations;
mod names;
mod odd;
mod people;
mod presigned;
mod refusals;
mod restarts;
mod tls;
mod tokens;
mod uploads;
mod walk;
