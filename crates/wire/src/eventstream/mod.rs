//! Event streams: `application/vnd.amazon.eventstream`, message after message in one body. Pure code; whoever answers
//! puts the messages into a [`crate::ByteStream`].
//! Source: Smithy's "Amazon Event Stream Specification", and "Event streams" for what an event's members become.

mod event;
mod frame;

pub use event::{decode_event, encode_event, encode_exception, encode_initial_response};
pub use frame::{EventError, EventHeader, Message};

/// The content type of such a body.
pub const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";
