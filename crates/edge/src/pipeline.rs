//! One request from its headers to its answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use api::{Call, Caller};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use hyper::body::Incoming;
use jiff::Timestamp;
use tracing::{debug, error, info};
use wire::aws_chunked::{ChunkSigner, Decoder, Framing};
use wire::sigv4::{Claim, ClaimError};
use wire::{
    BoxFuture, Decoded, Encoded, ErrorContext, OperationEntry, OperationShape, Protocol, RequestParts, RouteError,
    ServiceError, ServiceShape, decode_request, encode_error, encode_response, parse_query, route,
};

use crate::authenticate::{Credentials, Expected, Proven, SigningKeys, body_hash, prove};
use crate::body::{AnswerBody, CollectError, Promise, collect, full, stream, streamed};
use crate::limits::Limits;
use crate::recognise::{Hint, hint, virtual_bucket};
use crate::refuse::{Refusal, refusal_error};

/// Hands a decoded request to a service and gives its answer.
type Dispatch = Box<
    dyn Fn(&'static OperationShape, Call, Decoded) -> BoxFuture<'static, Result<Encoded, ServiceError>> + Send + Sync,
>;

/// A service that the edge serves.
pub struct Mount {
    service: &'static ServiceShape,
    dispatch: Dispatch,
}

impl Mount {
    /// A service by its schema, and how to reach it.
    pub fn new<F>(service: &'static ServiceShape, dispatch: F) -> Self
    where
        F: Fn(&'static OperationShape, Call, Decoded) -> BoxFuture<'static, Result<Encoded, ServiceError>>
            + Send
            + Sync
            + 'static,
    {
        Self { service, dispatch: Box::new(dispatch) }
    }

    fn protocol(&self) -> Protocol {
        self.service.protocols.first().copied().unwrap_or(Protocol::Query)
    }
}

/// The front of a region.
pub struct Edge {
    mounts: Vec<Mount>,
    credentials: Arc<dyn Credentials>,
    keys: SigningKeys,
    region: String,
    limits: Limits,
    health: Bytes,
}

/// What is known of a request when its answer is written.
struct Trace {
    service: &'static ServiceShape,
    protocol: Protocol,
    operation: &'static str,
    account: String,
    request_id: String,
    host_id: String,
    resource: String,
    is_head: bool,
}

impl Edge {
    /// A front for these services.
    pub fn new(mounts: Vec<Mount>, credentials: Arc<dyn Credentials>, region: &str, limits: Limits) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let health = format!("{{\"status\":\"ok\",\"region\":\"{region}\",\"version\":\"{version}\"}}\n");
        let keys = SigningKeys::default();
        Self { mounts, credentials, keys, region: region.to_owned(), limits, health: health.into() }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Answers one request. Whatever happens there is an answer.
    pub(crate) async fn answer(&self, request: Request<Incoming>, source_ip: Option<IpAddr>) -> Response<AnswerBody> {
        let started = Instant::now();
        let (mut parts, body) = request.into_parts();
        if parts.uri.path().starts_with("/_welkin/") {
            return self.own_page(parts.uri.path());
        }
        let claim = Claim::from_headers(&parts.headers);
        let Some(mount) = self.mount_of(&claim, &parts) else { return not_served(&claim) };
        let protocol = mount.protocol();
        if protocol == Protocol::RestXml {
            to_path_style(&mut parts);
        }
        let mut trace = Trace {
            service: mount.service,
            protocol,
            operation: "-",
            account: "-".to_owned(),
            request_id: match protocol {
                Protocol::RestXml => wire::s3_request_id(random()),
                Protocol::Ec2 | Protocol::Query => wire::uuid_request_id(random()),
            },
            host_id: if protocol == Protocol::RestXml { wire::s3_host_id(random()) } else { String::new() },
            resource: parts.uri.path().to_owned(),
            is_head: parts.method == Method::HEAD,
        };
        let outcome = self.run(mount, parts, body, claim, source_ip, &mut trace).await;
        let status;
        let answer = match outcome {
            Ok(answer) => {
                status = answer.status();
                answer
            }
            Err(refused) => {
                status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                log_error(&trace, &refused);
                refused_answer(&trace, &refused)
            }
        };
        debug!(
            service = trace.service.name,
            operation = trace.operation,
            account = trace.account,
            request_id = trace.request_id,
            status = status.as_u16(),
            micros = started.elapsed().as_micros(),
            "call"
        );
        answer
    }

    fn own_page(&self, path: &str) -> Response<AnswerBody> {
        let (status, kind, body) = match path {
            "/_welkin/health" => (StatusCode::OK, "application/json", self.health.clone()),
            _ => (StatusCode::NOT_FOUND, "text/plain", Bytes::from_static(b"there is no such page\n")),
        };
        let mut answer = Response::new(full(body));
        *answer.status_mut() = status;
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        answer
    }

    fn mount_of(&self, claim: &Result<Claim, ClaimError>, parts: &Parts) -> Option<&Mount> {
        let query = parts.uri.query().unwrap_or_default();
        match hint(claim, &parts.method, query, &parts.headers) {
            Hint::Signed(name) => self.mounts.iter().find(|mount| mount.service.signing_name == name),
            // Unsigned calls are refused whatever they ask; EC2's refusal is the one that old tools know best.
            Hint::Form => self.mounts.iter().find(|mount| mount.protocol() == Protocol::Ec2),
            Hint::Rest => self.mounts.iter().find(|mount| mount.protocol() == Protocol::RestXml),
        }
    }

    async fn run(
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
        let (entry, decoded, caller) = if trace.protocol == Protocol::RestXml {
            self.rest(mount, &parts, query, body, &claim, trace).await?
        } else {
            self.form(mount, &parts, query, body, &claim, trace).await?
        };
        let operation = implemented(mount.service, entry)?;
        let call = Call {
            caller,
            request_id: trace.request_id.clone(),
            source_ip,
            is_secure: false,
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

    /// EC2 and query: everything is in a form, held whole.
    async fn form(
        &self,
        mount: &Mount,
        parts: &Parts,
        query: Vec<(String, Option<String>)>,
        body: Incoming,
        claim: &Result<Claim, ClaimError>,
        trace: &mut Trace,
    ) -> Result<(&'static OperationEntry, Decoded, Caller), ServiceError> {
        let body = collect(body, &self.limits).await.map_err(collect_error)?;
        let proven = self.authenticate(claim, parts, &body_hash(&body), trace)?;
        let caller = proven.map_or(Caller::ANONYMOUS, |proven| proven.caller);
        let text = std::str::from_utf8(&body).unwrap_or_default();
        let form =
            if body.is_empty() { query.clone() } else { parse_query(text).map_err(|e| trace.protocol.refusal(e))? };
        let find = |name: &str| form.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.as_deref());
        let Some(action) = find("Action").filter(|action| !action.is_empty()) else {
            return Err(ServiceError::bad_request("MissingAction", "The request must contain the parameter Action"));
        };
        let entry = mount.service.find(action).ok_or_else(|| invalid_action(mount.service, action, find("Version")))?;
        trace.operation = entry.name;
        let operation = implemented(mount.service, entry)?;
        let request = RequestParts { method: parts.method.clone(), query, body, ..RequestParts::default() };
        let value = decode_request(trace.protocol, operation, &request).map_err(|e| trace.protocol.refusal(e))?;
        Ok((entry, Decoded { value, body: None }, caller))
    }

    /// REST: method, path and query name the operation; the body may be a stream.
    async fn rest(
        &self,
        mount: &Mount,
        parts: &Parts,
        query: Vec<(String, Option<String>)>,
        body: Incoming,
        claim: &Result<Claim, ClaimError>,
        trace: &mut Trace,
    ) -> Result<(&'static OperationEntry, Decoded, Caller), ServiceError> {
        let found = route(mount.service, &parts.method, parts.uri.path(), &query, &parts.headers);
        let marker = text_header(parts, "x-amz-content-sha256").to_owned();
        if matches!(claim, Ok(_)) && marker.is_empty() {
            let text = "Missing required header for this request: x-amz-content-sha256";
            return Err(ServiceError::bad_request("InvalidRequest", text));
        }
        let proven = self.authenticate(claim, parts, &marker, trace)?;
        let matched = found.map_err(route_error)?;
        trace.operation = matched.operation.name;
        let operation = implemented(mount.service, matched.operation)?;
        let framing = Framing::from_marker(&marker);
        let mut headers = parts.headers.clone();
        if framing.is_some() {
            strip_chunked(&mut headers);
        }
        let mut request =
            RequestParts { method: parts.method.clone(), labels: matched.labels, query, headers, body: Bytes::new() };
        let signed_hash = (marker.len() == 64).then(|| marker.to_ascii_lowercase());
        let stream = if operation.has_streaming_input || framing.is_some() {
            let promise = promise(parts, framing, signed_hash, claim.as_ref().ok(), proven.as_ref())?;
            Some(stream(body, promise, &self.limits))
        } else {
            request.body = collect(body, &self.limits).await.map_err(collect_error)?;
            if let Some(sent) = signed_hash {
                let computed = body_hash(&request.body);
                if computed != sent {
                    return Err(refusal_error(
                        trace.protocol,
                        Refusal::Payload { sent, computed },
                        claim.as_ref().ok(),
                    ));
                }
            }
            None
        };
        let stream = match stream {
            // A framed body of an operation that wants it whole, as some SDKs send DeleteObjects.
            Some(stream) if !operation.has_streaming_input => {
                request.body = stream.collect(self.limits.body_bytes).await.map_err(stream_error)?;
                None
            }
            other => other,
        };
        let value = decode_request(trace.protocol, operation, &request).map_err(|e| trace.protocol.refusal(e))?;
        let caller = proven.map_or(Caller::ANONYMOUS, |proven| proven.caller);
        Ok((matched.operation, Decoded { value, body: stream }, caller))
    }

    /// The proven caller, or none for a request that S3 may take unsigned.
    fn authenticate(
        &self,
        claim: &Result<Claim, ClaimError>,
        parts: &Parts,
        payload: &str,
        trace: &mut Trace,
    ) -> Result<Option<Proven>, ServiceError> {
        let refuse = |refusal: Refusal| refusal_error(trace.protocol, refusal, claim.as_ref().ok());
        let claim = match claim {
            Ok(claim) => claim,
            Err(ClaimError::Missing) if trace.protocol == Protocol::RestXml => return Ok(None),
            Err(cause) => return Err(refuse(Refusal::Claim(cause.clone()))),
        };
        let credential = self.credentials.find(&claim.access_key).map_err(ServiceError::internal)?;
        let credential = credential.ok_or_else(|| refuse(Refusal::UnknownKey))?;
        let expected = Expected { protocol: trace.protocol, region: &self.region, now: Timestamp::now(), payload };
        let proven = prove(claim, credential, &self.keys, parts, &expected).map_err(refuse)?;
        trace.account = proven.caller.account.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        Ok(Some(proven))
    }

    fn sign_off(&self, answer: &mut Response<AnswerBody>, trace: &Trace) {
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

fn refused_answer(trace: &Trace, refused: &ServiceError) -> Response<AnswerBody> {
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

/// One line with the cause, for whoever can act on it: our faults for the operator, theirs only when asked for.
fn log_error(trace: &Trace, refused: &ServiceError) {
    let (service, operation, request_id) = (trace.service.name, trace.operation, &trace.request_id);
    let cause = refused.cause.as_ref().map(|cause| with_sources(cause.as_ref())).unwrap_or_default();
    if refused.is_sender_fault {
        info!(service, operation, account = trace.account, request_id, code = %refused.code, cause, "refused");
    } else {
        error!(service, operation, account = trace.account, request_id, code = %refused.code, cause, "failed");
    }
}

fn with_sources(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

/// A service that is not here at all has no protocol of its own; the query protocol's error is the plainest.
fn not_served(claim: &Result<Claim, ClaimError>) -> Response<AnswerBody> {
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

fn implemented(service: &ServiceShape, entry: &OperationEntry) -> Result<&'static OperationShape, ServiceError> {
    entry.shape.ok_or_else(|| {
        if service.has_bare_errors {
            let text = "A header you provided implies functionality that is not implemented.";
            return ServiceError::receiver("NotImplemented", 501, text).with_field("Operation", entry.name);
        }
        let text = format!("The operation {} is not built yet.", entry.name);
        ServiceError::bad_request("UnsupportedOperation", text)
    })
}

fn invalid_action(service: &ServiceShape, action: &str, version: Option<&str>) -> ServiceError {
    let version = version.unwrap_or(service.api_version);
    if service.protocols.first() == Some(&Protocol::Ec2) {
        let text = format!("The action {action} is not valid for this web service.");
        return ServiceError::bad_request("InvalidAction", text);
    }
    ServiceError::bad_request("InvalidAction", format!("Could not find operation {action} for version {version}"))
}

fn route_error(error: RouteError) -> ServiceError {
    match error {
        RouteError::MethodNotAllowed => {
            let text = "The specified method is not allowed against this resource.";
            ServiceError::sender("MethodNotAllowed", 405, text)
        }
        RouteError::Conflict(one, other) => {
            let text = "Conflicting query string parameters";
            ServiceError::bad_request("InvalidArgument", text)
                .with_field("ArgumentName", "ResourceType")
                .with_field("ArgumentValue", format!("{one}, {other}"))
        }
        RouteError::NotFound | RouteError::Path(_) => {
            ServiceError::bad_request("InvalidURI", "Couldn't parse the specified URI.")
        }
    }
}

fn collect_error(error: CollectError) -> ServiceError {
    match error {
        CollectError::TooLarge(_) => {
            ServiceError::sender("RequestEntityTooLarge", 413, "The request body is too large.").because(error)
        }
        CollectError::TooSlow(_) => ServiceError::sender(
            "RequestTimeout",
            400,
            "Your socket connection to the server was not read from or written to within the timeout period.",
        )
        .because(error),
        CollectError::Broken(_) => {
            ServiceError::bad_request("IncompleteBody", "The request body terminated unexpectedly").because(error)
        }
    }
}

fn stream_error(error: wire::StreamError) -> ServiceError {
    match error {
        wire::StreamError::Invalid { code, message } => ServiceError::bad_request(code, message),
        error => ServiceError::bad_request("IncompleteBody", "The request body terminated unexpectedly").because(error),
    }
}

/// What the headers promise of a body that will be streamed.
fn promise(
    parts: &Parts,
    framing: Option<Framing>,
    sha256: Option<String>,
    claim: Option<&Claim>,
    proven: Option<&Proven>,
) -> Result<Promise, ServiceError> {
    let number = |name: &str| text_header(parts, name).parse::<u64>().ok();
    let Some(framing) = framing else {
        let length = number("content-length");
        if length.is_none() && !parts.headers.contains_key(header::TRANSFER_ENCODING) {
            return Ok(Promise { length: Some(0), sha256, framing: None });
        }
        return Ok(Promise { length, sha256, framing: None });
    };
    let Some(length) = number("x-amz-decoded-content-length") else {
        let text = "You must provide the Content-Length HTTP header.";
        return Err(ServiceError::sender("MissingContentLength", 411, text));
    };
    let signer = claim.zip(proven).map(|(claim, proven)| ChunkSigner {
        key: proven.key.clone(),
        amz_date: claim.amz_date.clone(),
        scope: claim.scope.to_string(),
        seed: claim.signature.clone(),
    });
    Ok(Promise { length: Some(length), sha256: None, framing: Some(Decoder::new(framing, signer)) })
}

/// Takes `aws-chunked` out of the content encodings, and puts the length that counts in place of the framed one.
fn strip_chunked(headers: &mut http::HeaderMap) {
    if let Some(value) = headers.remove(header::CONTENT_ENCODING) {
        let text = value.to_str().unwrap_or_default();
        let rest: Vec<&str> = text.split(',').map(str::trim).filter(|coding| *coding != "aws-chunked").collect();
        if let Ok(value) = HeaderValue::from_str(&rest.join(","))
            && !value.is_empty()
        {
            headers.insert(header::CONTENT_ENCODING, value);
        }
    }
    headers.remove(header::CONTENT_LENGTH);
    if let Some(length) = headers.get("x-amz-decoded-content-length").cloned() {
        headers.insert(header::CONTENT_LENGTH, length);
    }
}

/// Rewrites a virtual-hosted S3 request to path style. The signature was made of the path as sent, so only routing
/// may see the new one; the old is kept in the extensions.
fn to_path_style(parts: &mut Parts) {
    let host = text_header(parts, header::HOST.as_str()).to_owned();
    let Some(bucket) = virtual_bucket(&host) else { return };
    let path_and_query = parts.uri.path_and_query().map_or("/", |both| both.as_str());
    if let Ok(uri) = format!("/{bucket}{path_and_query}").parse::<Uri>() {
        parts.extensions.insert(SentUri(std::mem::replace(&mut parts.uri, uri)));
    }
}

/// The URI as the client sent it, where routing uses another.
#[derive(Clone)]
pub(crate) struct SentUri(pub(crate) Uri);

fn text_header<'a>(parts: &'a Parts, name: &str) -> &'a str {
    parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Random bytes for ids in answers; guessing them gains nobody anything.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        // Without a random source ids repeat, but requests are still answered.
        debug!("no random source");
    }
    bytes
}
