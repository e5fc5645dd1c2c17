//! Machine images: the ones that the region brings along, and what is shown of them.
//! Not here yet: images of users. The bytes are files on the node, named by the record.

mod builtin;
pub(crate) mod describe;
pub(crate) mod record;

pub use builtin::{BuiltinImage, register_builtin};
pub use record::ImageSource;
