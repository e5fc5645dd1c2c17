//! Requests whose body is held whole: forms, JSON and CBOR, whose operation is named in a form, a target or a path.

use crate::unread::Incoming;
use api::Caller;
use bytes::Bytes;
use http::header;
use http::request::Parts;
use wire::{DecodeError, Decoded, Protocol, RequestParts, ServiceError, decode_request, operation_name, parse_query};

use crate::authenticate::body_hash;
use crate::body::collect;
use crate::budget::Reservation;
use crate::evidence::Fault;
use crate::failures::collect_error;
use crate::front::{Asked, Edge};
use crate::inflate::inflate;
use crate::mount::Mount;
use crate::pipeline::Ready;
use crate::recognise::{Pairs, narrow};
use crate::refuse::{Refusal, refusal_error};
use crate::trace::Trace;

impl Edge {
    /// Reads and proves a request whose body is held whole.
    pub(crate) async fn held<'a>(
        &self,
        mount: &'a Mount,
        asked: Asked<'a>,
        body: Incoming,
        memory: &mut Reservation,
        trace: &mut Trace,
    ) -> Result<Ready<'a>, ServiceError> {
        let Asked { found, parts, claim, query } = asked;
        let query = query.map_err(|error| trace.protocol.refusal(error))?;
        let is_unsigned = matches!(claim, Err(Fault::Missing)) && self.dev_for(parts, claim).is_none();
        let (body, caller) = if is_unsigned {
            // Who asks whether the body is wanted is told no; for nobody anything is decompressed; and where the head
            // names the operation, it decides.
            let is_wanted = !parts.headers.contains_key(header::EXPECT)
                && !parts.headers.contains_key(header::CONTENT_ENCODING)
                && (trace.protocol.is_form() || is_for_everybody(mount, trace.protocol, parts));
            // Tokens of identity providers stand in for a signature, and are longer than what only names a service.
            let takes_tokens =
                found.mounts.iter().any(|mount| mount.service.operations.iter().any(|it| it.is_unsigned));
            let limits = &self.limits;
            let limit = if takes_tokens { limits.token_body_bytes } else { limits.unsigned_body_bytes };
            (if is_wanted { self.little(body, limit, memory).await } else { Bytes::new() }, Caller::ANONYMOUS)
        } else {
            // Who has no key is not listened to: their bodies would fill the memory.
            let known = self.identify(claim, parts, trace).await?;
            let body = collect(body, self.limits.body_bytes, &self.limits, memory)
                .await
                .map_err(|error| collect_error(trace.family(), error))?;
            let proven = known.map(|known| self.prove(known, parts, &body_hash(&body), trace)).transpose()?;
            let body = inflate(&parts.headers, body, trace.family(), &self.limits, memory).await?;
            (body, proven.map_or(Caller::ANONYMOUS, |proven| proven.caller))
        };
        let form = if trace.protocol.is_form() { form(&query, &body) } else { Ok(Vec::new()) };
        let pairs = form.as_deref().unwrap_or_default();
        let mount = settle(mount, &found.mounts, pairs);
        if !std::ptr::eq(mount.service, trace.service) {
            trace.service = mount.service;
            trace.protocol = mount.service.protocols.iter().copied().find(|it| it.is_form()).unwrap_or(trace.protocol);
        }
        let name = operation_name(trace.protocol, mount.service, &parts.headers, parts.uri.path(), pairs);
        let entry = name.as_ref().ok().and_then(|name| mount.service.find(name));
        if let Some(entry) = entry {
            trace.operation = entry.name;
        }
        if is_unsigned && !entry.is_some_and(|entry| entry.is_unsigned) {
            return Err(refusal_error(trace, Refusal::Claim(Fault::Missing), None));
        }
        if let Err(error) = &form {
            return Err(trace.protocol.refusal(error.clone()));
        }
        let operation = mount.service.resolve_in(trace.protocol, name?)?;
        let request = RequestParts { method: parts.method.clone(), query, body, ..RequestParts::default() };
        let value = decode_request(trace.protocol, operation, &request).map_err(|e| trace.protocol.refusal(e))?;
        Ok(Ready { mount, operation, decoded: Decoded { value, body: None }, caller })
    }

    /// The body of a request that nobody signed: up to a limit, and not waited for long.
    async fn little(&self, body: Incoming, limit: usize, memory: &mut Reservation) -> Bytes {
        let held = collect(body, limit, &self.limits, memory);
        match tokio::time::timeout(self.limits.held_wait, held).await {
            Ok(Ok(body)) => body,
            // It is refused in any case.
            Ok(Err(_)) | Err(_) => Bytes::new(),
        }
    }
}

/// Whether the head of a request names an operation that needs no signature.
fn is_for_everybody(mount: &Mount, protocol: Protocol, parts: &Parts) -> bool {
    let name = operation_name(protocol, mount.service, &parts.headers, parts.uri.path(), &[]);
    name.ok().and_then(|name| mount.service.find(name)).is_some_and(|entry| entry.is_unsigned)
}

/// The parameters of a form, or of the query if there is no form.
fn form(query: &Pairs, body: &[u8]) -> Result<Vec<(String, Option<String>)>, DecodeError> {
    if body.is_empty() {
        return Ok(query.to_vec());
    }
    // What is no text has no pairs: an action is missing.
    parse_query(std::str::from_utf8(body).unwrap_or_default())
}

/// The one of several services that a form is for.
fn settle<'a>(first: &'a Mount, mounts: &[&'a Mount], form: &Pairs) -> &'a Mount {
    let narrowed = narrow(mounts.iter().map(|mount| mount.service).collect(), form);
    let is_meant = |mount: &&&'a Mount| narrowed.first().is_some_and(|service| std::ptr::eq(*service, mount.service));
    mounts.iter().find(is_meant).copied().unwrap_or(first)
}
