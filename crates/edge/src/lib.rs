//! The one HTTP front of a region: recognise service and operation, authenticate, decode, dispatch, encode.
//! Not here: what an operation means, and whether its caller may do it (the service's runner asks the authoriser).
#![forbid(unsafe_code)]

mod answer;
mod authenticate;
mod body;
mod checksum;
mod dev;
mod evidence;
mod failures;
mod front;
mod held;
mod identify;
mod limits;
mod mount;
mod pipeline;
mod recognise;
mod refuse;
mod rest;
mod server;
mod stall;
mod trace;

pub use authenticate::Credentials;
pub use dev::DevAccounts;
pub use front::Edge;
pub use limits::Limits;
pub use mount::Mount;
pub use server::{Server, ServerError};
