//! REST services other than S3: method and path name the operation, the body is held whole unless the operation takes a
//! stream.

use crate::unread::Incoming;
use api::Caller;
use bytes::Bytes;
use wire::{Decoded, RequestParts, ServiceError, decode_request, route};

use crate::authenticate::body_hash;
use crate::body::{collect, stream};
use crate::budget::Reservation;
use crate::failures::{collect_error, no_route};
use crate::front::{Asked, Edge};
use crate::inflate::inflate;
use crate::mount::Mount;
use crate::pipeline::Ready;
use crate::rest::{implemented, promise};
use crate::trace::{Trace, text_header};

impl Edge {
    /// Reads and proves a request of a REST service.
    pub(crate) async fn bound<'a>(
        &self,
        mount: &'a Mount,
        asked: Asked<'a>,
        body: Incoming,
        memory: &mut Reservation,
        trace: &mut Trace,
    ) -> Result<Ready<'a>, ServiceError> {
        let Asked { parts, claim, query, .. } = asked;
        let query = query.map_err(|error| trace.service.refusal(trace.protocol, error))?;
        let found = route(mount.service, &parts.method, parts.uri.path(), &query, &parts.headers);
        let known = self.identify(claim, parts, trace).await?;
        let is_streamed =
            found.as_ref().is_ok_and(|found| found.operation.shape.is_some_and(|shape| shape.has_streaming_input));
        // Who streams says the hash before, or that there is none.
        let marker = text_header(parts, "x-amz-content-sha256").to_owned();
        let (proven, body, stream) = if is_streamed && !marker.is_empty() {
            let proven = known.map(|known| self.prove(known, parts, &marker, trace)).transpose()?;
            let sha256 = (marker.len() == 64).then(|| marker.to_ascii_lowercase());
            let promise = promise(parts, None, sha256, claim.as_ref().ok(), proven.as_ref())?;
            (proven, Bytes::new(), Some(stream(body, promise, &self.limits)))
        } else {
            let body = collect(body, self.limits.body_bytes, &self.limits, memory)
                .await
                .map_err(|error| collect_error(trace.family(), error))?;
            let proven = known.map(|known| self.prove(known, parts, &body_hash(&body), trace)).transpose()?;
            (proven, inflate(&parts.headers, body, trace.family(), &self.limits, memory).await?, None)
        };
        let found = found.map_err(|error| no_route().because(error))?;
        trace.operation = found.operation.name;
        let operation = implemented(mount.service, found.operation)?;
        let request = RequestParts {
            method: parts.method.clone(),
            labels: found.labels,
            query,
            headers: parts.headers.clone(),
            body,
        };
        let value = decode_request(trace.protocol, operation, &request)
            .map_err(|e| trace.service.refusal(trace.protocol, e))?;
        let caller = proven.map_or(Caller::ANONYMOUS, |proven| proven.caller);
        Ok(Ready { mount, operation, decoded: Decoded { value, body: stream }, caller })
    }
}
