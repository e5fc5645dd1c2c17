//! The real host: effects on the Linux machine that we run on.
//! Not here: any decision what should be. Specifications come in, the kernel is made to match.

pub mod names;
pub mod network;
