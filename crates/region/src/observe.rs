//! How a region is, for whoever asks its edge: store, reconcilers, disk, audit trail; and their metrics.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::Log;
use edge::{Check, CheckState, Exposition, MetricKind, Network, Observer};
use jiff::Timestamp;
use store::{COMMIT_BOUNDS, Store};
use tokio::sync::Mutex;
use wire::BoxFuture;

use crate::region::Region;
use crate::runtime::{ACTIVATION_LIMIT, ReconcilerStatus};

/// For how long what was found is believed: however often somebody asks, the store is asked once.
const FRESH: Duration = Duration::from_secs(1);
/// Longest wait for the store.
const STORE_WAIT: Duration = Duration::from_secs(2);
/// Room on the disk below which a region is not ready: SQLite and the audit trail need some to end well.
const LEAST_ROOM: u64 = 64 << 20;
/// Room below which the operator should know.
const LITTLE_ROOM: u64 = 1 << 30;

impl Region {
    /// The same region, which records its calls in `log`.
    #[must_use]
    pub fn with_audit(mut self, log: Arc<Log>) -> Self {
        // Set once: a region is given one log, before it runs.
        let _ = self.trail.log.set(Arc::clone(&log));
        self.edge = self.edge.with_audit(log);
        self
    }

    /// The same region, whose callers may call as fast as AWS documents it, times `factor`; 0 for any speed.
    #[must_use]
    pub fn with_throttle(mut self, factor: u32) -> Self {
        self.edge = self.edge.with_throttle(factor);
        self
    }

    /// The same region, which shows details of its health and metrics to these networks instead of to loopback.
    #[must_use]
    pub fn with_observers(mut self, networks: Vec<Network>) -> Self {
        self.edge = self.edge.with_observers(networks);
        self
    }
}

/// Looks at the parts of a region.
pub(crate) struct RegionObserver<R> {
    pub(crate) store: Store,
    /// How each reconciler does.
    pub(crate) reconcilers: R,
    /// The data folder; none for a region without one.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) log: Option<Arc<Log>>,
    /// When the region was opened.
    pub(crate) started: Timestamp,
    pub(crate) last: Mutex<Option<(Instant, Vec<Check>)>>,
}

impl<R: Fn() -> Vec<ReconcilerStatus> + Send + Sync> Observer for RegionObserver<R> {
    fn health(&self) -> BoxFuture<'_, Vec<Check>> {
        Box::pin(async move {
            let mut last = self.last.lock().await;
            if let Some((when, checks)) = &*last
                && when.elapsed() < FRESH
            {
                return checks.clone();
            }
            let mut checks = vec![self.store_check().await];
            checks.extend(self.disk_check());
            let now = Timestamp::now();
            checks.extend((self.reconcilers)().iter().map(|status| reconciler_check(status, now)));
            checks.extend(self.audit_check());
            *last = Some((Instant::now(), checks.clone()));
            checks
        })
    }

    fn metrics(&self, page: &mut Exposition) {
        self.store_metrics(page);
        reconciler_metrics(page, &(self.reconcilers)());
        if let Some((free, size)) = self.room() {
            page.single("welkin_disk_free_bytes", MetricKind::Gauge, "Room on the disk of the data folder.", free);
            page.single("welkin_disk_size_bytes", MetricKind::Gauge, "Size of the disk of the data folder.", size);
        }
        process_metrics(page, self.started);
    }
}

impl<R> RegionObserver<R> {
    async fn store_check(&self) -> Check {
        let store = self.store.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let view = store.view()?;
            iam::first_account(&view).map(drop)
        });
        let (state, detail) = match tokio::time::timeout(STORE_WAIT, asked).await {
            Err(_) => (CheckState::Failed, format!("no answer within {} s", STORE_WAIT.as_secs())),
            Ok(Err(cause)) => (CheckState::Failed, cause.to_string()),
            Ok(Ok(Err(cause))) => (CheckState::Failed, cause.to_string()),
            Ok(Ok(Ok(()))) => match self.store.counts().failed_since_commit {
                0 => (CheckState::Good, "it reads and commits".to_owned()),
                count => (CheckState::Poor, format!("it reads; the last {count} commits failed")),
            },
        };
        Check { name: "store".to_owned(), state, detail }
    }

    /// Free bytes and size of the disk.
    fn room(&self) -> Option<(u64, u64)> {
        let found = rustix::fs::statvfs(self.folder.as_ref()?).ok()?;
        Some((found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize))
    }

    fn disk_check(&self) -> Option<Check> {
        let (free, size) = self.room()?;
        let state = if free < LEAST_ROOM {
            CheckState::Failed
        } else if free < LITTLE_ROOM && free < size / 20 {
            CheckState::Poor
        } else {
            CheckState::Good
        };
        let detail = format!("{} MiB free of {} MiB", free >> 20, size >> 20);
        Some(Check { name: "disk".to_owned(), state, detail })
    }

    fn audit_check(&self) -> Option<Check> {
        let counts = self.log.as_ref()?.counts();
        let is_whole = counts.lost == 0;
        let state = if is_whole { CheckState::Good } else { CheckState::Poor };
        let detail = format!("{} records written, {} lost", counts.written, counts.lost);
        Some(Check { name: "audit".to_owned(), state, detail })
    }

    fn store_metrics(&self, page: &mut Exposition) {
        let counts = self.store.counts();
        for (name, help, value) in [
            ("welkin_store_commits_total", "Transactions committed.", counts.commits),
            ("welkin_store_conflicts_total", "Transactions refused for what others had written.", counts.conflicts),
            ("welkin_store_failures_total", "Transactions that the engine failed.", counts.failures),
        ] {
            page.single(name, MetricKind::Counter, help, value);
        }
        let name = "welkin_store_commit_duration_seconds";
        page.family(name, MetricKind::Histogram, "Time from a commit's request until it is durable.");
        page.histogram(name, &[], &COMMIT_BOUNDS, &counts.classes, counts.seconds);
    }
}

/// One that works for longer than it may hangs where nothing can cut it off.
fn reconciler_check(status: &ReconcilerStatus, now: Timestamp) -> Check {
    let since = status.last_start.map_or(0, |start| now.as_second() - start.as_second());
    let limit = i64::try_from(ACTIVATION_LIMIT.as_secs()).unwrap_or(i64::MAX);
    let (state, detail) = match &status.last_error {
        _ if status.is_active && since > limit + 10 => {
            (CheckState::Failed, format!("stuck in one activation for {since} s"))
        }
        Some(error) => (CheckState::Poor, error.clone()),
        None => (CheckState::Good, format!("{} activations", status.activations)),
    };
    Check { name: format!("reconciler/{}", status.name), state, detail }
}

fn reconciler_metrics(page: &mut Exposition, statuses: &[ReconcilerStatus]) {
    use MetricKind::{Counter, Gauge};
    type Read = fn(&ReconcilerStatus) -> f64;
    let families: [(&str, MetricKind, &str, Read); 4] = [
        ("welkin_reconciler_passes_total", Counter, "Activations.", |status| status.activations as f64),
        ("welkin_reconciler_failures_total", Counter, "Activations that failed.", |status| status.failures as f64),
        ("welkin_reconciler_waiting", Gauge, "What waits for something.", |status| status.waiting as f64),
        ("welkin_reconciler_last_duration_seconds", Gauge, "How long the last activation took.", |status| {
            status.last_millis as f64 / 1000.0
        }),
    ];
    for (name, kind, help, read) in families {
        page.family(name, kind, help);
        for status in statuses {
            page.sample(name, &[("name", &status.name)], read(status));
        }
    }
}

/// The names that every Prometheus client library gives to these.
/// Source: <https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>.
fn process_metrics(page: &mut Exposition, started: Timestamp) {
    /// Ticks a second in what the kernel tells user space, on every platform that we run on: `USER_HZ`.
    const TICKS: f64 = 100.0;
    const PAGE: u64 = 4096;
    let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    // The second field is the program's name in brackets, which may hold anything.
    let stat = read("stat");
    let fields: Vec<f64> = stat
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest)
        .split_ascii_whitespace()
        .map(|field| field.parse().unwrap_or_default())
        .collect();
    let field = |number: usize| fields.get(number - 3).copied().unwrap_or_default();
    let pages = read("statm").split_ascii_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let descriptors = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let limits = read("limits");
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap_or_default();
    let limit = limit.split_ascii_whitespace().next().and_then(|text| text.parse::<f64>().ok()).unwrap_or(f64::NAN);
    use MetricKind::{Counter, Gauge};
    for (name, kind, help, value) in [
        ("process_cpu_seconds_total", Counter, "Time on the processor.", (field(14) + field(15)) / TICKS),
        ("process_resident_memory_bytes", Gauge, "Resident memory.", (pages * PAGE) as f64),
        ("process_virtual_memory_bytes", Gauge, "Virtual memory.", field(23)),
        ("process_threads", Gauge, "Threads.", field(20)),
        ("process_open_fds", Gauge, "Open file descriptors.", descriptors as f64),
        ("process_max_fds", Gauge, "Most file descriptors.", limit),
        ("process_start_time_seconds", Gauge, "When the region was opened.", started.as_second() as f64),
    ] {
        page.single(name, kind, help, value);
    }
}

#[cfg(test)]
mod tests {
    use edge::{CheckState, Observer};
    use jiff::{SignedDuration, Timestamp};
    use store::{Memory, Store};
    use tokio::sync::Mutex;

    use super::{RegionObserver, reconciler_check};
    use crate::runtime::ReconcilerStatus;

    fn status(is_active: bool, age: i64, error: Option<&str>) -> ReconcilerStatus {
        ReconcilerStatus {
            name: "one".to_owned(),
            is_active,
            activations: 1,
            failures: 0,
            last_start: Some(Timestamp::now() - SignedDuration::from_secs(age)),
            last_millis: 1,
            examined: 0,
            changed: 0,
            waiting: 0,
            last_error: error.map(str::to_owned),
        }
    }

    #[test]
    fn a_reconciler_is_stuck_only_when_nothing_cut_it_off() {
        for (status, state) in [
            (status(true, 60, None), CheckState::Good),
            (status(true, 200, None), CheckState::Failed),
            (status(false, 2000, None), CheckState::Good),
            (status(false, 20, Some("no")), CheckState::Poor),
        ] {
            assert_eq!(reconciler_check(&status, Timestamp::now()).state, state, "{status:?}");
        }
    }

    #[tokio::test]
    async fn all_parts_are_looked_at() {
        let observer = RegionObserver {
            store: Store::new(Memory::new()),
            reconcilers: || vec![status(false, 1, None)],
            folder: Some("/".into()),
            log: None,
            started: Timestamp::now(),
            last: Mutex::new(None),
        };
        let names: Vec<_> = observer.health().await.into_iter().map(|check| (check.name, check.state)).collect();
        assert_eq!(names[0], ("store".to_owned(), CheckState::Good));
        assert_eq!(names[1].0, "disk");
        assert_eq!(names[2], ("reconciler/one".to_owned(), CheckState::Good));
        let mut page = edge::Exposition::default();
        observer.metrics(&mut page);
        let text = page.into_text();
        let memory = text.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes ")).unwrap();
        assert!(memory.parse::<f64>().unwrap() > 1e6, "{text}");
        assert!(text.contains("welkin_reconciler_passes_total{name=\"one\"} 1\n"), "{text}");
    }
}
