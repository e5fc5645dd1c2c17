//! The front of a region: every request comes in here, and whatever happens leaves with an answer.
//! Not here: what is between, which is the pipeline.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::unread::Incoming;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Body;
use tracing::debug;
use wire::{DecodeError, Protocol, ServiceShape, parse_query};

use crate::access::{AccessLog, body_length};
use crate::answer::random;
use crate::audit::{Noted, Seen, Watching};
use crate::authenticate::Credentials;
use crate::body::AnswerBody;
use crate::budget::Budget;
use crate::dev::{Dev, DevAccounts, Peer};
use crate::evidence::{self, Claimed, Evidence, Fault};
use crate::failures::log_error;
use crate::hosts::{BucketHosts, HostBucket, virtual_bucket, website_bucket};
use crate::limits::Limits;
use crate::login::Logins;
use crate::markup::Visited;
use crate::metrics::Metrics;
use crate::mount::Mount;
use crate::recognise::{Head, Pairs, candidates};
use crate::rest::to_path_style;
use crate::trace::{Trace, text_header};
use crate::web::{bucket_of, share};

/// The front of a region.
pub struct Edge {
    mounts: Vec<Mount>,
    pub(crate) credentials: Arc<dyn Credentials>,
    pub(crate) region: String,
    pub(crate) limits: Limits,
    pub(crate) budget: Arc<Budget>,
    pub(crate) dev: Option<Dev>,
    pub(crate) logins: Option<Arc<dyn Logins>>,
    pub(crate) watching: Watching,
    pub(crate) access_log: Option<Arc<dyn AccessLog>>,
    bucket_hosts: BucketHosts,
}

impl Edge {
    /// A front for these services.
    pub fn new(mounts: Vec<Mount>, credentials: Arc<dyn Credentials>, region: &str, limits: Limits) -> Self {
        let budget = Budget::new(limits.held_bytes);
        let watching = Watching::new(Metrics::new(mounts.iter().map(|mount| mount.service)));
        Self {
            mounts,
            credentials,
            region: region.to_owned(),
            limits,
            budget,
            dev: None,
            logins: None,
            watching,
            access_log: None,
            bucket_hosts: BucketHosts::default(),
        }
    }

    /// The same front, where these host names are buckets too.
    #[must_use]
    pub fn with_bucket_hosts(self, bucket_hosts: BucketHosts) -> Self {
        Self { bucket_hosts, ..self }
    }

    /// The same front with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.budget = Budget::new(limits.held_bytes);
        self.limits = limits;
        self
    }

    /// The same front, on which everybody from this machine is believed without proof.
    #[must_use]
    pub fn with_dev(mut self, accounts: Arc<dyn DevAccounts>) -> Self {
        self.dev = Some(Dev::new(accounts));
        self
    }

    /// Whether everybody from this machine is believed.
    pub fn is_dev(&self) -> bool {
        self.dev.is_some()
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Answers one request. Whatever happens there is an answer.
    pub(crate) async fn answer(&self, request: Request<Incoming>, source_ip: Option<IpAddr>) -> Response<AnswerBody> {
        let started = Instant::now();
        let (mut parts, body) = request.into_parts();
        // Requests to a proxy may have it there alone.
        if let Some(authority) = parts.uri.authority().map(|authority| HeaderValue::from_str(authority.as_str()))
            && !parts.headers.contains_key(header::HOST)
            && let Ok(host) = authority
        {
            parts.headers.insert(header::HOST, host);
        }
        // Below a bucket's own host name this is a key like any other.
        let host = text_header(&parts, header::HOST.as_str());
        let claim = evidence::find(&parts);
        // Visitors sign nothing. Who does speaks to a service, whatever name leads here.
        let is_visit = matches!(claim, Err(Fault::Missing)) && is_read(&parts.method);
        let by_name = || self.bucket_hosts.website(host).filter(|_| is_visit);
        let site = website_bucket(host).or_else(by_name).map(str::to_ascii_lowercase);
        let said = self.bucket_hosts.bucket(host).map(|bucket| HostBucket(bucket.to_ascii_lowercase()));
        let is_bucket = site.is_some() || said.is_some() || virtual_bucket(host).is_some();
        if matches!(parts.uri.path(), "/_welkin/login" | "/_welkin/logout") && !is_bucket {
            return self.door(&parts, body, source_ip).await;
        }
        if parts.uri.path().starts_with("/_welkin/") && !is_bucket {
            return self.own_page(&parts, source_ip).await;
        }
        parts.extensions.insert(Peer(source_ip));
        if let Some(said) = said {
            parts.extensions.insert(said);
        }
        let query = parse_query(parts.uri.query().unwrap_or_default());
        let pages = self.mounts.iter().find_map(|mount| mount.web.as_deref().map(|web| (mount, web)));
        let site = site.zip(pages);
        let found = match &site {
            Some((_, (mount, _))) => Found::of(mount),
            None => self.recognise(&parts, claim.as_ref().ok(), query.as_deref().unwrap_or_default()),
        };
        let (service, protocol) = (found.service(), found.protocol);
        let is_s3 = service.signing_name == "s3";
        if service.has_bare_errors && site.is_none() {
            to_path_style(&mut parts);
        }
        let trace = Trace {
            service,
            protocol,
            operation: "-",
            account: "-".to_owned(),
            request_id: if is_s3 { wire::s3_request_id(random()) } else { wire::uuid_request_id(random()) },
            host_id: if is_s3 { wire::s3_host_id(random()) } else { String::new() },
            is_head: parts.method == Method::HEAD,
            is_query_mode: text_header(&parts, "x-amzn-query-mode") == "true",
            seen: Seen::new(&parts, &claim, source_ip),
            visited: site.is_some().then(Visited::default),
        };
        let mut noted = Noted::new(self, trace, started);
        let web = found.mounts.first().and_then(|mount| mount.web.as_deref());
        let outcome = match &site {
            Some((bucket, at)) => self.website(*at, bucket, &parts, source_ip, &mut noted.trace).await,
            None => {
                let asked = Asked { found, parts: &parts, claim: &claim, query };
                self.run(asked, body, source_ip, &mut noted.trace).await
            }
        };
        let (status, error);
        let mut answer = match outcome {
            Ok(answer) => {
                (status, error) = (answer.status(), None);
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
                error = Some(refused.code.to_string());
                self.refused(&noted.trace, &refused)
            }
        };
        if let Some(web) = web {
            let bucket = site.map_or_else(|| bucket_of(parts.uri.path()).0, |(bucket, _)| bucket);
            share(web, &bucket, &parts, &mut answer).await;
        }
        let trace = &noted.trace;
        debug!(
            service = trace.service.name,
            operation = trace.operation,
            account = trace.account,
            request_id = trace.request_id,
            status = status.as_u16(),
            micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
            "call"
        );
        let received = body_length(&parts.headers);
        let sent = answer.body().size_hint().exact().filter(|_| parts.method != Method::HEAD).unwrap_or_default();
        self.watching.metrics.count_bytes(trace.service, trace.operation, received, sent);
        self.logged(answer, error, (&parts, &claim, source_ip), trace, started)
    }

    fn recognise(&self, parts: &Parts, claim: Option<&Evidence>, query: &Pairs) -> Found<'_> {
        let scope = claim.map(Evidence::service);
        let head = Head::new(scope, &parts.method, &parts.uri, query, &parts.headers);
        let services = candidates(self.mounts.iter().map(|mount| mount.service), &head);
        let is_found = |mount: &&Mount| services.iter().any(|service| std::ptr::eq(*service, mount.service));
        let mounts: Vec<&Mount> = self.mounts.iter().filter(is_found).collect();
        let spoken = mounts.first().and_then(|mount| head.protocol(mount.service));
        Found {
            protocol: spoken.unwrap_or_else(|| head.protocol_of_nobody()),
            mounts: if spoken.is_some() { mounts } else { Vec::new() },
            scope: head.scope.unwrap_or("-").to_owned(),
        }
    }
}

/// Whether a method is one that browsers look at pages with.
fn is_read(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS].contains(method)
}

/// The service that stands for none.
static NOBODY: ServiceShape = ServiceShape {
    name: "-",
    service_id: "-",
    endpoint_prefix: "-",
    signing_name: "-",
    protocols: &[],
    api_version: "-",
    xml_namespace: "",
    target_prefix: None,
    has_bare_errors: false,
    has_whole_seconds: false,
    is_query_compatible: false,
    errors: &[],
    operations: &[],
};

/// What a request was recognised as.
pub(crate) struct Found<'a> {
    /// What it may be for: one, unless only its form can tell; none if nobody here is meant.
    pub(crate) mounts: Vec<&'a Mount>,
    /// How it is read and answered.
    pub(crate) protocol: Protocol,
    /// The signing name it was signed for; `-` without any.
    pub(crate) scope: String,
}

impl<'a> Found<'a> {
    /// A visitor of a website, which this service has.
    fn of(mount: &'a Mount) -> Self {
        let protocol = mount.service.protocols.first().copied().unwrap_or(Protocol::RestXml);
        Self { mounts: vec![mount], protocol, scope: "-".to_owned() }
    }

    fn service(&self) -> &'static ServiceShape {
        self.mounts.first().map_or(&NOBODY, |mount| mount.service)
    }
}

/// A request that was recognised, without its body.
pub(crate) struct Asked<'a> {
    pub(crate) found: Found<'a>,
    pub(crate) parts: &'a Parts,
    pub(crate) claim: &'a Claimed,
    /// Its query, decoded.
    pub(crate) query: Result<Vec<(String, Option<String>)>, DecodeError>,
}
