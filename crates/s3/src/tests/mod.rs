//! S3 through its runner, with everything in memory and the clock in our hand.

mod access;
mod configs;
mod fixture;
mod lifecycle;
mod policies;
mod reading;
mod uploads;

pub(crate) use fixture::object;
