//! One request from its headers to its answer, once its service is known.

use std::net::IpAddr;

use api::Call;
use http::request::Parts;
use http::{Response, header};
use hyper::body::Incoming;
use wire::sigv4::{Claim, ClaimError};
use wire::{Protocol, ServiceError, encode_response, parse_query};

use crate::body::{AnswerBody, full, streamed};
use crate::front::Edge;
use crate::mount::Mount;
use crate::trace::{IsSecure, Trace, text_header};

impl Edge {
    /// Reads, proves, dispatches and encodes.
    pub(crate) async fn run(
        &self,
        mount: &Mount,
        parts: Parts,
        body: Incoming,
        claim: Result<Claim, ClaimError>,
        source_ip: Option<IpAddr>,
        trace: &mut Trace,
    ) -> Result<Response<AnswerBody>, ServiceError> {
        let query =
            parse_query(parts.uri.query().unwrap_or_default()).map_err(|error| trace.protocol.refusal(error))?;
        let (operation, decoded, caller) = if trace.protocol == Protocol::RestXml {
            self.rest(mount, &parts, query, body, &claim, trace).await?
        } else {
            self.form(mount, &parts, query, body, &claim, trace).await?
        };
        let call = Call {
            caller,
            request_id: trace.request_id.clone(),
            source_ip,
            is_secure: IsSecure::of(&parts),
            user_agent: text_header(&parts, header::USER_AGENT.as_str()).chars().take(256).collect(),
            region: self.region.clone(),
        };
        let encoded = (mount.dispatch)(operation, call, decoded).await?;
        let response = encode_response(trace.protocol, mount.service, operation, &encoded.value, &trace.request_id);
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
