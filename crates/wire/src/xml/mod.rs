//! XML in and out, shared by the protocols `ec2`, `query` and `rest-xml`.

mod decode;
mod encode;
mod tree;
mod write;

pub(crate) use decode::decode_element;
pub(crate) use encode::{encode_members, encode_text};
pub(crate) use tree::parse;
pub(crate) use write::XmlWriter;
