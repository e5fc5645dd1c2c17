//! Visitors of websites. Whoever comes is nobody, and reads objects as nobody may: policies and ACLs decide.
//! Not here: where a visitor is led ([`crate::web::Site`] knows), and what errors look like.

use std::net::IpAddr;
use std::sync::Arc;

use api::{Call, Caller};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use wire::{Decoded, RequestParts, ServiceError, decode_request, encode_response};

use crate::body::{AnswerBody, full, streamed};
use crate::front::Edge;
use crate::manner;
use crate::markup::{Told, explain, page};
use crate::mount::Mount;
use crate::odd::check_head;
use crate::rest::implemented;
use crate::trace::{Over, Trace, text_header};
use crate::web::{Turn, Visit, Web};

/// What a visitor may ask of a page beside its name.
const ASKED: [header::HeaderName; 5] =
    [header::RANGE, header::IF_MATCH, header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::IF_UNMODIFIED_SINCE];

/// A visitor on the way.
struct Way<'a> {
    mount: &'a Mount,
    bucket: &'a str,
    parts: &'a Parts,
    source_ip: Option<IpAddr>,
}

impl Edge {
    /// Answers a visitor of the website of `bucket`.
    pub(crate) async fn website(
        &self,
        (mount, web): (&Mount, &dyn Web),
        bucket: &str,
        parts: &Parts,
        source_ip: Option<IpAddr>,
        trace: &mut Trace,
    ) -> Result<Response<AnswerBody>, ServiceError> {
        check_head(parts, trace.family(), &self.limits)?;
        let path = parts.uri.path().strip_prefix('/').unwrap_or_default();
        if parts.method == Method::OPTIONS {
            return self.preflight(web, (bucket.to_owned(), !path.is_empty()), parts, trace).await;
        }
        if parts.method != Method::GET && parts.method != Method::HEAD {
            let text = "The specified method is not allowed against this resource.";
            return Err(ServiceError::sender("MethodNotAllowed", 405, text)
                .with_header("Allow", "GET, HEAD")
                .with_field("Method", parts.method.as_str())
                .with_field("ResourceType", "OBJECT"));
        }
        let key = wire::decode_path(path).map_err(|error| trace.protocol.refusal(error))?;
        let visit = Visit {
            protocol: if Over::is_secure(parts) { "https" } else { "http" },
            host: text_header(parts, header::HOST.as_str()),
            key: &key,
            query: parts.uri.query(),
        };
        let site = web.site(bucket).await?;
        let way = Way { mount, bucket, parts, source_ip };
        let mut headers = HeaderMap::new();
        for name in ASKED {
            if let Some(value) = parts.headers.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        let looked = match site.first(visit) {
            Turn::Look(key) => key,
            Turn::Move { status, location } => return Ok(self.moved(trace, status, &location)),
            Turn::Nothing => return Err(ServiceError::internal("a website without pages")),
        };
        let refused = match self.look(&way, &looked, headers, trace, true).await {
            Ok(answer) => return Ok(self.led(trace, answer)),
            Err(refused) => refused,
        };
        if !matches!(refused.status, 403 | 404) {
            if refused.status < 400 || refused.status >= 500 {
                return Err(refused);
            }
        } else if let Some(folder) = site.folder_page(&key)
            && self.look(&way, &folder, HeaderMap::new(), trace, false).await.is_ok()
        {
            return Ok(self.to_folder(trace, &key));
        }
        match site.missing(visit, refused.status) {
            Turn::Move { status, location } => Ok(self.moved(trace, status, &location)),
            Turn::Nothing => Err(refused),
            Turn::Look(document) => match self.look(&way, &document, HeaderMap::new(), trace, false).await {
                Ok(mut answer) => {
                    *answer.status_mut() = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::NOT_FOUND);
                    explain(&mut answer, &refused.code, &refused.message);
                    Ok(answer)
                }
                Err(cause) => {
                    if let Some(visited) = &mut trace.visited {
                        visited.document = Some((document, Told::from(&cause)));
                    }
                    Err(refused)
                }
            },
        }
    }

    /// The object of a key, as anybody may read it.
    async fn look(
        &self,
        way: &Way<'_>,
        key: &str,
        headers: HeaderMap,
        trace: &mut Trace,
        is_asked: bool,
    ) -> Result<Response<AnswerBody>, ServiceError> {
        let name = if trace.is_head { "HeadObject" } else { "GetObject" };
        let service = way.mount.service;
        let entry = service.find(name).ok_or_else(|| ServiceError::internal("no object to read"))?;
        let operation = implemented(service, entry)?;
        let request = RequestParts {
            method: way.parts.method.clone(),
            labels: vec![("Bucket", way.bucket.to_owned()), ("Key", key.to_owned())],
            headers,
            ..RequestParts::default()
        };
        let value =
            decode_request(trace.protocol, operation, &request).map_err(|error| trace.protocol.refusal(error))?;
        if is_asked {
            trace.operation = operation.name;
            self.admit(trace, &Caller::ANONYMOUS, operation, &value)?;
        }
        let call = Call {
            caller: Caller::ANONYMOUS,
            request_id: trace.request_id.clone(),
            source_ip: way.source_ip,
            is_secure: Over::is_secure(way.parts),
            user_agent: text_header(way.parts, header::USER_AGENT.as_str()).to_owned(),
            manner: Arc::new(manner::of(way.parts, None)),
            region: self.region.clone(),
            verdicts: trace.seen.verdicts.clone(),
        };
        let encoded = (way.mount.dispatch)(operation, call, Decoded { value, body: None }).await?;
        let response = encode_response(trace.protocol, service, operation, &encoded.value, &trace.request_id);
        let mut answer = Response::new(encoded.body.map_or_else(|| full(response.body), streamed));
        *answer.status_mut() = response.status;
        *answer.headers_mut() = response.headers;
        self.sign_off(&mut answer, trace);
        Ok(answer)
    }

    /// The page itself, or where the object says that its page is.
    fn led(&self, trace: &Trace, answer: Response<AnswerBody>) -> Response<AnswerBody> {
        let location = answer.headers().get("x-amz-website-redirect-location").and_then(|value| value.to_str().ok());
        match location.map(ToOwned::to_owned) {
            Some(location) => self.moved(trace, 301, &location),
            None => answer,
        }
    }

    fn moved(&self, trace: &Trace, status: u16, location: &str) -> Response<AnswerBody> {
        let mut answer = Response::new(full(Bytes::new()));
        *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::MOVED_PERMANENTLY);
        if let Ok(location) = HeaderValue::from_str(location) {
            answer.headers_mut().insert(header::LOCATION, location);
        }
        self.sign_off(&mut answer, trace);
        answer
    }

    fn to_folder(&self, trace: &Trace, key: &str) -> Response<AnswerBody> {
        let told = ("Found", "Resource Found");
        let mut answer = page(trace, StatusCode::FOUND, told, &[], &Default::default());
        if let Ok(location) = HeaderValue::from_str(&format!("/{}/", wire::encode_path(key))) {
            answer.headers_mut().insert(header::LOCATION, location);
        }
        self.sign_off(&mut answer, trace);
        answer
    }
}
