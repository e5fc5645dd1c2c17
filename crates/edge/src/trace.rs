//! What is known of a request while it is answered, and what it says of itself.

use http::Uri;
use http::request::Parts;
use wire::{Protocol, ServiceShape};

use crate::audit::Seen;
use crate::markup::Visited;

/// What is known of a request when its answer is written.
pub(crate) struct Trace {
    pub(crate) service: &'static ServiceShape,
    pub(crate) protocol: Protocol,
    pub(crate) operation: &'static str,
    pub(crate) account: String,
    pub(crate) request_id: String,
    pub(crate) host_id: String,
    pub(crate) is_head: bool,
    /// The client wants the code of an error as the query protocol has it.
    pub(crate) is_query_mode: bool,
    pub(crate) seen: Seen,
    /// Whoever asks visits a website, and wants to read.
    pub(crate) visited: Option<Visited>,
}

/// Services that have the same words for what goes wrong before an operation is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// S3, which is like no other.
    S3,
    /// EC2.
    Ec2,
    /// IAM, STS and others of that age.
    Query,
    /// All newer ones.
    Modern,
}

impl Trace {
    /// The family of the service, as the request speaks to it.
    pub(crate) fn family(&self) -> Family {
        match self.protocol {
            _ if self.service.has_bare_errors => Family::S3,
            Protocol::Ec2 => Family::Ec2,
            Protocol::Query => Family::Query,
            Protocol::RestXml | Protocol::RestJson | Protocol::Json { .. } | Protocol::Cbor => Family::Modern,
        }
    }
}

/// The URI as the client sent it, where routing uses another.
#[derive(Clone)]
pub(crate) struct SentUri(pub(crate) Uri);

/// The version of TLS that a request came over, or that it came without, as the socket it came by knows: nothing that a
/// client says has a part in it.
#[derive(Clone, Copy)]
pub(crate) struct Over(pub(crate) Option<&'static str>);

impl Over {
    /// The version that a request came over; none if it came without.
    pub(crate) fn tls(parts: &Parts) -> Option<&'static str> {
        parts.extensions.get::<Self>().and_then(|known| known.0)
    }

    /// Whether a request came over TLS.
    pub(crate) fn is_secure(parts: &Parts) -> bool {
        Self::tls(parts).is_some()
    }
}

/// The text of a header; empty if it is not there or no text.
pub(crate) fn text_header<'a>(parts: &'a Parts, name: &str) -> &'a str {
    parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
