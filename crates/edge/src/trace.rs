//! What is known of a request while it is answered, and what it says of itself.

use http::Uri;
use http::request::Parts;
use wire::{Protocol, ServiceShape};

/// What is known of a request when its answer is written.
pub(crate) struct Trace {
    pub(crate) service: &'static ServiceShape,
    pub(crate) protocol: Protocol,
    pub(crate) operation: &'static str,
    pub(crate) account: String,
    pub(crate) request_id: String,
    pub(crate) host_id: String,
    pub(crate) resource: String,
    pub(crate) is_head: bool,
}

/// The URI as the client sent it, where routing uses another.
#[derive(Clone)]
pub(crate) struct SentUri(pub(crate) Uri);

/// Whether a request came over TLS, as the socket it came by knows: nothing that a client says has a part in it.
#[derive(Clone, Copy)]
pub(crate) struct IsSecure(pub(crate) bool);

impl IsSecure {
    /// What is known of a request.
    pub(crate) fn of(parts: &Parts) -> bool {
        parts.extensions.get::<Self>().is_some_and(|known| known.0)
    }
}

/// The text of a header; empty if it is not there or no text.
pub(crate) fn text_header<'a>(parts: &'a Parts, name: &str) -> &'a str {
    parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
