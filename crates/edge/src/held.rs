//! Requests whose body is held whole: forms.

use api::Caller;
use bytes::Bytes;
use hyper::body::Incoming;
use wire::sigv4::ClaimError;
use wire::{Decoded, RequestParts, ServiceError, decode_request, parse_query};

use crate::authenticate::body_hash;
use crate::body::collect;
use crate::budget::Reservation;
use crate::failures::collect_error;
use crate::front::{Asked, Edge};
use crate::mount::Mount;
use crate::pipeline::Ready;
use crate::recognise::{Pairs, narrow, protocol};
use crate::refuse::{Refusal, refusal_error};
use crate::rest::names_mechanism;
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
        let is_unsigned =
            matches!(claim, Err(ClaimError::Missing)) && !names_mechanism(parts.uri.query().unwrap_or_default());
        let (body, caller) = if is_unsigned {
            (self.little(body, memory).await, Caller::ANONYMOUS)
        } else {
            // Who has no key is not listened to: their bodies would fill the memory.
            let known = self.identify(claim, parts, trace)?;
            let body = collect(body, self.limits.body_bytes, &self.limits, memory)
                .await
                .map_err(|error| collect_error(trace.protocol, error))?;
            let proven = known.map(|known| self.prove(known, parts, &body_hash(&body), trace)).transpose()?;
            (body, proven.map_or(Caller::ANONYMOUS, |proven| proven.caller))
        };
        let text = std::str::from_utf8(&body).unwrap_or_default();
        let form = if body.is_empty() { Ok(query.clone()) } else { parse_query(text) };
        let mount = settle(mount, &found.mounts, form.as_deref().unwrap_or_default());
        trace.service = mount.service;
        trace.protocol = protocol(mount.service, found.manner).unwrap_or(trace.protocol);
        let form = form.map_err(|error| trace.protocol.refusal(error));
        let find = |name: &str| {
            let pairs = form.as_deref().unwrap_or_default();
            pairs.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.as_deref())
        };
        let entry = find("Action").and_then(|action| mount.service.find(action));
        if let Some(entry) = entry {
            trace.operation = entry.name;
        }
        if is_unsigned && !entry.is_some_and(|entry| entry.is_unsigned) {
            return Err(refusal_error(trace.protocol, Refusal::Claim(ClaimError::Missing), None));
        }
        let Some(action) = find("Action").filter(|action| !action.is_empty()) else {
            form?;
            return Err(ServiceError::bad_request("MissingAction", "The request must contain the parameter Action"));
        };
        let operation = mount.service.resolve(action)?;
        let request = RequestParts { method: parts.method.clone(), query, body, ..RequestParts::default() };
        let value = decode_request(trace.protocol, operation, &request).map_err(|e| trace.protocol.refusal(e))?;
        Ok(Ready { mount, operation, decoded: Decoded { value, body: None }, caller })
    }

    /// The body of a request that nobody signed: only as much as tells which service is meant, and not waited for long.
    async fn little(&self, body: Incoming, memory: &mut Reservation) -> Bytes {
        let held = collect(body, self.limits.unsigned_body_bytes, &self.limits, memory);
        match tokio::time::timeout(self.limits.held_wait, held).await {
            Ok(Ok(body)) => body,
            // It is refused in any case.
            Ok(Err(_)) | Err(_) => Bytes::new(),
        }
    }
}

/// The one of several services that a form is for.
fn settle<'a>(first: &'a Mount, mounts: &[&'a Mount], form: &Pairs) -> &'a Mount {
    let narrowed = narrow(mounts.iter().map(|mount| mount.service).collect(), form);
    let is_meant = |mount: &&&'a Mount| narrowed.first().is_some_and(|service| std::ptr::eq(*service, mount.service));
    mounts.iter().find(is_meant).copied().unwrap_or(first)
}
