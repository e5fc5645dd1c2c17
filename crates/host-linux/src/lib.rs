//! The real host: effects on the Linux machine that we run on. The only crate that talks to the kernel.
//! Not here: any decision what should be. Specifications come in, the kernel is made to match.

pub mod inherited;
pub mod machine;
pub mod names;
pub mod network;
