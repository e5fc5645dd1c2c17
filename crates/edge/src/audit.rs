//! What is noted of each request, and what becomes of it at the end: the counters, the audit record, the limits on
//! those who prove nothing. Not here: what a record looks like, which the crate `audit` says.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use ::audit::{Category, Event, Identity, Log, Outcome, Parameters, category, is_read_only};
use api::{Caller, Principal, Verdict, Verdicts, Vouched};
use http::header;
use http::request::Parts;
use jiff::Timestamp;
use tracing::warn;
use wire::{OperationShape, ServiceError, Value};

use crate::evidence::Claimed;
use crate::front::Edge;
use crate::metrics::{Class, Metrics};
use crate::pages::{Network, Observer, loopback};
use crate::throttle::{DEFAULT_THROTTLE, Throttle, throttled};
use crate::trace::{Trace, text_header};
use crate::vouched::kind_of;

/// Least time between two lines on calls that come too fast.
const QUIET: Duration = Duration::from_secs(10);
/// The status of a call whose client went away; no answer has it. A custom of nginx.
const CLIENT_GONE: u16 = 499;

/// All that watches over the calls of an edge.
pub(crate) struct Watching {
    pub(crate) metrics: Metrics,
    pub(crate) throttle: Throttle,
    pub(crate) log: Option<Arc<Log>>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    /// From where details may be asked for.
    pub(crate) observers: Vec<Network>,
    started: Instant,
    /// When calls that came too fast were last told of, in milliseconds after the start.
    told: AtomicU64,
}

impl Watching {
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self {
            metrics,
            throttle: Throttle::new(DEFAULT_THROTTLE),
            log: None,
            observer: None,
            observers: loopback(),
            started: Instant::now(),
            told: AtomicU64::new(0),
        }
    }

    /// True once in a while.
    fn may_tell(&self) -> bool {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let told = self.told.load(Relaxed);
        let quiet = u64::try_from(QUIET.as_millis()).unwrap_or(u64::MAX);
        (told == 0 || now.saturating_sub(told) >= quiet)
            && self.told.compare_exchange(told, now, Relaxed, Relaxed).is_ok()
    }
}

/// What the audit record will tell of a request, gathered on its way.
pub(crate) struct Seen {
    source_ip: Option<IpAddr>,
    user_agent: String,
    /// The key that the request names, proven or not.
    access_key: Option<String>,
    /// Who it is, once that is known.
    pub(crate) caller: Option<Caller>,
    request: Option<Parameters>,
    response: Option<Parameters>,
    /// What was decided on its permissions.
    pub(crate) verdicts: Verdicts,
    is_throttled: bool,
}

impl Seen {
    pub(crate) fn new(parts: &Parts, claimed: &Claimed, source_ip: Option<IpAddr>) -> Self {
        Self {
            source_ip,
            user_agent: text_header(parts, header::USER_AGENT.as_str()).to_owned(),
            access_key: claimed.as_ref().ok().map(|evidence| evidence.access_key().to_owned()),
            caller: None,
            request: None,
            response: None,
            verdicts: Verdicts::default(),
            is_throttled: false,
        }
    }
}

impl Edge {
    /// Notes who calls and what is asked, and lets the call in unless its caller comes too fast.
    ///
    /// # Errors
    /// AWS's error of the service's family.
    pub(crate) fn admit(
        &self,
        trace: &mut Trace,
        caller: &Caller,
        operation: &OperationShape,
        input: &Value,
    ) -> Result<(), ServiceError> {
        if trace.seen.caller.is_none() {
            trace.seen.caller = Some(caller.clone());
        }
        if let Err(wait) = self.watching.throttle.admit(trace.service, operation.name, caller) {
            trace.seen.is_throttled = true;
            if self.watching.may_tell() {
                let (service, operation) = (trace.service.name, operation.name);
                warn!(service, operation, account = trace.account, "calls come too fast and are turned away");
            }
            return Err(throttled(trace.family(), wait));
        }
        if let (Some(_), Some(shape)) = (&self.watching.log, operation.input) {
            let is_wanted = self.is_recorded(category(trace.service.name, operation.name));
            trace.seen.request = is_wanted.then(|| Parameters::of(shape, input));
        }
        Ok(())
    }

    /// Notes what is answered: for a call that changes something, as CloudTrail does.
    pub(crate) fn answered(&self, trace: &mut Trace, operation: &OperationShape, output: &Value) {
        if let (Some(_), Some(_), Some(shape)) = (&self.watching.log, &trace.seen.request, operation.output)
            && !is_read_only(operation.name)
        {
            trace.seen.response = Some(Parameters::of(shape, output));
        }
    }

    fn is_recorded(&self, category: Category) -> bool {
        let has_data_events = self.watching.log.as_ref().is_some_and(|log| log.has_data_events());
        category == Category::Management || has_data_events
    }

    /// Replaces the refusal of those who prove nothing, once they come too fast; true if it is only to be counted.
    pub(crate) fn tame(&self, trace: &mut Trace, refused: ServiceError) -> (ServiceError, bool) {
        let is_guess = match &trace.seen.caller {
            None => refused.is_sender_fault,
            // That a public bucket does not have something is no guess.
            Some(caller) => matches!(caller.principal, Principal::Anonymous) && refused.status == 403,
        };
        let address = trace.seen.source_ip.filter(|_| is_guess);
        if address.is_none_or(|address| self.watching.throttle.admit_failure(address)) {
            return (refused, trace.seen.is_throttled);
        }
        self.watching.metrics.count_unheard();
        trace.seen.is_throttled = true;
        if self.watching.may_tell() {
            warn!(source = ?address, "requests without a proof come too fast and are no longer logged one by one");
        }
        (throttled(trace.family(), Duration::from_secs(1)), true)
    }
}

/// A request on its way. It is noted at its end whatever that is, also when the client goes away first: a change is
/// then made all the same, and must not be without a record.
pub(crate) struct Noted<'a> {
    edge: &'a Edge,
    pub(crate) trace: Trace,
    started: Instant,
    is_done: bool,
}

impl<'a> Noted<'a> {
    pub(crate) fn new(edge: &'a Edge, trace: Trace, started: Instant) -> Self {
        Self { edge, trace, started, is_done: false }
    }

    /// Counts and records a call that has its answer. With the record of a change it waits for the kernel to have it.
    pub(crate) async fn end(&mut self, status: u16, refused: Option<&ServiceError>) {
        self.is_done = true;
        let seen = &self.trace.seen;
        let class = match refused {
            _ if seen.is_throttled => Class::Throttled,
            None => Class::Good,
            Some(refused) if refused.is_sender_fault || refused.status == 501 => Class::Refused,
            Some(_) => Class::Failed,
        };
        let took = self.started.elapsed();
        self.edge.watching.metrics.count(self.trace.service, self.trace.operation, class, took);
        let error = refused.map(|refused| (&*refused.code, refused.message.as_str()));
        let (verdicts, vouched) = (seen.verdicts.take(), seen.verdicts.vouched());
        let is_sender_fault = refused.is_some_and(|refused| refused.is_sender_fault);
        let outcome = Outcome { status, error, is_sender_fault, is_throttled: seen.is_throttled };
        if let Some((log, event)) = self.event(outcome, (&verdicts, vouched.as_ref()), took) {
            log.record(&event).await;
        }
    }

    fn event<'b>(
        &'b self,
        outcome: Outcome<'b>,
        (verdicts, vouched): (&'b [Verdict], Option<&'b Vouched>),
        took: Duration,
    ) -> Option<(&'b Log, Event<'b>)> {
        let (trace, seen) = (&self.trace, &self.trace.seen);
        let log = self.edge.watching.log.as_deref()?;
        // Whoever is turned away as nobody knows whom is counted and no more: else the record is theirs to flood.
        if seen.is_throttled && seen.caller.is_none() {
            return None;
        }
        let is_refused = matches!(outcome.status, 401 | 403);
        if !is_refused && !self.edge.is_recorded(category(trace.service.name, trace.operation)) {
            return None;
        }
        let identity = match (kind_of(trace.service.name, trace.operation), &seen.caller) {
            (Some(kind), Some(Caller { principal: Principal::Anonymous, .. })) => Identity::Vouched(kind, vouched),
            (_, Some(caller)) => Identity::Proven(caller),
            (_, None) => Identity::Unproven { access_key: seen.access_key.as_deref() },
        };
        let event = Event {
            time: Timestamp::now(),
            service: trace.service,
            operation: trace.operation,
            identity,
            region: &self.edge.region,
            source_ip: seen.source_ip,
            user_agent: &seen.user_agent,
            request_id: &trace.request_id,
            request: seen.request.as_ref(),
            response: seen.response.as_ref(),
            verdicts,
            outcome,
            micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        };
        Some((log, event))
    }
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let took = self.started.elapsed();
        self.edge.watching.metrics.count(self.trace.service, self.trace.operation, Class::Refused, took);
        let error =
            Some(("ClientDisconnected", "The client went away before its answer; the call may have been made."));
        let outcome = Outcome { status: CLIENT_GONE, error, is_sender_fault: true, is_throttled: false };
        let seen = &self.trace.seen.verdicts;
        let (verdicts, vouched) = (seen.take(), seen.vouched());
        if let Some((log, event)) = self.event(outcome, (&verdicts, vouched.as_ref()), took) {
            log.record_unwaited(&event);
        }
    }
}
