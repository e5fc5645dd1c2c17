//! A region put together: store, services, edge, reconcilers and the socket that the operator talks to.
//! Not here: which engine, which host and which folders; whoever opens a region brings them, the binary real ones and
//! the tests simulated ones.
#![forbid(unsafe_code)]

mod access_logs;
mod accounts;
pub mod admin;
pub mod backups;
mod bootstrap;
mod credentials;
mod dev;
mod effects;
mod home;
mod images;
mod instance_roles;
mod lease;
mod logins;
mod observe;
mod providers;
mod reconciling;
mod region;
mod runtime;
mod sessions;
#[cfg(test)]
mod shapes;
mod space;
mod trail;
mod uses;
mod web;

pub use accounts::{AccountAnswer, AccountLine, AccountOrder};
pub use bootstrap::{BootstrapError, RootKey};
pub use edge::{BucketHosts, DEFAULT_THROTTLE, Limits, Network, Server, ServerError, Tls, TlsError};
pub use effects::SystemEffects;
pub use home::{HomeError, claim as claim_home};
pub use lease::Duty;
pub use region::{Parts, Region, RegionConfig, RegionError, Services};
pub use runtime::{ReconcilerStatus, Reconcilers};
pub use s3::{KeyRing, MasterKeys, NewBuckets};
pub use sessions::{SessionAnswer, SessionLine, SessionOrder};
pub use space::{DamagedObject, Found, SpaceAnswer, SpaceKeeper, SpaceOrder, Usage};
