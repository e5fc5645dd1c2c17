//! Syntax only: AWS's protocols to and from trees of values, driven by static schemas.
//!
//! A schema ([`Shape`], [`OperationShape`], [`ServiceShape`]) is plain data. `crates/api` holds the generated ones; a test
//! may build one at run time. A request goes `bytes → Value → generated struct`, an answer the other way.
//! Not here: what any operation means, whether the caller may do it, and which service a request is for.
#![forbid(unsafe_code)]

pub mod aws_chunked;
mod document;
mod error;
pub mod eventstream;
mod host_prefix;
pub mod multipart;
mod percent;
mod protocol;
mod request_id;
mod router;
mod rules;
mod scalar;
mod service;
mod shape;
pub mod sigv2;
pub mod sigv4;
mod stream;
mod tree;
mod typed;
mod value;
mod xml;

pub use document::Document;
pub use error::{DecodeError, DecodeReason, ServiceError};
pub use host_prefix::host_labels;
pub use percent::{decode_path, decode_query, encode_path, encode_query, parse_query};
pub use protocol::{
    ErrorContext, JsonVersion, Protocol, RequestParts, ResponseParts, decode_request, encode_error, encode_response,
    operation_name, select,
};
pub use request_id::{s3_host_id, s3_request_id, uuid_request_id};
pub use router::{Matched, RouteError, route};
pub use rules::{Refusal, Rule};
pub use service::{ErrorShape, OperationEntry, OperationShape, Route, Segment, ServiceShape};
pub use shape::{Kind, Location, Member, Shape, ShapeRef, TimestampFormat, XmlNamespace, scalars};
pub use stream::{ByteStream, StreamError, Trailers};
pub use typed::{
    BoxFuture, Decoded, Encoded, FieldReader, FieldWriter, OperationType, Redacted, Shaped, Typed, call, call_checked,
};
pub use value::Value;

/// How deep a request may nest, in every protocol. AWS's own shapes stay below twenty.
pub const MAX_DEPTH: usize = 64;
