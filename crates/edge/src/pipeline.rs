//! One request from its headers to its answer, once it is recognised.

use std::net::IpAddr;
use std::sync::Arc;

use crate::unread::Incoming;
use api::{Call, Caller};
use http::{Method, Response, header};
use wire::{Decoded, OperationShape, ServiceError, encode_response};

use crate::body::{AnswerBody, full, streamed};
use crate::failures::not_served;
use crate::front::{Asked, Edge};
use crate::manner;
use crate::mount::Mount;
use crate::odd::check_head;
use crate::post::is_upload;
use crate::reach::check_reach;
use crate::source::Source;
use crate::trace::{Family, Over, Trace, text_header};
use crate::web::bucket_of;

/// A request that is read and proven.
pub(crate) struct Ready<'a> {
    pub(crate) mount: &'a Mount,
    pub(crate) operation: &'static OperationShape,
    pub(crate) decoded: Decoded,
    pub(crate) caller: Caller,
}

impl Edge {
    /// Reads, proves, dispatches and encodes.
    pub(crate) async fn run(
        &self,
        asked: Asked<'_>,
        body: Incoming,
        source_ip: Option<IpAddr>,
        trace: &mut Trace,
    ) -> Result<Response<AnswerBody>, ServiceError> {
        let parts = asked.parts;
        check_head(parts, trace.family(), &self.limits)?;
        let Some(&mount) = asked.found.mounts.first() else {
            return Err(not_served(trace.protocol, &asked.found.scope));
        };
        if let (true, Some(web)) = (parts.method == Method::OPTIONS, &mount.web) {
            return self.preflight(web.as_ref(), bucket_of(parts.uri.path()), parts, trace).await;
        }
        // Held until the operation is done: what was decoded is as large as the body, or larger.
        let mut memory = self.budget.open(Source::of(source_ip));
        let mut ending = None;
        let mut proof = manner::proof_of(asked.claim);
        let Ready { mount, operation, decoded, caller } = if trace.service.has_bare_errors && is_upload(parts) {
            let (ready, asked_for, shown) = self.upload(mount, asked, body, trace).await?;
            ending = Some(asked_for);
            proof = shown;
            ready
        } else if trace.family() == Family::S3 {
            self.rest(mount, asked, body, &mut memory, trace).await?
        } else if trace.protocol.is_rest() {
            self.bound(mount, asked, body, &mut memory, trace).await?
        } else {
            self.held(mount, asked, body, &mut memory, trace).await?
        };
        check_reach(trace, &caller, operation)?;
        self.admit(trace, &caller, operation, &decoded.value)?;
        let call = Call {
            caller,
            request_id: trace.request_id.clone(),
            source_ip,
            is_secure: Over::is_secure(parts),
            user_agent: text_header(parts, header::USER_AGENT.as_str()).to_owned(),
            manner: Arc::new(manner::of(parts, proof)),
            region: self.region.clone(),
            verdicts: trace.seen.verdicts.clone(),
        };
        self.credentials.used(&call.caller, mount.service.signing_name);
        let outcome = (mount.dispatch)(operation, call, decoded).await;
        let encoded = match &ending {
            Some(ending) => outcome.map_err(|refused| ending.explain(refused))?,
            None => outcome?,
        };
        self.answered(trace, operation, &encoded.value);
        let response = encode_response(trace.protocol, mount.service, operation, &encoded.value, &trace.request_id);
        let response = match ending {
            Some(ending) => ending.finish(response),
            None => response,
        };
        let body = match encoded.body {
            Some(stream) => streamed(stream),
            None => full(response.body),
        };
        let mut answer = Response::new(body);
        *answer.status_mut() = response.status;
        *answer.headers_mut() = response.headers;
        self.sign_off(&mut answer, trace);
        Ok(answer)
    }
}
