//! S3 through its runner, with everything in memory and the clock in our hand.

mod access;
mod encryption;
mod fixture;
mod policies;
mod reading;
mod uploads;

pub(crate) use fixture::object;
