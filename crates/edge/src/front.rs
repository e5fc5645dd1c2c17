//! The front of a region: every request comes in here, and whatever happens leaves with an answer.
//! Not here: what is between, which is the pipeline.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http::request::Parts;
use http::{Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use tracing::debug;
use wire::Protocol;
use wire::sigv4::{Claim, ClaimError};

use crate::answer::{not_served, random, refused_answer};
use crate::audit::{Noted, Seen, Watching};
use crate::authenticate::{Credentials, SigningKeys};
use crate::body::AnswerBody;
use crate::failures::log_error;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::mount::Mount;
use crate::recognise::{Hint, hint, virtual_bucket};
use crate::rest::to_path_style;
use crate::trace::{Trace, text_header};

/// The front of a region.
pub struct Edge {
    mounts: Vec<Mount>,
    pub(crate) credentials: Arc<dyn Credentials>,
    pub(crate) keys: SigningKeys,
    pub(crate) region: String,
    pub(crate) limits: Limits,
    pub(crate) watching: Watching,
}

impl Edge {
    /// A front for these services.
    pub fn new(mounts: Vec<Mount>, credentials: Arc<dyn Credentials>, region: &str, limits: Limits) -> Self {
        let keys = SigningKeys::default();
        let watching = Watching::new(Metrics::new(mounts.iter().map(|mount| mount.service)));
        Self { mounts, credentials, keys, region: region.to_owned(), limits, watching }
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
            return self.own_page(&parts, source_ip).await;
        }
        let claim = Claim::from_headers(&parts.headers);
        let Some(mount) = self.mount_of(&claim, &parts) else {
            self.watching.metrics.count_unserved();
            return not_served(&claim);
        };
        let protocol = mount.protocol();
        if protocol == Protocol::RestXml {
            to_path_style(&mut parts);
        }
        let trace = Trace {
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
            seen: Seen::new(&parts, &claim, source_ip),
        };
        let mut noted = Noted::new(self, trace, started);
        let outcome = self.run(mount, parts, body, claim, source_ip, &mut noted.trace).await;
        let status;
        let answer = match outcome {
            Ok(answer) => {
                status = answer.status();
                noted.end(status.as_u16(), None).await;
                answer
            }
            Err(refused) => {
                let (refused, is_quiet) = self.tame(&mut noted.trace, refused);
                status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                if !is_quiet {
                    log_error(&noted.trace, &refused);
                }
                noted.end(status.as_u16(), Some(&refused)).await;
                refused_answer(&noted.trace, &refused)
            }
        };
        let trace = &noted.trace;
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

    fn mount_of(&self, claim: &Result<Claim, ClaimError>, parts: &Parts) -> Option<&Mount> {
        let query = parts.uri.query().unwrap_or_default();
        match hint(claim, &parts.method, query, &parts.headers) {
            Hint::Signed(name) => self.mounts.iter().find(|mount| mount.service.signing_name == name),
            // Unsigned calls are refused whatever they ask; EC2's refusal is the one that old tools know best.
            Hint::Form => self.mounts.iter().find(|mount| mount.protocol() == Protocol::Ec2),
            Hint::Rest => self.mounts.iter().find(|mount| mount.protocol() == Protocol::RestXml),
        }
    }
}
