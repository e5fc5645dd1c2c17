//! Uploads from browsers: a `POST` of a form to a bucket, which becomes a `PutObject`.
//!
//! S3's model has no such operation, so the edge translates: fields become headers, the file becomes the body, and
//! whoever signed the form's policy is the caller. The service sees a `PutObject` like any other, with the same checks and
//! permissions (S3 asks for `s3:PutObject` too); only the answer is another ([`Ending`]).
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html>.

mod ending;
mod fields;
mod form;
#[cfg(feature = "hostile")]
pub(crate) mod hostile;
mod policy;
mod proof;

use crate::unread::Incoming;
use api::Proof;
use api::s3::PutObjectTaggingRequest;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use jiff::Timestamp;
use wire::multipart::Parser;
use wire::{Decoded, RequestParts, ServiceError, Typed, decode_request, encode_query};

pub(crate) use ending::Ending;

use crate::body::{Promise, stream};
use crate::evidence::Fault;
use crate::front::{Asked, Edge};
use crate::mount::Mount;
use crate::pipeline::Ready;
use crate::post::fields::Fields;
use crate::post::form::{Form, malformed};
use crate::post::policy::Policy;
use crate::refuse::{Refusal, refusal_error};
use crate::rest::implemented;
use crate::trace::{Over, SentUri, Trace, text_header};

/// The most bytes that one file may have: as many as one PUT may bring.
const MAX_FILE: u64 = 5 << 30;

/// Whether a request to S3, in path style, uploads a form to a bucket.
pub(crate) fn is_upload(parts: &Parts) -> bool {
    let path = parts.uri.path().trim_matches('/');
    let is_form =
        text_header(parts, header::CONTENT_TYPE.as_str()).to_ascii_lowercase().starts_with("multipart/form-data");
    parts.method == Method::POST && is_form && !path.is_empty() && !path.contains('/')
}

/// S3's refusal of a `POST` to a bucket that is neither a form nor anything else.
pub(crate) fn no_form() -> ServiceError {
    ServiceError::sender("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold")
        .with_field("Condition", "Bucket POST must be of the enclosure-type multipart/form-data")
}

impl Edge {
    /// Reads and proves a form up to its file.
    pub(crate) async fn upload<'a>(
        &self,
        mount: &'a Mount,
        asked: Asked<'a>,
        body: Incoming,
        trace: &mut Trace,
    ) -> Result<(Ready<'a>, Ending, Option<Proof>), ServiceError> {
        let Asked { parts, claim, .. } = asked;
        // S3 itself calls it so in its logs.
        trace.operation = "PostObject";
        if !matches!(claim, Err(Fault::Missing)) {
            return Err(refusal_error(trace, Refusal::Claim(Fault::Two), claim.as_ref().ok()));
        }
        let entry = mount.service.find("PutObject").ok_or_else(|| ServiceError::internal("no PutObject"))?;
        let operation = implemented(mount.service, entry)?;
        let parser =
            Parser::for_content_type(text_header(parts, header::CONTENT_TYPE.as_str())).ok_or_else(malformed)?;
        let length = text_header(parts, header::CONTENT_LENGTH.as_str()).parse::<u64>().ok();
        let bucket =
            wire::decode_path(parts.uri.path().trim_matches('/')).map_err(|error| trace.protocol.refusal(error))?;
        let body = stream(body, Promise { length, sha256: None, framing: None }, &self.limits);
        let mut form = Form::read(body, parser, &bucket).await?;
        let now = Timestamp::now();
        let named = form.fields.get("x-amz-credential").and_then(|text| text.split('/').next());
        let named = named.or_else(|| form.fields.get("AWSAccessKeyId"));
        let (caller, shown) = match self.dev_for(parts, claim) {
            Some(dev) if self.is_believed(dev, named)? => {
                (dev.credential(named).await.map_err(ServiceError::internal)?.caller().clone(), None)
            }
            Some(_) | None => self.prove_form(&form.fields, now, trace)?,
        };
        trace.account = caller.account.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        // Without a name there is nothing to put in its place, and S3 leaves it.
        if let Some(filename) = &form.filename {
            form.fields.fill_in(filename);
        }
        let key = form.fields.given("key").ok_or_else(|| proof::lacking("key"))?.to_owned();
        let mut range = (0, MAX_FILE);
        if let Some(policy) = form.fields.given("policy") {
            let policy = Policy::read(policy)?;
            policy.check(&form.fields, now)?;
            range = policy.range.map_or(range, |(least, most)| (least, most.min(MAX_FILE)));
        }
        let request = RequestParts {
            method: Method::PUT,
            labels: vec![("Bucket", bucket), ("Key", key)],
            headers: with_tags(&form.fields, mount, trace)?,
            ..RequestParts::default()
        };
        let value =
            decode_request(trace.protocol, operation, &request).map_err(|error| trace.protocol.refusal(error))?;
        let base = address(parts);
        let fields = std::mem::replace(&mut form.fields, Fields::new(""));
        let (file, seen) = form.into_file(range.0, range.1);
        let ending = Ending::new(&fields, &base, range, seen);
        Ok((Ready { mount, operation, decoded: Decoded { value, body: Some(file) }, caller }, ending, shown))
    }
}

/// The headers that the fields of a form are. A form has an object's tags as the document that `PutObjectTagging` takes; the header has them as a query.
fn with_tags(fields: &Fields, mount: &Mount, trace: &Trace) -> Result<HeaderMap, ServiceError> {
    let mut headers = fields.headers()?;
    let Some(document) = fields.given("tagging") else { return Ok(headers) };
    let operation = mount.service.find("PutObjectTagging").and_then(|entry| entry.shape);
    let operation = operation.ok_or_else(|| ServiceError::internal("no PutObjectTagging"))?;
    let request = RequestParts {
        method: Method::PUT,
        labels: vec![("Bucket", String::new()), ("Key", String::new())],
        body: Bytes::copy_from_slice(document.as_bytes()),
        ..RequestParts::default()
    };
    let refuse = |error| trace.protocol.refusal(error);
    let value = decode_request(trace.protocol, operation, &request).map_err(refuse)?;
    let tags = PutObjectTaggingRequest::from_value(value).map_err(refuse)?.tagging.tag_set;
    let pairs: Vec<String> =
        tags.iter().map(|tag| format!("{}={}", encode_query(&tag.key), encode_query(&tag.value))).collect();
    let text = HeaderValue::from_str(&pairs.join("&")).map_err(ServiceError::internal)?;
    headers.insert(HeaderName::from_static("x-amz-tagging"), text);
    Ok(headers)
}

/// The address of the bucket as the browser used it.
fn address(parts: &Parts) -> String {
    let scheme = if Over::is_secure(parts) { "https" } else { "http" };
    let sent = parts.extensions.get::<SentUri>().map_or(&parts.uri, |sent| &sent.0);
    format!("{scheme}://{}{}", text_header(parts, header::HOST.as_str()), sent.path().trim_end_matches('/'))
}
