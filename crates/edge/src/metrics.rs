//! What the edge counts. A call costs a few atomic additions; nothing is locked. The number of series is bounded by the
//! operations that there are, as what has no such name is counted as `other`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use wire::ServiceShape;

use crate::exposition::{Exposition, MetricKind};

/// Upper bounds of the classes of latency, in seconds.
const BOUNDS: [f64; 12] = [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// It did what was asked.
    Good,
    /// It was refused, or asked for what cannot be: the caller's fault.
    Refused,
    /// It was turned away for coming too fast.
    Throttled,
    /// It failed: our fault.
    Failed,
}

const CLASSES: [&str; 4] = ["ok", "refused", "throttled", "failed"];

#[derive(Default)]
struct Operation {
    outcomes: [AtomicU64; 4],
    classes: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
}

impl Operation {
    fn count(&self, class: Class, took: Duration) {
        let position = match class {
            Class::Good => 0,
            Class::Refused => 1,
            Class::Throttled => 2,
            Class::Failed => 3,
        };
        self.outcomes[position].fetch_add(1, Relaxed);
        let seconds = took.as_secs_f64();
        let place = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.classes[place].fetch_add(1, Relaxed);
        self.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }
}

struct Service {
    shape: &'static ServiceShape,
    /// As many as the service has; those that nobody ever called have no counters.
    operations: Vec<OnceLock<Box<Operation>>>,
    other: Operation,
}

/// The counters of one edge.
pub(crate) struct Metrics {
    services: Vec<Service>,
    /// Calls to services that are not here.
    unserved: AtomicU64,
    /// Requests without a proof that came so fast from one address that they were only counted.
    unheard: AtomicU64,
    open: Gauge,
    accepted: AtomicU64,
}

/// A number that rises and falls.
#[derive(Clone, Default)]
struct Gauge(Arc<AtomicU64>);

/// Counts towards a gauge until it is dropped.
pub(crate) struct Counted {
    gauge: Gauge,
}

impl Gauge {
    fn add(&self) -> Counted {
        self.0.fetch_add(1, Relaxed);
        Counted { gauge: self.clone() }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.gauge.0.fetch_sub(1, Relaxed);
    }
}

impl Metrics {
    pub(crate) fn new(services: impl Iterator<Item = &'static ServiceShape>) -> Self {
        let service = |shape: &'static ServiceShape| Service {
            shape,
            operations: shape.operations.iter().map(|_| OnceLock::new()).collect(),
            other: Operation::default(),
        };
        Self {
            services: services.map(service).collect(),
            unserved: AtomicU64::new(0),
            unheard: AtomicU64::new(0),
            open: Gauge::default(),
            accepted: AtomicU64::new(0),
        }
    }

    /// Counts a call.
    pub(crate) fn count(&self, service: &'static ServiceShape, operation: &str, class: Class, took: Duration) {
        let Some(known) = self.services.iter().find(|known| std::ptr::eq(known.shape, service)) else {
            self.unserved.fetch_add(1, Relaxed);
            return;
        };
        let place = service.operations.binary_search_by(|entry| entry.name.cmp(operation)).ok();
        match place.and_then(|place| known.operations.get(place)) {
            Some(cell) => cell.get_or_init(Box::default).count(class, took),
            None => known.other.count(class, took),
        }
    }

    /// Counts the bytes of the bodies of a call and of its answer, as they were announced.
    pub(crate) fn count_bytes(&self, service: &'static ServiceShape, operation: &str, received: u64, sent: u64) {
        let Some(known) = self.services.iter().find(|known| std::ptr::eq(known.shape, service)) else { return };
        let place = service.operations.binary_search_by(|entry| entry.name.cmp(operation)).ok();
        let counters = match place.and_then(|place| known.operations.get(place)) {
            Some(cell) => cell.get_or_init(Box::default),
            None => &known.other,
        };
        counters.received.fetch_add(received, Relaxed);
        counters.sent.fetch_add(sent, Relaxed);
    }

    /// Counts a request without a proof that was only counted.
    pub(crate) fn count_unheard(&self) {
        self.unheard.fetch_add(1, Relaxed);
    }

    /// A connection, until what is given is dropped.
    pub(crate) fn connection(&self) -> Counted {
        self.accepted.fetch_add(1, Relaxed);
        self.open.add()
    }

    /// Writes all of them; `held` bytes of bodies are in memory.
    pub(crate) fn write(&self, page: &mut Exposition, held: usize) {
        let mut used = Vec::new();
        for service in &self.services {
            for (entry, cell) in service.shape.operations.iter().zip(&service.operations) {
                used.extend(cell.get().map(|operation| (service.shape.name, entry.name, &**operation)));
            }
            used.push((service.shape.name, "other", &service.other));
        }
        page.family("welkin_calls_total", MetricKind::Counter, "Calls by service, operation and outcome.");
        for (service, operation, counters) in &used {
            for (outcome, count) in CLASSES.iter().zip(&counters.outcomes) {
                let count = count.load(Relaxed);
                if count > 0 {
                    let labels = [("service", *service), ("operation", *operation), ("outcome", *outcome)];
                    page.sample("welkin_calls_total", &labels, count);
                }
            }
        }
        let name = "welkin_call_duration_seconds";
        page.family(name, MetricKind::Histogram, "Time from a call's headers to the headers of its answer.");
        for (service, operation, counters) in &used {
            let counts: Vec<u64> = counters.classes.iter().map(|count| count.load(Relaxed)).collect();
            if counts.iter().any(|count| *count > 0) {
                let labels = [("service", *service), ("operation", *operation)];
                page.histogram(name, &labels, &BOUNDS, &counts, seconds(&counters.nanos));
            }
        }
        for (name, help, which) in [
            ("welkin_received_bytes_total", "Bytes of the bodies of calls, as announced.", 0),
            ("welkin_sent_bytes_total", "Bytes of the bodies of answers, as announced.", 1),
        ] {
            page.family(name, MetricKind::Counter, help);
            for (service, operation, counters) in &used {
                let count = [&counters.received, &counters.sent][which].load(Relaxed);
                if count > 0 {
                    page.sample(name, &[("service", *service), ("operation", *operation)], count);
                }
            }
        }
        let throttled: u64 = used.iter().map(|(_, _, counters)| counters.outcomes[2].load(Relaxed)).sum();
        use MetricKind::{Counter, Gauge};
        for (name, kind, help, value) in [
            ("welkin_calls_throttled_total", Counter, "Calls turned away for coming too fast.", throttled),
            (
                "welkin_calls_unserved_total",
                Counter,
                "Calls to services that are not here.",
                self.unserved.load(Relaxed),
            ),
            (
                "welkin_calls_unheard_total",
                Counter,
                "Calls without proof that came too fast from one address: neither logged nor recorded.",
                self.unheard.load(Relaxed),
            ),
            ("welkin_connections_total", Counter, "Connections accepted.", self.accepted.load(Relaxed)),
            ("welkin_connections_open", Gauge, "Connections that are open.", self.open.0.load(Relaxed)),
            ("welkin_held_body_bytes", Gauge, "Bytes of request bodies held in memory.", held as u64),
        ] {
            page.single(name, kind, help, value);
        }
    }
}

fn seconds(nanos: &AtomicU64) -> f64 {
    Duration::from_nanos(nanos.load(Relaxed)).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Class, Metrics};
    use crate::exposition::Exposition;

    #[test]
    fn names_that_nobody_knows_make_no_series() {
        let metrics = Metrics::new([&api::ec2::SERVICE].into_iter());
        for number in 0..1000 {
            metrics.count(&api::ec2::SERVICE, &format!("Made{number}"), Class::Refused, Duration::from_millis(1));
        }
        metrics.count(&api::ec2::SERVICE, "DescribeVpcs", Class::Good, Duration::from_millis(3));
        metrics.count_bytes(&api::ec2::SERVICE, "DescribeVpcs", 7, 70);
        metrics.count_bytes(&api::ec2::SERVICE, "DescribeVpcs", 1, 0);
        let open = metrics.connection();
        let text = || {
            let mut page = Exposition::default();
            metrics.write(&mut page, 10);
            page.into_text()
        };
        let first = text();
        assert!(first.lines().count() < 80, "{first}");
        for line in [
            "welkin_calls_total{service=\"ec2\",operation=\"other\",outcome=\"refused\"} 1000",
            "welkin_calls_total{service=\"ec2\",operation=\"DescribeVpcs\",outcome=\"ok\"} 1",
            "welkin_call_duration_seconds_bucket{service=\"ec2\",operation=\"DescribeVpcs\",le=\"0.0025\"} 0",
            "welkin_call_duration_seconds_bucket{service=\"ec2\",operation=\"DescribeVpcs\",le=\"0.005\"} 1",
            "welkin_received_bytes_total{service=\"ec2\",operation=\"DescribeVpcs\"} 8",
            "welkin_sent_bytes_total{service=\"ec2\",operation=\"DescribeVpcs\"} 70",
            "welkin_connections_open 1",
            "welkin_held_body_bytes 10",
        ] {
            assert!(first.lines().any(|own| own == line), "{line}\n{first}");
        }
        drop(open);
        assert!(text().contains("welkin_connections_open 0\n"));
    }
}
