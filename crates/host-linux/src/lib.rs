//! The real host: machines as QEMU processes. The only crate that talks to the kernel.

pub mod machine;
pub mod names;
