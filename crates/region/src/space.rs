//! Where the space of a region's objects goes, and whether their bytes are sound, as the operator asks; and the reading of
//! all bytes that finds out, a little at a time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use blobs::{BlobError, BlobId, BlobStore, DiskStats, ScrubReport, Scrubber};
use jiff::Timestamp;
use s3::BucketUsage;
use serde::{Deserialize, Serialize};
use service::{Effects, Pass, ReconcileError, Reconciler};
use store::Store;
use tokio::sync::watch;

/// Bytes a second that are read when nobody waits for the end. With the pauses between passes it is a tenth of that.
const RATE: u64 = 32 << 20;
/// Bytes a second for an operator who waits.
const HURRIED: u64 = 1 << 30;
/// How often a pass is made.
const PAUSE: Duration = Duration::from_secs(10);
/// How long after the end of a walk the next one begins: a week.
const REST: u64 = 7 * 24 * 3_600_000;

/// What the operator asks of space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpaceOrder {
    /// What buckets and disks have.
    Usage,
    /// Read all bytes from now on and see whether they are sound; answered at once, as [`SpaceOrder::Found`].
    Scrub,
    /// What was found.
    Found,
}

/// What the operator is told of space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpaceAnswer {
    /// To [`SpaceOrder::Usage`].
    Usage(Usage),
    /// To the others.
    Found(Found),
}

/// What there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Each bucket, by name.
    pub buckets: Vec<BucketUsage>,
    /// Blobs that nothing names any more and that are not deleted yet.
    pub waiting: u64,
    /// Each disk.
    pub disks: Vec<DiskStats>,
    /// What scrubbing found.
    pub found: Found,
}

/// What scrubbing found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Found {
    /// The walk that goes on.
    pub now: Option<ScrubReport>,
    /// The last one that ended.
    pub last: Option<ScrubReport>,
    /// Whose the damaged blobs are that both have named.
    pub damaged: Vec<DamagedObject>,
}

/// Damage, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DamagedObject {
    /// The blob.
    pub blob: BlobId,
    /// Bucket and key, if something names the blob still.
    pub object: Option<(String, String)>,
    /// What does not fit.
    pub detail: String,
}

/// Keeps account of space. Clones are the same.
#[derive(Clone)]
pub struct SpaceKeeper {
    store: Store,
    blobs: Arc<dyn BlobStore>,
    scrubber: Arc<Scrubber>,
}

impl SpaceKeeper {
    /// Over a region's store and blobs. Blocks on the disk.
    pub fn new(store: Store, blobs: Arc<dyn BlobStore>) -> Self {
        let scrubber = Arc::new(Scrubber::new(Arc::clone(&blobs)));
        Self { store, blobs, scrubber }
    }

    /// Does what the operator asks, or says in one line why not.
    pub(crate) async fn carry_out(&self, order: SpaceOrder) -> Result<SpaceAnswer, String> {
        let answer = match order {
            SpaceOrder::Usage => self.usage().await.map(SpaceAnswer::Usage),
            SpaceOrder::Found => self.found().await.map(SpaceAnswer::Found),
            SpaceOrder::Scrub => {
                self.begin().await;
                let scrubber = Arc::clone(&self.scrubber);
                // What stops it is told by the pass of the reconciler that goes on with it.
                tokio::spawn(async move { while matches!(scrubber.step(HURRIED, now()).await, Ok(true)) {} });
                self.found().await.map(SpaceAnswer::Found)
            }
        };
        answer.map_err(|error| error.0)
    }

    /// What buckets and disks have.
    ///
    /// # Errors
    /// The store's, or the disks'.
    pub async fn usage(&self) -> Result<Usage, ReconcileError> {
        let store = self.store.clone();
        let counted = tokio::task::spawn_blocking(move || s3::usage(&store)).await.map_err(ReconcileError::new)?;
        let (buckets, waiting) = counted.map_err(ReconcileError::new)?;
        let disks = self.blobs.stats().await.map_err(ReconcileError::new)?;
        Ok(Usage { buckets, waiting, disks, found: self.found().await? })
    }

    /// What was found until now.
    ///
    /// # Errors
    /// The store's.
    pub async fn found(&self) -> Result<Found, ReconcileError> {
        let (state, store) = (self.scrubber.state(), self.store.clone());
        let named = tokio::task::spawn_blocking(move || {
            let view = store.view()?;
            let mut damaged: Vec<DamagedObject> = Vec::new();
            for damage in state.last.iter().chain(&state.now).flat_map(|report| &report.damaged) {
                if damaged.iter().all(|known| known.blob != damage.id) {
                    let (blob, detail) = (damage.id, damage.detail.clone());
                    damaged.push(DamagedObject { blob, object: s3::name_of_blob(&view, &blob)?, detail });
                }
            }
            Ok::<_, store::StoreError>(Found { now: state.now, last: state.last, damaged })
        });
        named.await.map_err(ReconcileError::new)?.map_err(ReconcileError::new)
    }

    /// Begins a walk over everything; one that goes on is given up.
    pub async fn begin(&self) {
        self.scrubber.begin_anew(now()).await;
    }

    /// Goes on with the walk as fast as the disk allows; whether there is more to do.
    ///
    /// # Errors
    /// The disks'.
    pub async fn step(&self) -> Result<bool, BlobError> {
        self.scrubber.step(HURRIED, now()).await
    }

    /// What goes on with walks while the region runs.
    pub(crate) fn reconciler(&self, effects: Arc<dyn Effects>) -> ScrubReconciler {
        self.scrubber.reload();
        ScrubReconciler { scrubber: Arc::clone(&self.scrubber), effects }
    }
}

/// The real time, which blobs and walks over them carry.
fn now() -> u64 {
    millis(Timestamp::now())
}

fn millis(time: Timestamp) -> u64 {
    u64::try_from(time.as_millisecond()).unwrap_or(0)
}

/// Reads all blobs, a little at a time, and begins again a week after the end.
pub(crate) struct ScrubReconciler {
    scrubber: Arc<Scrubber>,
    effects: Arc<dyn Effects>,
}

#[async_trait]
impl Reconciler for ScrubReconciler {
    fn name(&self) -> &'static str {
        "blobs-scrub"
    }

    fn interval(&self) -> Duration {
        PAUSE
    }

    /// Nothing is urgent: an operator who waits reads by himself.
    fn signals(&self) -> Vec<watch::Receiver<u64>> {
        Vec::new()
    }

    async fn activate(&self) -> Result<Pass, ReconcileError> {
        let now = millis(self.effects.now());
        let before = self.scrubber.state();
        let is_due = |report: &ScrubReport| now.saturating_sub(report.ended.unwrap_or(0)) >= REST;
        if before.now.is_none() && before.last.as_ref().is_some_and(|report| !is_due(report)) {
            return Ok(pass(&before.last, 0));
        }
        self.scrubber.begin(now);
        let read = |state: &blobs::ScrubState| state.now.as_ref().map_or(0, |report| report.blobs);
        let already = read(&before);
        self.scrubber.step(RATE, now).await.map_err(ReconcileError::new)?;
        let after = self.scrubber.state();
        let examined = read(&after).saturating_sub(already);
        Ok(pass(after.now.as_ref().map_or(&after.last, |_| &after.now), examined))
    }
}

fn pass(report: &Option<ScrubReport>, examined: u64) -> Pass {
    let damaged = report.as_ref().map_or(0, |report| report.damaged_count);
    let trouble = (damaged > 0).then(|| format!("{damaged} damaged blobs: `welkin scrub --found` names their objects"));
    Pass { examined: usize::try_from(examined).unwrap_or(usize::MAX), trouble, ..Pass::default() }
}
