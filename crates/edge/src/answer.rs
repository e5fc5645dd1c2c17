//! The last of an answer: headers that all of them have, and the documents of refusals.

use http::{HeaderValue, Response, StatusCode, header};
use tracing::{debug, info};
use wire::sigv4::{Claim, ClaimError};
use wire::{ErrorContext, Protocol, ServiceError, encode_error};

use crate::body::{AnswerBody, full};
use crate::front::Edge;
use crate::trace::Trace;

impl Edge {
    /// The headers that every answer of a service has.
    pub(crate) fn sign_off(&self, answer: &mut Response<AnswerBody>, trace: &Trace) {
        sign_off(answer, trace);
        if trace.protocol == Protocol::RestXml
            && trace.operation == "HeadBucket"
            && let Ok(region) = HeaderValue::from_str(&self.region)
        {
            answer.headers_mut().insert("x-amz-bucket-region", region);
        }
    }
}

fn sign_off(answer: &mut Response<AnswerBody>, trace: &Trace) {
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.headers_mut().insert(name, value);
        }
    };
    match trace.protocol {
        Protocol::RestXml => {
            set("x-amz-request-id", &trace.request_id);
            set("x-amz-id-2", &trace.host_id);
        }
        Protocol::Ec2 | Protocol::Query => set("x-amzn-requestid", &trace.request_id),
    }
    set("server", "Welkin");
}

/// A refusal in the protocol of its request.
pub(crate) fn refused_answer(trace: &Trace, refused: &ServiceError) -> Response<AnswerBody> {
    let context = ErrorContext {
        request_id: &trace.request_id,
        host_id: &trace.host_id,
        resource: &trace.resource,
        is_head: trace.is_head,
    };
    let response = encode_error(trace.protocol, trace.service, refused, context);
    let mut answer = Response::new(full(response.body));
    *answer.status_mut() = response.status;
    *answer.headers_mut() = response.headers;
    sign_off(&mut answer, trace);
    answer
}

/// A service that is not here at all has no protocol of its own; the query protocol's error is the plainest.
pub(crate) fn not_served(claim: &Result<Claim, ClaimError>) -> Response<AnswerBody> {
    let name = claim.as_ref().map_or("-", |claim| claim.scope.service.as_str());
    info!(service = name, "refused: no such service in this region");
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>UnsupportedOperation</Code><Message>This region does not have the service '{}'.</Message></Error><RequestId>{}</RequestId></ErrorResponse>",
        name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect::<String>(),
        wire::uuid_request_id(random()),
    );
    let mut answer = Response::new(full(body.into()));
    *answer.status_mut() = StatusCode::BAD_REQUEST;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    answer
}

/// Random bytes for ids in answers; guessing them gains nobody anything.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        // Without a random source ids repeat, but requests are still answered.
        debug!("no random source");
    }
    bytes
}
