//! The reconcilers of a process: always at work where it is the only one on its store, and as long as it holds the lease
//! where it is not.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use blobs::BlobStore;
use host::Node;
use s3::LifecycleReconciler;
use service::{Effects, Reconciler, RegionFacts};
use store::Store;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::accounts::AccountReconciler;
use crate::admin::Answer;
use crate::images::ImageReconciler;
use crate::instance_roles::InstanceRoles;
use crate::lease::{Duty, Lease, Standing};
use crate::runtime::{ReconcilerStatus, Reconcilers};
use crate::space::SpaceKeeper;

/// Longest that reconcilers and what comes with the lease may take to end.
const END: Duration = Duration::from_secs(20);

/// What reconcilers are made of. They keep what they have seen of their store, so each term makes them anew.
pub(crate) struct Makers {
    pub(crate) node: Arc<dyn Node>,
    pub(crate) blobs: Arc<dyn BlobStore>,
    pub(crate) effects: Arc<dyn Effects>,
    pub(crate) facts: Arc<RegionFacts>,
    /// Where images are built to, for a region with images that have bytes.
    pub(crate) image_dir: Option<PathBuf>,
    pub(crate) space: SpaceKeeper,
    /// How long a day is for lifecycle rules of buckets.
    pub(crate) lifecycle_day: Duration,
}

impl Makers {
    fn make(&self, store: Store) -> Vec<Arc<dyn Reconciler>> {
        let (node, effects) = (Arc::clone(&self.node), Arc::clone(&self.effects));
        let accounts = AccountReconciler::new(store.clone(), Arc::clone(&self.facts), Arc::clone(&effects));
        let lifecycle = LifecycleReconciler::new(store.clone(), Arc::clone(&effects), Arc::clone(&self.facts));
        let mut all: Vec<Arc<dyn Reconciler>> = vec![
            Arc::new(accounts),
            Arc::new(ec2::InstanceReconciler::new(store.clone(), node, Arc::clone(&effects), Arc::clone(&self.facts))),
            Arc::new(s3::BlobReconciler::new(store.clone(), Arc::clone(&self.blobs), Arc::clone(&effects))),
            Arc::new(self.space.reconciler(Arc::clone(&effects))),
            Arc::new(lifecycle.with_day(self.lifecycle_day)),
            Arc::new(InstanceRoles::new(store.clone(), Arc::clone(&effects), Arc::clone(&self.facts))),
            Arc::new(iam::SessionReconciler::new(store.clone(), Arc::clone(&effects))),
            Arc::new(iam::GuessReconciler::new(store.clone(), Arc::clone(&effects))),
        ];
        if let Some(folder) = &self.image_dir {
            all.push(Arc::new(ImageReconciler::new(store, effects, folder.clone())));
        }
        all
    }
}

/// Reconcilers that have not started yet.
pub(crate) struct Reconciling {
    pub(crate) store: Store,
    pub(crate) duty: Option<Arc<dyn Duty>>,
    pub(crate) makers: Makers,
}

impl Reconciling {
    /// Starts them, or waits for the lease to do so.
    pub(crate) fn start(self) -> Running {
        let Self { store, duty, makers } = self;
        let Some(duty) = duty else { return Running::Alone(Reconcilers::start(makers.make(store))) };
        let stop = watch::Sender::new(false);
        let stopped = stop.subscribe();
        let lease = Arc::new(Lease::new(store, duty));
        let shown = Shown::default();
        let (keeper, here) = (Arc::clone(&lease), Arc::clone(&shown));
        let task = tokio::spawn(async move {
            let work = |store: Store, mut end: watch::Receiver<bool>| {
                let reconcilers = Reconcilers::start(makers.make(store));
                let here = Arc::clone(&here);
                set(&here, Some(Box::new(reconcilers.watcher())));
                async move {
                    let _ = end.wait_for(|end| *end).await;
                    set(&here, None);
                    reconcilers.stop().await;
                }
            };
            keeper.keep(stopped, work).await;
        });
        Running::Leased { lease, shown, stop, task }
    }
}

/// The reconcilers that run in this process now, if any do.
type Shown = Arc<Mutex<Option<Box<dyn Fn() -> Vec<ReconcilerStatus> + Send + Sync>>>>;

fn set(shown: &Shown, to: Option<Box<dyn Fn() -> Vec<ReconcilerStatus> + Send + Sync>>) {
    *shown.lock().unwrap_or_else(PoisonError::into_inner) = to;
}

/// Reconcilers that have been started.
pub(crate) enum Running {
    /// Those of the only process.
    Alone(Reconcilers),
    /// Those of one of several.
    Leased {
        /// This process's part in the lease.
        lease: Arc<Lease>,
        /// What runs here.
        shown: Shown,
        /// Ends it.
        stop: watch::Sender<bool>,
        /// Ends once everything has.
        task: JoinHandle<()>,
    },
}

impl Running {
    /// What the operator is answered who asks how they do, for as long as this process runs.
    pub(crate) fn watcher(&self) -> Box<dyn Fn() -> Answer + Send + Sync> {
        match self {
            Self::Alone(reconcilers) => {
                let statuses = reconcilers.watcher();
                Box::new(move || Answer::Reconcilers(statuses()))
            }
            Self::Leased { lease, shown, .. } => {
                let (lease, shown) = (Arc::clone(lease), Arc::clone(shown));
                Box::new(move || {
                    let running = shown.lock().unwrap_or_else(PoisonError::into_inner);
                    match (&*running, lease.standing()) {
                        (Some(statuses), _) => Answer::Reconcilers(statuses()),
                        (None, Standing::Waiting { holder: Some(holder) }) => {
                            Answer::Elsewhere(format!("{holder} reconciles"))
                        }
                        (None, Standing::Holding { trouble: Some(trouble) }) => Answer::Elsewhere(trouble),
                        (None, _) => Answer::Elsewhere("nobody is known to reconcile".to_owned()),
                    }
                })
            }
        }
    }

    /// How those do that run in this process; none while another one has the lease.
    pub(crate) fn here(&self) -> impl Fn() -> Vec<ReconcilerStatus> + Send + Sync + 'static {
        let answer = self.watcher();
        move || match answer() {
            Answer::Reconcilers(statuses) => statuses,
            _ => Vec::new(),
        }
    }

    /// Lets every activation that runs end, starts no more, and gives the lease back.
    pub(crate) async fn stop(self) {
        match self {
            Self::Alone(reconcilers) => reconcilers.stop().await,
            Self::Leased { stop, mut task, .. } => {
                stop.send_replace(true);
                if tokio::time::timeout(END, &mut task).await.is_err() {
                    tracing::warn!("what came with the lease did not end in time and was cut off");
                    task.abort();
                }
            }
        }
    }
}
