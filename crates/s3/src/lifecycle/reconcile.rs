//! Carries out what the lifecycle rules of buckets say: once after each midnight, and when rules change.
//!
//! A walk goes over everything in those buckets in bounded steps, and from one activation to the next where there is
//! much. It keeps nothing: what was cut off is found again by the next walk. What is due is read again with what it
//! depends on in the transaction that does it, so that an object put meanwhile is never taken for the one that was due.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::{Call, Caller, Principal, Verdicts};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use service::{Cx, Effects, Pass, ReconcileError, Reconciler, RegionFacts};
use store::{Changes, CommitError, Store, View, Watch};
use tokio::sync::watch;

use super::plan::Clockwork;
use super::rules::DAY;
use super::walk::{Found, Item, Place, carry_out, fingerprint, lifecycle_of, look};
use crate::S3Error;
use crate::config::BucketConfigRecord;

/// Things looked at in one step.
const STEP: usize = 500;
/// Things done in one commit.
const BATCH: usize = 100;
/// Steps of one activation: two hundred thousand things a minute.
const MAX_STEPS: usize = 400;

/// Carries out lifecycle rules.
pub struct LifecycleReconciler {
    store: Store,
    effects: Arc<dyn Effects>,
    region: Arc<RegionFacts>,
    day: SignedDuration,
    configurations: Watch,
    state: Mutex<State>,
}

/// How far the walks have come. Losing it costs a walk.
#[derive(Default)]
struct State {
    /// The walk under way.
    walk: Option<Walk>,
    /// The day of the last walk that left nothing undone, and what rules there were.
    done: Option<(i128, u64)>,
    /// What rules there are, as of this state of the configurations.
    rules: Option<(u64, u64)>,
}

#[derive(Clone)]
struct Walk {
    place: Place,
    /// What is due is so at this moment, however long the walk takes.
    now: Timestamp,
    /// What rules there were when it began.
    rules: u64,
    /// Whether everything that was due was done.
    is_clean: bool,
}

impl LifecycleReconciler {
    /// A reconciler over a store with buckets in it.
    pub fn new(store: Store, effects: Arc<dyn Effects>, region: Arc<RegionFacts>) -> Self {
        let configurations = store.watch::<BucketConfigRecord>();
        Self { store, effects, region, day: DAY, configurations, state: Mutex::default() }
    }

    /// The same with days of another length, for those who test rules and won't wait: between a second and a day.
    #[must_use]
    pub fn with_day(self, day: Duration) -> Self {
        let day = SignedDuration::try_from(day).unwrap_or(DAY).clamp(SignedDuration::from_secs(1), DAY);
        Self { day, ..self }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which day a moment is in.
    fn day_of(&self, now: Timestamp) -> i128 {
        now.as_nanosecond().div_euclid(self.day.as_nanos().max(1))
    }

    /// The walk that is under way, or one that has to begin; none if there is nothing to do before the next midnight.
    async fn walk(&self, now: Timestamp) -> Result<Option<Walk>, ReconcileError> {
        if let Some(walk) = &self.state().walk {
            return Ok(Some(walk.clone()));
        }
        let rules = self.rules().await?;
        let is_done = self.state().done == Some((self.day_of(now), rules));
        Ok((!is_done).then_some(Walk { place: Place::Before(None), now, rules, is_clean: true }))
    }

    /// What rules there are, as a number: other configurations change all the time, and must not cost a walk.
    async fn rules(&self) -> Result<u64, ReconcileError> {
        let version = *self.configurations.receiver().borrow();
        if let Some((_, rules)) = self.state().rules.filter(|(of, _)| *of == version) {
            return Ok(rules);
        }
        let store = self.store.clone();
        let rules = blocking(move || fingerprint(&store.view()?)).await?;
        self.state().rules = Some((version, rules));
        Ok(rules)
    }

    /// One step: finds what is due, and does it. Gives how many things it did, and how many it could not.
    async fn step(&self, walk: &Walk) -> Result<(Found, usize, usize), ReconcileError> {
        let (store, place, now, day) = (self.store.clone(), walk.place.clone(), walk.now, self.day);
        let found = blocking(move || {
            let view = store.view()?;
            look(&view, &place, STEP, |lifecycle| Clockwork { lifecycle, now, day })
        })
        .await?;
        let (mut done, mut left) = (0, 0);
        if let Place::In(bucket, ..) = &walk.place {
            for batch in found.due.chunks(BATCH) {
                match self.carry_out(bucket, batch, now).await? {
                    Some(count) => done += count,
                    // One of them was written to meanwhile: the others need not wait for it.
                    None => {
                        for item in batch {
                            match self.carry_out(bucket, std::slice::from_ref(item), now).await? {
                                Some(count) => done += count,
                                None => left += 1,
                            }
                        }
                    }
                }
            }
        }
        Ok((found, done, left))
    }

    /// Does what is due with some things of a bucket in one commit; none if somebody wrote to one of them.
    async fn carry_out(&self, bucket: &str, items: &[Item], now: Timestamp) -> Result<Option<usize>, ReconcileError> {
        let (store, bucket, items, day) = (self.store.clone(), bucket.to_owned(), items.to_vec(), self.day);
        let cx = Cx::within(self.call(), self.effects.now(), Arc::clone(&self.region), Arc::clone(&self.effects));
        let (view, changes, count) = blocking(move || {
            let view = store.view()?;
            let (mut changes, mut count) = (Changes::new(), 0);
            if let Some((record, lifecycle)) = lifecycle_of(&view, &bucket)? {
                let clockwork = Clockwork { lifecycle: &lifecycle, now, day };
                for item in &items {
                    count += usize::from(carry_out(&view, &mut changes, &record, &clockwork, item, &cx)?);
                }
            }
            Ok::<(View, Changes, usize), S3Error>((view, changes, count))
        })
        .await?;
        if changes.is_empty() {
            return Ok(Some(0));
        }
        match self.store.commit(Some(&view), changes).await {
            Ok(_) => Ok(Some(count)),
            Err(CommitError::Conflict) => Ok(None),
            Err(error @ CommitError::Store(_)) => Err(ReconcileError::new(error)),
        }
    }

    /// The call that these changes would be, if somebody had called.
    fn call(&self) -> Call {
        let principal = Principal::Service("lifecycle.s3.amazonaws.com");
        Call {
            caller: Caller { principal, ..Caller::ANONYMOUS },
            request_id: String::new(),
            source_ip: None,
            is_secure: true,
            manner: Default::default(),
            user_agent: "lifecycle.s3.amazonaws.com".to_owned(),
            region: self.region.name.clone(),
            verdicts: Verdicts::default(),
        }
    }
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, S3Error> + Send + 'static,
) -> Result<T, ReconcileError> {
    tokio::task::spawn_blocking(read).await.map_err(ReconcileError::new)?.map_err(ReconcileError::new)
}

#[async_trait]
impl Reconciler for LifecycleReconciler {
    fn name(&self) -> &'static str {
        "s3-lifecycle"
    }

    /// A tenth of a day, so that a midnight is not missed by much; at most a minute.
    fn interval(&self) -> Duration {
        let tenth = Duration::try_from(self.day).unwrap_or_default() / 10;
        tenth.clamp(Duration::from_millis(200), Duration::from_secs(60))
    }

    fn signals(&self) -> Vec<watch::Receiver<u64>> {
        vec![self.configurations.receiver()]
    }

    async fn activate(&self) -> Result<Pass, ReconcileError> {
        let mut pass = Pass::default();
        let Some(mut walk) = self.walk(self.effects.now()).await? else { return Ok(pass) };
        for _ in 0..MAX_STEPS {
            let (found, done, left) = self.step(&walk).await?;
            pass.examined += found.examined;
            pass.changed += done;
            pass.waiting += left;
            walk.is_clean &= left == 0;
            let mut state = self.state();
            match found.next {
                Some(place) => {
                    walk.place = place;
                    state.walk = Some(walk.clone());
                }
                None => {
                    state.walk = None;
                    // What was left undone is found by a walk of the next activation.
                    state.done = walk.is_clean.then(|| (self.day_of(walk.now), walk.rules));
                    break;
                }
            }
        }
        Ok(pass)
    }
}
