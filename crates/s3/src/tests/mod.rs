//! S3 through its runner, with everything in memory and the clock in our hand.

mod access;
mod acls;
mod fixture;
mod locks;
mod policies;
mod reading;
mod uploads;

pub(crate) use fixture::object;
