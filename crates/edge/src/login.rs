//! The door for people: `POST /_welkin/login` and `POST /_welkin/logout`, for tools on a person's own machine.
//! Not here: who is let in, which whoever knows the accounts decides.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::unread::Incoming;
use ::audit::{Event, Identity, Outcome};
use api::Caller;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};
use iam::{LoginError, LoginRequest, LogoutRequest, SessionRecord};
use jiff::Timestamp;
use serde_json::{Value, json};
use wire::{BoxFuture, Protocol, ServiceShape};

use crate::answer::random;
use crate::body::{AnswerBody, collect};
use crate::front::Edge;
use crate::pages::page;
use crate::source::Source;
use crate::trace::{Over, text_header};

/// The longest request: a name, a token, two passwords.
const MAX_BODY: usize = 8 * 1024;

/// Who lets people in.
pub trait Logins: Send + Sync {
    /// Signs somebody in; who it is, and a session that is stored. Bounds how many are looked at, and how often.
    fn login(
        &self,
        request: LoginRequest,
        source: Option<IpAddr>,
    ) -> BoxFuture<'_, Result<(Caller, SessionRecord), LoginError>>;

    /// Ends a session.
    fn logout(&self, request: LogoutRequest) -> BoxFuture<'_, Result<(), LoginError>>;
}

/// What the audit trail calls the door: the name that CloudTrail has for the sign-in page.
static SIGNIN: ServiceShape = ServiceShape {
    name: "signin",
    service_id: "signin",
    endpoint_prefix: "signin",
    signing_name: "signin",
    protocols: &[Protocol::RestJson],
    api_version: "-",
    xml_namespace: "",
    target_prefix: None,
    has_bare_errors: false,
    has_whole_seconds: false,
    is_query_compatible: false,
    errors: &[],
    operations: &[],
};

/// Why a request is not looked at: status, word and text.
type Refused = (StatusCode, &'static str, String);

impl Edge {
    /// The same front with a door for people.
    #[must_use]
    pub fn with_logins(mut self, logins: Arc<dyn Logins>) -> Self {
        self.logins = Some(logins);
        self
    }

    /// Answers a request at the door.
    pub(crate) async fn door(&self, parts: &Parts, body: Incoming, source_ip: Option<IpAddr>) -> Response<AnswerBody> {
        let answered = match parts.uri.path() {
            "/_welkin/login" => self.login(parts, body, source_ip).await,
            _ => self.logout(parts, body, source_ip).await,
        };
        let (status, answer) =
            answered.unwrap_or_else(|(status, word, message)| (status, json!({ "error": word, "message": message })));
        let mut response = page(status, "application/json", format!("{answer}\n"));
        if let Some(wait) = answer.get("wait").and_then(Value::as_i64) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
        }
        response
    }

    async fn login(
        &self,
        parts: &Parts,
        body: Incoming,
        source_ip: Option<IpAddr>,
    ) -> Result<(StatusCode, Value), Refused> {
        let started = Instant::now();
        let (logins, bytes) = self.let_near(parts, body, source_ip).await?;
        let request: LoginRequest = read(&bytes)?;
        let outcome = logins.login(request, source_ip).await;
        self.note(parts, source_ip, started, &outcome).await;
        match outcome {
            Ok((caller, session)) => Ok((
                StatusCode::OK,
                json!({
                    "arn": caller.arn(),
                    "region": self.region,
                    "access_key": session.id,
                    "secret": session.secret,
                    "token": session.token,
                    "expires": session.expires.to_string(),
                    "mfa": session.mfa.is_some(),
                }),
            )),
            Err(error) => Ok(refusal(&error)),
        }
    }

    async fn logout(
        &self,
        parts: &Parts,
        body: Incoming,
        source_ip: Option<IpAddr>,
    ) -> Result<(StatusCode, Value), Refused> {
        let (logins, bytes) = self.let_near(parts, body, source_ip).await?;
        let request: LogoutRequest = read(&bytes)?;
        match logins.logout(request).await {
            Ok(()) => Ok((StatusCode::OK, json!({}))),
            Err(error) => {
                if source_ip.is_some_and(|address| !self.watching.throttle.admit_failure(address)) {
                    return Err(too_fast());
                }
                Ok(refusal(&error))
            }
        }
    }

    /// The body of a request that may come near: a password is heard over TLS or on this machine alone, and no page of a
    /// browser can send one for its visitor.
    async fn let_near(
        &self,
        parts: &Parts,
        body: Incoming,
        source_ip: Option<IpAddr>,
    ) -> Result<(&dyn Logins, bytes::Bytes), Refused> {
        let Some(logins) = self.logins.as_deref() else {
            return Err((StatusCode::NOT_FOUND, "none", "Nobody signs in here.".to_owned()));
        };
        if parts.method != Method::POST {
            return Err((StatusCode::METHOD_NOT_ALLOWED, "method", "Use POST.".to_owned()));
        }
        let relayed = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];
        let is_relayed = relayed.iter().any(|name| parts.headers.contains_key(*name));
        let is_here = source_ip.is_some_and(|address| address.to_canonical().is_loopback()) && !is_relayed;
        if !Over::is_secure(parts) && !is_here {
            let text = "Passwords are taken over https only, or on this machine.";
            return Err((StatusCode::FORBIDDEN, "insecure", text.to_owned()));
        }
        // A form or a script of another site cannot set this type without asking first, and nobody answers that.
        if text_header(parts, header::CONTENT_TYPE.as_str()) != "application/json" {
            let text = "The content type must be application/json.";
            return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "type", text.to_owned()));
        }
        let mut memory = self.budget.open(Source::of(source_ip));
        let body = collect(body, MAX_BODY, self.limits(), &mut memory).await;
        let body = body.map_err(|error| (StatusCode::BAD_REQUEST, "body", format!("{error}.")))?;
        Ok((logins, body))
    }

    /// Writes down a sign-in as CloudTrail does. What nobody proved belongs to no account.
    async fn note(
        &self,
        parts: &Parts,
        source_ip: Option<IpAddr>,
        started: Instant,
        outcome: &Result<(Caller, SessionRecord), LoginError>,
    ) {
        let Some(log) = &self.watching.log else { return };
        let (identity, error) = match outcome {
            Ok((caller, _)) => (Identity::Proven(caller), None),
            Err(LoginError::Slow(_) | LoginError::Busy) => return,
            Err(_) => (Identity::Unproven { access_key: None }, Some(("SigninFailure", "Failed authentication"))),
        };
        if error.is_some() && source_ip.is_some_and(|address| !self.watching.throttle.admit_failure(address)) {
            self.watching.metrics.count_unheard();
            return;
        }
        let status = if error.is_some() { 401 } else { 200 };
        let event = Event {
            time: Timestamp::now(),
            service: &SIGNIN,
            operation: "ConsoleLogin",
            identity,
            region: &self.region,
            source_ip,
            user_agent: text_header(parts, header::USER_AGENT.as_str()),
            request_id: &wire::uuid_request_id(random()),
            request: None,
            response: None,
            outcome: Outcome { status, error, is_sender_fault: error.is_some(), is_throttled: false },
            micros: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
            verdicts: &[],
        };
        log.record(&event).await;
    }
}

fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    // The text of the error could hold what was sent.
    serde_json::from_slice(bytes)
        .map_err(|_| (StatusCode::BAD_REQUEST, "body", "The body is not what this page takes.".to_owned()))
}

fn too_fast() -> Refused {
    (StatusCode::TOO_MANY_REQUESTS, "slow", "Too many tries.".to_owned())
}

fn refusal(error: &LoginError) -> (StatusCode, Value) {
    let (status, word) = match error {
        LoginError::Wrong => (StatusCode::UNAUTHORIZED, "wrong"),
        LoginError::NewPasswordNeeded => (StatusCode::FORBIDDEN, "new-password"),
        LoginError::Expired => (StatusCode::FORBIDDEN, "expired"),
        LoginError::NotTaken(_) => (StatusCode::BAD_REQUEST, "not-taken"),
        LoginError::Duration => (StatusCode::BAD_REQUEST, "duration"),
        LoginError::Slow(_) => (StatusCode::TOO_MANY_REQUESTS, "slow"),
        LoginError::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        LoginError::Store(cause) => {
            tracing::error!(%cause, "a sign-in failed");
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
        }
    };
    let message = match error {
        LoginError::Store(_) => "The region cannot look now; try again.".to_owned(),
        other => other.to_string(),
    };
    let mut answer = json!({ "error": word, "message": message });
    if let LoginError::Slow(wait) = error {
        answer["wait"] = json!(wait.as_secs().max(1));
    }
    (status, answer)
}
