//! Runs reconcilers: one task each, woken by signal and by timer, never twice at a time; and says how they do.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use service::{Pass, Reconciler};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tracing::{debug, error, warn};

/// Longest that one activation may take. It is cut off then; the next one starts from what is on disk.
pub(crate) const ACTIVATION_LIMIT: Duration = Duration::from_secs(120);
/// Shortest time from one activation that failed to the next.
const FAILURE_PAUSE: Duration = Duration::from_millis(500);

/// How one reconciler does, as `welkin admin reconcilers` shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReconcilerStatus {
    /// Its name.
    pub name: String,
    /// Whether it is at work now.
    pub is_active: bool,
    /// Activations so far.
    pub activations: u64,
    /// How many of them failed.
    pub failures: u64,
    /// When the last one began.
    pub last_start: Option<Timestamp>,
    /// How long it took, in milliseconds.
    pub last_millis: u64,
    /// What it compared.
    pub examined: usize,
    /// What it changed.
    pub changed: usize,
    /// What still waits for something.
    pub waiting: usize,
    /// Why the last one failed, if it did; or what it could not do although it did not fail.
    pub last_error: Option<String>,
}

type Shared = Arc<Mutex<ReconcilerStatus>>;

/// The reconcilers of a process.
pub struct Reconcilers {
    statuses: Vec<Shared>,
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Reconcilers {
    /// Starts all of them.
    pub fn start(reconcilers: Vec<Arc<dyn Reconciler>>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let mut statuses = Vec::new();
        for reconciler in reconcilers {
            let status = Arc::new(Mutex::new(ReconcilerStatus {
                name: reconciler.name().to_owned(),
                is_active: false,
                activations: 0,
                failures: 0,
                last_start: None,
                last_millis: 0,
                examined: 0,
                changed: 0,
                waiting: 0,
                last_error: None,
            }));
            statuses.push(Arc::clone(&status));
            tasks.spawn(run(reconciler, status, stopped.clone()));
        }
        Self { statuses, tasks, stop }
    }

    /// How each of them does now.
    pub fn statuses(&self) -> Vec<ReconcilerStatus> {
        self.statuses.iter().map(|status| locked(status).clone()).collect()
    }

    /// What [`Reconcilers::statuses`] reads, for whoever shows it after this value has moved on.
    pub fn watcher(&self) -> impl Fn() -> Vec<ReconcilerStatus> + Send + Sync + 'static {
        let statuses = self.statuses.clone();
        move || statuses.iter().map(|status| locked(status).clone()).collect()
    }

    /// Lets every activation that runs end, and starts no more.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_secs(10), ended).await.is_err() {
            warn!("a reconciler did not end in time and was cut off");
        }
    }
}

async fn run(reconciler: Arc<dyn Reconciler>, status: Shared, mut stopped: watch::Receiver<bool>) {
    let wake = Arc::new(Notify::new());
    let mut listeners = JoinSet::new();
    for mut signal in reconciler.signals() {
        let wake = Arc::clone(&wake);
        listeners.spawn(async move {
            while signal.changed().await.is_ok() {
                wake.notify_one();
            }
        });
    }
    loop {
        activate(&*reconciler, &status, &mut stopped).await;
        tokio::select! {
            () = wake.notified() => {}
            () = tokio::time::sleep(reconciler.interval()) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
    }
}

async fn activate(reconciler: &dyn Reconciler, status: &Shared, stopped: &mut watch::Receiver<bool>) {
    {
        let mut status = locked(status);
        status.is_active = true;
        status.activations += 1;
        status.last_start = Some(Timestamp::now());
    }
    let started = Instant::now();
    let outcome = match tokio::time::timeout(ACTIVATION_LIMIT, reconciler.activate()).await {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err(format!("took longer than {} s", ACTIVATION_LIMIT.as_secs())),
    };
    let has_failed = note(status, started.elapsed(), outcome);
    if has_failed {
        tokio::select! {
            () = tokio::time::sleep(FAILURE_PAUSE) => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    }
}

fn note(status: &Shared, took: Duration, outcome: Result<Pass, String>) -> bool {
    let mut status = locked(status);
    status.is_active = false;
    status.last_millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match outcome {
        Ok(pass) => {
            (status.examined, status.changed, status.waiting) = (pass.examined, pass.changed, pass.waiting);
            if let Some(trouble) = pass.trouble.as_ref().filter(|trouble| status.last_error.as_ref() != Some(trouble)) {
                warn!(name = status.name, trouble, "reconciled as far as possible");
            }
            status.last_error = pass.trouble;
            debug!(name = status.name, millis = status.last_millis, changed = pass.changed, "reconciled");
            false
        }
        Err(cause) => {
            status.failures += 1;
            // The same failure again and again is one line, not thousands.
            if status.last_error.as_ref() != Some(&cause) {
                error!(name = status.name, cause, "reconciler failed; it will try again");
            }
            status.last_error = Some(cause);
            true
        }
    }
}

fn locked(status: &Shared) -> std::sync::MutexGuard<'_, ReconcilerStatus> {
    status.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use service::{Pass, ReconcileError, Reconciler};
    use tokio::sync::watch;

    use super::Reconcilers;

    struct Counting {
        runs: watch::Sender<u64>,
        signal: watch::Sender<u64>,
        failures_left: AtomicU64,
    }

    #[async_trait::async_trait]
    impl Reconciler for Counting {
        fn name(&self) -> &'static str {
            "counting"
        }

        fn interval(&self) -> Duration {
            Duration::from_secs(3600)
        }

        fn signals(&self) -> Vec<watch::Receiver<u64>> {
            vec![self.signal.subscribe()]
        }

        async fn activate(&self) -> Result<Pass, ReconcileError> {
            self.runs.send_modify(|runs| *runs += 1);
            if self.failures_left.load(Ordering::SeqCst) > 0 {
                self.failures_left.fetch_sub(1, Ordering::SeqCst);
                return Err(ReconcileError::new("no"));
            }
            Ok(Pass { examined: 3, changed: 1, ..Pass::default() })
        }
    }

    #[tokio::test]
    async fn runs_at_start_and_on_signal_and_tells_of_failures() {
        let reconciler = Arc::new(Counting {
            runs: watch::Sender::new(0),
            signal: watch::Sender::new(0),
            failures_left: AtomicU64::new(1),
        });
        let mut runs = reconciler.runs.subscribe();
        let reconcilers = Reconcilers::start(vec![reconciler.clone()]);
        runs.wait_for(|runs| *runs == 1).await.unwrap();
        while reconcilers.statuses()[0].failures == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(reconcilers.statuses()[0].last_error.as_deref(), Some("no"));
        reconciler.signal.send_replace(1);
        runs.wait_for(|runs| *runs == 2).await.unwrap();
        while reconcilers.statuses()[0].last_error.is_some() {
            tokio::task::yield_now().await;
        }
        let status = &reconcilers.statuses()[0];
        assert_eq!((status.examined, status.changed, status.failures), (3, 1, 1));
        reconcilers.stop().await;
    }
}
