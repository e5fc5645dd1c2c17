//! S3 through its runner, with everything in memory and the clock in our hand.

mod access;
mod acls;
mod concurrency;
mod configs;
mod conflicts;
mod control;
mod copying;
mod deleting;
mod encrypted_parts;
mod encryption;
mod fixture;
mod interleavings;
mod lifecycle;
mod locks;
mod multipart;
mod multipart_told;
mod paying;
mod policies;
mod reading;
mod second_factor;
mod tagging;
mod uploads;
mod versions;

pub(crate) use fixture::object;
