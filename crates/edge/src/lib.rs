//! The one HTTP front of a region: recognise service and operation, authenticate, decode, dispatch, encode.
//! Not here: what an operation means, and whether its caller may do it (the service's runner asks the authoriser).
#![forbid(unsafe_code)]

mod answer;
mod audit;
mod authenticate;
mod body;
mod checksum;
mod exposition;
mod failures;
mod front;
mod held;
mod identify;
mod limits;
mod metrics;
mod mount;
mod pages;
mod pipeline;
mod recognise;
mod refuse;
mod rest;
mod server;
mod stall;
mod throttle;
mod trace;

pub use authenticate::{Credentials, SigningKeys};
pub use exposition::{Exposition, MetricKind};
pub use front::Edge;
pub use limits::Limits;
pub use mount::Mount;
pub use pages::{Check, CheckState, Network, NetworkError, Observer};
pub use server::{Server, ServerError};
pub use throttle::DEFAULT_THROTTLE;
