//! A whole region in this process, seen from the other end of a TCP connection: whom it refuses, and what it bears.

mod client;
mod connections;
mod fixture;
mod inputs;
mod refusals;
mod uploads;
mod walk;
