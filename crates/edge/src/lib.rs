//! The one HTTP front of a region: recognise service and operation, authenticate, decode, dispatch, encode.
//! Not here: what an operation means, and whether its caller may do it (the service's runner asks the authoriser).
#![forbid(unsafe_code)]

mod answer;
mod authenticate;
mod body;
mod bound;
mod budget;
mod checksum;
mod dev;
mod evidence;
mod failures;
mod front;
mod held;
mod identify;
mod inflate;
mod limits;
mod mount;
mod odd;
mod pace;
mod pipeline;
mod post;
mod recognise;
mod refuse;
mod rest;
mod server;
mod source;
mod stall;
mod trace;

pub use authenticate::Credentials;
pub use dev::DevAccounts;
pub use front::Edge;
pub use limits::Limits;
pub use mount::Mount;
pub use server::{Server, ServerError};
