//! The pages of the edge itself: whether it is well, and its metrics. Anybody may ask whether it is well; how things
//! stand in detail only those from the networks of the operator, and nobody through a proxy.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use ::audit::Log;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode, header};
use wire::BoxFuture;

use crate::body::{AnswerBody, full};
use crate::exposition::{CONTENT_TYPE, Exposition, MetricKind};
use crate::front::Edge;
use crate::throttle::Throttle;

/// One thing that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What, such as `store`.
    pub name: String,
    /// How it is.
    pub state: CheckState,
    /// More of it, for the operator.
    pub detail: String,
}

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckState {
    /// Well.
    Good,
    /// Not as it should be, but requests are served.
    Poor,
    /// Requests should go elsewhere.
    Failed,
}

/// What the edge cannot know by itself.
pub trait Observer: Send + Sync {
    /// Looks at everything, in bounded time.
    fn health(&self) -> BoxFuture<'_, Vec<Check>>;

    /// Writes further metrics.
    fn metrics(&self, page: &mut Exposition);
}

/// A network, such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    length: u32,
}

/// The text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an address or a network such as 10.0.0.0/8")]
pub struct NetworkError(String);

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let error = || NetworkError(text.to_owned());
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| error())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Ok(most), |length| length.parse().map_err(|_| error()))?;
        if length > most {
            return Err(error());
        }
        Ok(Self { address, length })
    }
}

impl Network {
    fn has(&self, address: IpAddr) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
            IpAddr::V6(address) => address.to_bits(),
        };
        let address = address.to_canonical();
        let differing = bits(self.address) ^ bits(address);
        self.address.is_ipv4() == address.is_ipv4() && differing.checked_shr(128 - self.length).unwrap_or(0) == 0
    }
}

/// The networks of this machine alone.
pub(crate) fn loopback() -> Vec<Network> {
    let network = |address: IpAddr, length| Network { address, length };
    vec![network([127, 0, 0, 0].into(), 8), network(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1_u16]), 128)]
}

impl Edge {
    /// The same front, which records calls in `log`.
    #[must_use]
    pub fn with_audit(mut self, log: Arc<Log>) -> Self {
        self.watching.log = Some(log);
        self
    }

    /// The same front with buckets of AWS's documented sizes times `factor`; 0 for none.
    #[must_use]
    pub fn with_throttle(mut self, factor: u32) -> Self {
        self.watching.throttle = Throttle::new(factor);
        self
    }

    /// The same front with someone to ask how the rest of the region is.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.watching.observer = Some(observer);
        self
    }

    /// The same front, which shows details and metrics to these networks instead of to loopback.
    #[must_use]
    pub fn with_observers(mut self, networks: Vec<Network>) -> Self {
        self.watching.observers = networks;
        self
    }

    /// Answers a request for one of the edge's own pages.
    pub(crate) async fn own_page(&self, parts: &Parts, source_ip: Option<IpAddr>) -> Response<AnswerBody> {
        let may_see = self.may_see(parts, source_ip);
        match parts.uri.path() {
            "/_welkin/health" | "/_welkin/health/ready" => self.health(may_see).await,
            // Whoever can ask this is answered by a process that lives.
            "/_welkin/health/live" => page(StatusCode::OK, "application/json", self.health_text("ok", None)),
            "/_welkin/metrics" if may_see => page(StatusCode::OK, CONTENT_TYPE, self.metrics_text()),
            "/_welkin/metrics" => page(
                StatusCode::FORBIDDEN,
                "text/plain",
                "metrics are shown to the networks of observe_from only\n".to_owned(),
            ),
            _ => page(StatusCode::NOT_FOUND, "text/plain", "there is no such page\n".to_owned()),
        }
    }

    /// A proxy on this machine has an address of this machine, and says for whom it asks.
    fn may_see(&self, parts: &Parts, source_ip: Option<IpAddr>) -> bool {
        let is_relayed = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];
        let is_relayed = is_relayed.iter().any(|name| parts.headers.contains_key(*name));
        source_ip.is_some_and(|address| self.watching.observers.iter().any(|network| network.has(address)))
            && !is_relayed
    }

    async fn health(&self, may_see: bool) -> Response<AnswerBody> {
        let checks = match &self.watching.observer {
            Some(observer) => observer.health().await,
            None => Vec::new(),
        };
        let worst = checks.iter().map(|check| check.state).max().unwrap_or(CheckState::Good);
        let (status, word) = match worst {
            CheckState::Good => (StatusCode::OK, "ok"),
            CheckState::Poor => (StatusCode::OK, "degraded"),
            CheckState::Failed => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        };
        page(status, "application/json", self.health_text(word, may_see.then_some(&checks)))
    }

    fn health_text(&self, word: &str, checks: Option<&Vec<Check>>) -> String {
        let mut text = format!(
            "{{\"status\":\"{word}\",\"region\":\"{}\",\"version\":\"{}\"",
            self.region,
            env!("CARGO_PKG_VERSION")
        );
        if self.is_dev() {
            text.push_str(",\"dev\":true");
        }
        if let Some(checks) = checks {
            let checks = checks.iter().map(|check| {
                let state = match check.state {
                    CheckState::Good => "ok",
                    CheckState::Poor => "degraded",
                    CheckState::Failed => "failed",
                };
                format!(
                    "{{\"name\":{},\"status\":\"{state}\",\"detail\":{}}}",
                    ::audit::json_string(&check.name),
                    ::audit::json_string(&check.detail)
                )
            });
            text.push_str(&format!(",\"checks\":[{}]", checks.collect::<Vec<_>>().join(",")));
        }
        text.push_str("}\n");
        text
    }

    fn metrics_text(&self) -> String {
        let mut page = Exposition::default();
        page.family("welkin_build_info", MetricKind::Gauge, "Which program this is, and of which region.");
        let labels = [("version", env!("CARGO_PKG_VERSION")), ("region", self.region.as_str())];
        page.sample("welkin_build_info", &labels, 1);
        self.watching.metrics.write(&mut page, self.budget.held());
        if let Some(log) = &self.watching.log {
            let counts = log.counts();
            use MetricKind::{Counter, Gauge};
            for (name, kind, help, value) in [
                ("welkin_audit_records_total", Counter, "Audit records written.", counts.written),
                ("welkin_audit_lost_total", Counter, "Audit records lost.", counts.lost),
                ("welkin_audit_late_total", Counter, "Calls that did not wait for their audit record.", counts.late),
                ("welkin_audit_waiting_bytes", Gauge, "Bytes of audit records to be written.", counts.waiting_bytes),
            ] {
                page.single(name, kind, help, value);
            }
        }
        if let Some(observer) = &self.watching.observer {
            observer.metrics(&mut page);
        }
        page.into_text()
    }
}

pub(crate) fn page(status: StatusCode, kind: &'static str, text: String) -> Response<AnswerBody> {
    let mut answer = Response::new(full(Bytes::from(text)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

#[cfg(test)]
mod tests {
    use super::{Network, loopback};

    #[test]
    fn networks_hold_their_addresses() {
        for (network, address, is_in) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("2001:db8::/32", "2001:db9::1", false),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.has(address.parse().unwrap()), is_in, "{network:?} {address}");
        }
        assert!(["10.0.0.0/33", "ten", "", "::/129", "10.0.0.0/"].iter().all(|text| text.parse::<Network>().is_err()));
        assert!(loopback().iter().any(|network| network.has("127.8.9.1".parse().unwrap())));
    }
}
