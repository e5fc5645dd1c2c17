//! Deletes the bytes that nothing names any more: those of overwritten and deleted objects, and those of uploads that
//! were cut off between their last byte and their commit.
//!
//! Nothing is deleted but what a committed [`GarbageRecord`] names. A leftover becomes garbage in a transaction that
//! conflicts with the commit that would name it, so an upload that is merely slow, or a machine that slept, loses
//! nothing: either the object is there with its bytes, or the client is told to try again. So it is too when the upload
//! wakes up after its garbage was collected: bytes that old are committed by nobody.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use blobs::{BlobError, BlobId, BlobListed, BlobStore};
use jiff::{SignedDuration, Timestamp};
use service::{Effects, Pass, ReconcileError, Reconciler};
use store::{Changes, CommitError, Direction, KeyPrefix, Store, StoreError, View};
use tokio::sync::watch;

use crate::garbage::{BlobRefRecord, GarbageRecord};
use crate::uploads::{forget_leases, take_apart};

/// How long garbage is kept: a reader may have found the record, and not opened its bytes yet. One that has opened
/// them is not disturbed.
const GRACE: SignedDuration = SignedDuration::from_mins(1);
/// How old a blob that no record names must be to count as a leftover.
const LEFTOVER_AGE: SignedDuration = SignedDuration::from_hours(1);
/// How old a blob may be when a record comes to name it. Less than the age of a leftover: one that is older may have been
/// garbage, deleted and forgotten meanwhile, and then nothing in the store tells of that any more.
pub(crate) const COMMIT_AGE: SignedDuration = SignedDuration::from_mins(30);
/// Blobs or records of one step.
const STEP: usize = 500;
/// Steps of one activation, of each kind: fifty thousand blobs a minute.
const MAX_STEPS: usize = 100;

/// Deletes blobs that no object names.
pub struct BlobReconciler {
    store: Store,
    blobs: Arc<dyn BlobStore>,
    effects: Arc<dyn Effects>,
    /// Where the walk over all blobs goes on. Losing it costs a walk from the beginning.
    cursor: Mutex<Option<BlobId>>,
}

impl BlobReconciler {
    /// A reconciler over the store and the blobs of one [`crate::S3`]. No other service may keep blobs in the same
    /// place: it would take them for leftovers.
    pub fn new(store: Store, blobs: Arc<dyn BlobStore>, effects: Arc<dyn Effects>) -> Self {
        Self { store, blobs, effects, cursor: Mutex::new(None) }
    }

    /// Deletes garbage whose grace is over, the oldest first.
    async fn collect(&self, pass: &mut Pass) -> Result<(), ReconcileError> {
        for _ in 0..MAX_STEPS {
            let store = self.store.clone();
            let found = blocking(move || {
                let (index, all) = (GarbageRecord::BY_AGE, KeyPrefix::all());
                store.view()?.scan_index::<GarbageRecord>(index, &all, None, Direction::Ascending, STEP)
            })
            .await?;
            let now = self.effects.now();
            let (mut changes, mut failure) = (Changes::new(), None);
            pass.examined += found.len();
            for (_, garbage) in &found {
                if is_younger(garbage.since, now, GRACE) {
                    continue;
                }
                match self.blobs.delete(&garbage.blob).await {
                    Ok(()) => changes.delete::<GarbageRecord>(&garbage.blob.to_string()),
                    // A later pass will, when the backup is done.
                    Err(BlobError::Held) => {}
                    // One that can't be deleted must not keep the others.
                    Err(error) => failure = Some(ReconcileError::new(error)),
                }
            }
            let (count, is_end) = (changes.len(), changes.len() < STEP);
            if count > 0 {
                self.store.commit(None, changes).await.map_err(ReconcileError::new)?;
            }
            pass.changed += count;
            if let Some(failure) = failure {
                return Err(failure);
            }
            if is_end {
                pass.waiting += found.len() - count;
                break;
            }
        }
        Ok(())
    }

    /// Finds leftovers and makes garbage of them.
    async fn sweep(&self, pass: &mut Pass) -> Result<(), ReconcileError> {
        for _ in 0..MAX_STEPS {
            let after = *self.cursor();
            let listed = self.blobs.list(after, STEP).await.map_err(ReconcileError::new)?;
            let last = if listed.len() < STEP { None } else { listed.last().map(|blob| blob.id) };
            pass.examined += listed.len();
            let now = self.effects.now();
            let old: Vec<BlobId> = listed.into_iter().filter(|blob| is_old(blob, now)).map(|blob| blob.id).collect();
            let store = self.store.clone();
            let (view, changes) = blocking(move || name_leftovers(&store, &old, now)).await?;
            let count = changes.len();
            if count > 0 {
                match self.store.commit(Some(&view), changes).await {
                    Ok(_) => pass.changed += count,
                    // An upload was committed meanwhile. The next walk looks again.
                    Err(CommitError::Conflict) => pass.waiting += count,
                    Err(error @ CommitError::Store(_)) => return Err(ReconcileError::new(error)),
                }
            }
            *self.cursor() = last;
            if last.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn cursor(&self) -> std::sync::MutexGuard<'_, Option<BlobId>> {
        self.cursor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The changes that make garbage of those of `blobs` that no record names, with the view that they hold in.
fn name_leftovers(store: &Store, blobs: &[BlobId], now: Timestamp) -> Result<(View, Changes), StoreError> {
    let view = store.view()?;
    let mut changes = Changes::new();
    for blob in blobs {
        let name = blob.to_string();
        if !view.contains::<BlobRefRecord>(&name)? && !view.contains::<GarbageRecord>(&name)? {
            changes.put(&GarbageRecord { blob: *blob, since: now })?;
        }
    }
    Ok((view, changes))
}

fn is_old(blob: &BlobListed, now: Timestamp) -> bool {
    Timestamp::try_from(blob.written_at).is_ok_and(|written_at| !is_younger(written_at, now, LEFTOVER_AGE))
}

fn is_younger(since: Timestamp, now: Timestamp, age: SignedDuration) -> bool {
    now.duration_since(since) < age
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ReconcileError> {
    tokio::task::spawn_blocking(read).await.map_err(ReconcileError::new)?.map_err(ReconcileError::new)
}

#[async_trait]
impl Reconciler for BlobReconciler {
    fn name(&self) -> &'static str {
        "s3-blobs"
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// Nothing is urgent: garbage waits for its grace anyway.
    fn signals(&self) -> Vec<watch::Receiver<u64>> {
        Vec::new()
    }

    async fn activate(&self) -> Result<Pass, ReconcileError> {
        let mut pass = Pass::default();
        let now = self.effects.now();
        take_apart(&self.store, now, &mut pass).await.map_err(ReconcileError::new)?;
        forget_leases(&self.store, now).await.map_err(ReconcileError::new)?;
        let collected = self.collect(&mut pass).await;
        self.sweep(&mut pass).await?;
        collected.map(|()| pass)
    }
}
