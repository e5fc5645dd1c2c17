//! The last of an answer: headers that all of them have, and the documents of refusals.

use http::{HeaderValue, Response, header};
use tracing::debug;
use wire::{ErrorContext, ServiceError, encode_error};

use crate::body::{AnswerBody, full};
use crate::front::Edge;
use crate::markup::error_page;
use crate::trace::{Family, Trace};

impl Edge {
    /// The headers that every answer of a service has.
    pub(crate) fn sign_off(&self, answer: &mut Response<AnswerBody>, trace: &Trace) {
        sign_off(answer, trace);
        if trace.service.has_bare_errors && tells_region(trace.operation) {
            self.tell_region(answer);
        }
        if trace.operation == "HeadBucket" {
            answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        }
    }

    /// A refusal in the protocol of its request. Clients of S3 learn where else they should ask.
    pub(crate) fn refused(&self, trace: &Trace, refused: &ServiceError) -> Response<AnswerBody> {
        let mut answer = refused_answer(trace, refused);
        let is_elsewhere = refused.fields.iter().any(|(name, _)| *name == "Region");
        let is_here = tells_region(trace.operation) && refused.status < 500 && refused.code != "NoSuchBucket";
        if trace.service.has_bare_errors && (is_elsewhere || is_here) {
            self.tell_region(&mut answer);
        }
        answer
    }

    fn tell_region(&self, answer: &mut Response<AnswerBody>) {
        if let Ok(region) = HeaderValue::from_str(&self.region) {
            answer.headers_mut().insert("x-amz-bucket-region", region);
        }
    }
}

/// Operations of S3 on a bucket whose answers name its region.
fn tells_region(operation: &str) -> bool {
    matches!(operation, "HeadBucket" | "ListObjects" | "ListObjectsV2")
}

fn sign_off(answer: &mut Response<AnswerBody>, trace: &Trace) {
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.headers_mut().insert(name, value);
        }
    };
    let is_s3 = trace.family() == Family::S3;
    if is_s3 {
        set("x-amz-request-id", &trace.request_id);
        set("x-amz-id-2", &trace.host_id);
    } else {
        set("x-amzn-requestid", &trace.request_id);
    }
    set("server", if is_s3 { "AmazonS3" } else { "Welkin" });
}

fn refused_answer(trace: &Trace, refused: &ServiceError) -> Response<AnswerBody> {
    if let Some(visited) = &trace.visited {
        let mut answer = error_page(trace, visited, refused);
        sign_off(&mut answer, trace);
        return answer;
    }
    let context = ErrorContext {
        request_id: &trace.request_id,
        host_id: &trace.host_id,
        is_head: trace.is_head,
        is_query_mode: trace.is_query_mode,
    };
    let response = encode_error(trace.protocol, trace.service, refused, context);
    let mut answer = Response::new(full(response.body));
    *answer.status_mut() = response.status;
    *answer.headers_mut() = response.headers;
    sign_off(&mut answer, trace);
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
