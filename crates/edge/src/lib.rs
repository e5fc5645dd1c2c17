//! The one HTTP front of a region: recognise service and operation, authenticate, decode, dispatch, encode.
//! Not here: what an operation means, and whether its caller may do it (the service's runner asks the authoriser).
#![forbid(unsafe_code)]

mod access;
mod activity;
mod answer;
mod answering;
mod audit;
mod authenticate;
mod body;
mod bound;
mod budget;
mod checksum;
mod connection;
mod dev;
mod evidence;
mod exposition;
mod failures;
mod front;
mod held;
#[cfg(feature = "hostile")]
pub mod hostile;
mod hosts;
mod identify;
mod inflate;
mod limits;
mod login;
mod manner;
mod markup;
mod metrics;
mod mount;
mod odd;
mod pace;
mod pages;
mod phase;
mod pipeline;
mod places;
mod post;
mod reach;
mod reads;
mod recognise;
mod refuse;
mod rest;
mod server;
mod sniff;
mod source;
mod stall;
mod throttle;
mod tls;
mod trace;
mod vouched;
mod web;
mod website;

pub use access::{AccessLog, Accessed};
pub use authenticate::Credentials;
pub use dev::DevAccounts;
pub use exposition::{Exposition, MetricKind};
pub use front::Edge;
pub use limits::Limits;
pub use login::Logins;
pub use mount::Mount;
pub use pages::{Check, CheckState, Network, NetworkError, Observer};
pub use phase::Phase;
pub use server::{Server, ServerError};
pub use throttle::DEFAULT_THROTTLE;
pub use tls::{Tls, TlsError};
pub use web::{Headers, Preflight, Site, Turn, Visit, Web};
