//! Machine images: a folder each, with a kernel, an initial RAM file system, a root disk and a manifest that names
//! them. [`build_tiny`] makes the one image that Welkin brings along.
//! Not here: overlays for single instances (`host-linux` makes them) and the meaning of image ids (`ec2` has it).
#![forbid(unsafe_code)]

mod command;
mod cpio;
mod error;
mod manifest;
mod packages;
mod root;
mod tiny;

pub use error::ImageError;
pub use manifest::{ImageFile, LOGIN_USER, MANIFEST_FILE, Manifest, Package};
pub use tiny::build_tiny;
