//! The one HTTP front of a region: recognise service and operation, authenticate, decode, dispatch, encode.
//! Not here: what an operation means, and whether its caller may do it (the service's runner asks the authoriser).
#![forbid(unsafe_code)]

mod activity;
mod answering;
mod authenticate;
mod body;
mod checksum;
mod connection;
mod failures;
mod limits;
mod phase;
mod pipeline;
mod recognise;
mod refuse;
mod rest;
mod server;
mod sniff;
mod stall;
mod tls;
mod trace;

pub use authenticate::{Credentials, SigningKeys};
pub use limits::Limits;
pub use phase::Phase;
pub use pipeline::{Edge, Mount};
pub use server::{Server, ServerError};
pub use tls::{Tls, TlsError};
