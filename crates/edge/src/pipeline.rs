//! One request from its headers to its answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use api::{Call, Caller};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use iam::Credential;
use jiff::Timestamp;
use tracing::{debug, info};
use wire::aws_chunked::Framing;
use wire::sigv4::{Claim, ClaimError};
use wire::{
    BoxFuture, Decoded, Encoded, ErrorContext, OperationEntry, OperationShape, Protocol, RequestParts, ServiceError,
    ServiceShape, decode_request, encode_error, encode_response, parse_query, route,
};

use crate::authenticate::{Credentials, Expected, Proven, SigningKeys, body_hash, prove};
use crate::body::{AnswerBody, collect, full, stream, streamed};
use crate::checksum;
use crate::failures::{collect_error, log_error, route_error, stream_error};
use crate::limits::Limits;
use crate::recognise::{Hint, hint, virtual_bucket};
use crate::refuse::{Refusal, refusal_error};
use crate::rest::{check_marker, names_mechanism, promise, strip_chunked, to_path_style};
use crate::trace::{Trace, text_header};

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

impl Edge {
    /// A front for these services.
    pub fn new(mounts: Vec<Mount>, credentials: Arc<dyn Credentials>, region: &str, limits: Limits) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let health = format!("{{\"status\":\"ok\",\"region\":\"{region}\",\"version\":\"{version}\"}}\n");
        let keys = SigningKeys::default();
        Self { mounts, credentials, keys, region: region.to_owned(), limits, health: health.into() }
    }

    /// The same front with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Answers one request. Whatever happens there is an answer.
    pub(crate) async fn answer(&self, request: Request<Incoming>, source_ip: Option<IpAddr>) -> Response<AnswerBody> {
        let started = Instant::now();
        let (mut parts, body) = request.into_parts();
        // Below a bucket's own host name this is a key like any other.
        let is_bucket = virtual_bucket(text_header(&parts, header::HOST.as_str())).is_some();
        if parts.uri.path().starts_with("/_welkin/") && !is_bucket {
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
                _ => wire::uuid_request_id(random()),
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
        let (operation, decoded, caller) = if trace.protocol == Protocol::RestXml {
            self.rest(mount, &parts, query, body, &claim, trace).await?
        } else {
            self.form(mount, &parts, query, body, &claim, trace).await?
        };
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
    ) -> Result<(&'static OperationShape, Decoded, Caller), ServiceError> {
        // Who has no key is not listened to: their bodies would fill the memory.
        let known = self.identify(claim, parts, trace)?;
        let body = collect(body, self.limits.body_bytes, &self.limits).await.map_err(collect_error)?;
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

    /// REST: method, path and query name the operation; the body may be a stream.
    async fn rest(
        &self,
        mount: &Mount,
        parts: &Parts,
        query: Vec<(String, Option<String>)>,
        body: Incoming,
        claim: &Result<Claim, ClaimError>,
        trace: &mut Trace,
    ) -> Result<(&'static OperationShape, Decoded, Caller), ServiceError> {
        let found = route(mount.service, &parts.method, parts.uri.path(), &query, &parts.headers);
        let marker = text_header(parts, "x-amz-content-sha256").to_owned();
        if claim.is_ok() && marker.is_empty() {
            let text = "Missing required header for this request: x-amz-content-sha256";
            return Err(ServiceError::bad_request("InvalidRequest", text));
        }
        check_marker(&marker)?;
        let known = self.identify(claim, parts, trace)?;
        let proven = known.map(|known| self.prove(known, parts, &marker, trace)).transpose()?;
        let matched = found.map_err(route_error)?;
        trace.operation = matched.operation.name;
        let operation = implemented(mount.service, matched.operation)?;
        let framing = Framing::from_marker(&marker);
        let limit = if proven.is_some() { self.limits.body_bytes } else { self.limits.unsigned_body_bytes };
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
            request.body = collect(body, limit, &self.limits).await.map_err(collect_error)?;
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
        let mut trailers = None;
        let stream = match stream {
            // A framed body of an operation that wants it whole, as some SDKs send DeleteObjects.
            Some(stream) if !operation.has_streaming_input => {
                trailers = stream.trailers();
                request.body = stream.collect(limit).await.map_err(stream_error)?;
                None
            }
            other => other,
        };
        if stream.is_none() {
            let trailers = trailers.as_ref().and_then(|trailers| trailers.get()).map_or(&[][..], Vec::as_slice);
            checksum::check(&parts.headers, trailers, &request.body, operation.requires_checksum)?;
        }
        let value = decode_request(trace.protocol, operation, &request).map_err(|e| trace.protocol.refusal(e))?;
        let caller = proven.map_or(Caller::ANONYMOUS, |proven| proven.caller);
        Ok((operation, Decoded { value, body: stream }, caller))
    }

    /// The credential that a request names, not yet proven; none for a request that S3 may take unsigned.
    fn identify<'a>(
        &self,
        claim: &'a Result<Claim, ClaimError>,
        parts: &Parts,
        trace: &Trace,
    ) -> Result<Option<(&'a Claim, Arc<Credential>)>, ServiceError> {
        let refuse = |refusal: Refusal| refusal_error(trace.protocol, refusal, claim.as_ref().ok());
        if names_mechanism(parts.uri.query().unwrap_or_default()) {
            let is_alone = matches!(claim, Err(ClaimError::Missing));
            return Err(refuse(if is_alone { Refusal::Presigned } else { Refusal::TwoMechanisms }));
        }
        let claim = match claim {
            Ok(claim) => claim,
            Err(ClaimError::Missing) if trace.protocol == Protocol::RestXml => return Ok(None),
            Err(cause) => return Err(refuse(Refusal::Claim(cause.clone()))),
        };
        let credential = self.credentials.find(&claim.access_key).map_err(ServiceError::internal)?;
        Ok(Some((claim, credential.ok_or_else(|| refuse(Refusal::UnknownKey))?)))
    }

    /// The caller, once the signature matches.
    fn prove(
        &self,
        (claim, credential): (&Claim, Arc<Credential>),
        parts: &Parts,
        payload: &str,
        trace: &mut Trace,
    ) -> Result<Proven, ServiceError> {
        let expected = Expected { protocol: trace.protocol, region: &self.region, now: Timestamp::now(), payload };
        let proven = prove(claim, &credential, &self.keys, parts, &expected)
            .map_err(|refusal| refusal_error(trace.protocol, refusal, Some(claim)))?;
        trace.account = proven.caller.account.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        Ok(proven)
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
        _ => set("x-amzn-requestid", &trace.request_id),
    }
    set("server", "Welkin");
}

fn refused_answer(trace: &Trace, refused: &ServiceError) -> Response<AnswerBody> {
    let context = ErrorContext {
        request_id: &trace.request_id,
        host_id: &trace.host_id,
        resource: &trace.resource,
        is_head: trace.is_head,
        is_query_mode: false,
    };
    let response = encode_error(trace.protocol, trace.service, refused, context);
    let mut answer = Response::new(full(response.body));
    *answer.status_mut() = response.status;
    *answer.headers_mut() = response.headers;
    sign_off(&mut answer, trace);
    answer
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
    entry.shape.ok_or_else(|| service.not_implemented(entry))
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
