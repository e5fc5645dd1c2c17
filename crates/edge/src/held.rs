//! Requests whose body is held whole: the forms of EC2 and of the query services.

use api::Caller;
use http::request::Parts;
use hyper::body::Incoming;
use wire::sigv4::{Claim, ClaimError};
use wire::{Decoded, OperationShape, RequestParts, ServiceError, decode_request, parse_query};

use crate::authenticate::body_hash;
use crate::body::collect;
use crate::failures::collect_error;
use crate::front::Edge;
use crate::mount::Mount;
use crate::trace::Trace;

impl Edge {
    /// EC2 and query: everything is in a form, held whole.
    pub(crate) async fn form(
        &self,
        mount: &Mount,
        parts: &Parts,
        query: Vec<(String, Option<String>)>,
        body: Incoming,
        claim: &Result<Claim, ClaimError>,
        trace: &mut Trace,
    ) -> Result<(&'static OperationShape, Decoded, Caller), ServiceError> {
        // Who has no key is not listened to: their bodies would fill the memory.
        let known = self.identify(claim, parts, trace)?;
        let body = collect(body, self.limits.body_bytes, &self.limits).await.map_err(collect_error)?;
        self.hold(trace, body.len());
        let proven = known.map(|known| self.prove(known, parts, &body_hash(&body), trace)).transpose()?;
        let caller = proven.map_or(Caller::ANONYMOUS, |proven| proven.caller);
        let text = std::str::from_utf8(&body).unwrap_or_default();
        let form =
            if body.is_empty() { query.clone() } else { parse_query(text).map_err(|e| trace.protocol.refusal(e))? };
        let find = |name: &str| form.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.as_deref());
        let Some(action) = find("Action").filter(|action| !action.is_empty()) else {
            return Err(ServiceError::bad_request("MissingAction", "The request must contain the parameter Action"));
        };
        if let Some(entry) = mount.service.find(action) {
            trace.operation = entry.name;
        }
        let operation = mount.service.resolve(action)?;
        let request = RequestParts { method: parts.method.clone(), query, body, ..RequestParts::default() };
        let value = decode_request(trace.protocol, operation, &request).map_err(|e| trace.protocol.refusal(e))?;
        Ok((operation, Decoded { value, body: None }, caller))
    }
}
