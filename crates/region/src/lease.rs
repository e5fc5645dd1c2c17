//! Where several processes share a store, one of them reconciles: the one that holds the lease. It says so in the store
//! again and again; when it has not for a while, another one takes the lease over, with the next term. What the holder
//! commits goes through a store that is fenced by its term: from the moment another one has the lease, it commits nothing.
//! No clocks are compared: each process measures, by its own, for how long it has seen nothing new of the holder.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use store::{Changes, CommitError, Record, Store, StoreError};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{debug, info, warn};

/// How often the holder says that it is there.
const BEAT: Duration = Duration::from_secs(1);
/// How long nothing may be seen of the holder before another one takes over.
const EXPIRY: Duration = Duration::from_secs(5);
/// How long a holder that can't say that it is there goes on. Shorter than the expiry by more than a beat and a look.
const GIVE_UP: Duration = Duration::from_secs(3);
/// How often those who wait look.
const LOOK: Duration = Duration::from_millis(500);
/// The one lease there is.
const NAME: &str = "reconcilers";

/// Who holds the lease. Changes with the holder, and with nothing else: it is the fence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeaseRecord {
    /// What it is for.
    pub name: String,
    /// Rises with each holder.
    pub term: u64,
    /// The process, as [`Duty::name`] has it; none when the last holder has given it back.
    pub holder: Option<String>,
}

impl Record for LeaseRecord {
    const TABLE: &'static str = "region/lease";
    const VERSION: u16 = 1;
    type Key = String;

    fn key(&self) -> String {
        self.name.clone()
    }
}

/// That the holder is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BeatRecord {
    /// Which lease.
    pub name: String,
    /// The holder's term.
    pub term: u64,
    /// Rises as long as the holder is there.
    pub count: u64,
}

impl Record for BeatRecord {
    const TABLE: &'static str = "region/lease-beat";
    const VERSION: u16 = 1;
    type Key = String;

    fn key(&self) -> String {
        self.name.clone()
    }
}

/// What a process takes on besides the reconcilers when it gets the lease: the host's machines.
#[async_trait]
pub trait Duty: Send + Sync + 'static {
    /// This process, for people and for the others: such as `process-1 (pid 4711, 127.0.0.1:4566)`.
    fn name(&self) -> String;

    /// Whether the process of this name is known to have ended. It is taken for alive as long as nobody knows better.
    fn has_ended(&self, name: &str) -> bool;

    /// Takes it on. Tried again and again while it fails, and the lease is held.
    ///
    /// # Errors
    /// What stands in the way, in one line.
    async fn take_on(&self) -> Result<(), String>;

    /// Lets go of it. Nothing of it goes on once this returns.
    async fn let_go(&self);
}

/// How the lease stands, as one process sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Standing {
    /// It is not known yet.
    #[default]
    Unknown,
    /// Another process has it.
    Waiting {
        /// Which one, as far as known.
        holder: Option<String>,
    },
    /// This process has it.
    Holding {
        /// What keeps it from doing what comes with it.
        trouble: Option<String>,
    },
}

/// One process's part in the lease.
pub(crate) struct Lease {
    store: Store,
    duty: Arc<dyn Duty>,
    standing: Mutex<Standing>,
}

/// What has last been seen of the holder, and when.
struct Seen {
    lease: Option<LeaseRecord>,
    beat: Option<BeatRecord>,
    since: Instant,
}

impl Lease {
    pub(crate) fn new(store: Store, duty: Arc<dyn Duty>) -> Self {
        Self { store, duty, standing: Mutex::default() }
    }

    /// How it stands.
    pub(crate) fn standing(&self) -> Standing {
        self.lock().clone()
    }

    /// Waits for the lease and works while it is held, again and again, until `stopped` turns true. `work` is given a
    /// store that is fenced, and a signal at which it must end.
    pub(crate) async fn keep<W, F>(&self, mut stopped: watch::Receiver<bool>, work: W)
    where
        W: Fn(Store, watch::Receiver<bool>) -> F,
        F: Future<Output = ()>,
    {
        while !*stopped.borrow() {
            let taken = tokio::select! {
                taken = self.wait() => taken,
                _ = stopped.wait_for(|stopped| *stopped) => return,
            };
            self.set(Standing::Holding { trouble: None });
            info!(term = taken.term, "this process reconciles now");
            if let Err(error) = self.hold(&taken, &mut stopped, &work).await {
                warn!(%error, "this process does not reconcile any more");
            }
            self.set(Standing::Unknown);
        }
    }

    /// Waits until the lease is this process's.
    async fn wait(&self) -> LeaseRecord {
        let mut changed = self.store.watch::<LeaseRecord>();
        let mut seen = Seen { lease: None, beat: None, since: Instant::now() };
        loop {
            match self.look(&mut seen).await {
                Ok(Some(taken)) => return taken,
                Ok(None) => {
                    let holder = seen.lease.as_ref().and_then(|lease| lease.holder.clone());
                    self.set(Standing::Waiting { holder });
                }
                // Nobody else's beat is seen either: the time that the store was away counts for nobody.
                Err(error) => {
                    debug!(%error, "the lease can't be looked at");
                    seen.since = Instant::now();
                }
            }
            let _ = tokio::time::timeout(LOOK, changed.changed()).await;
        }
    }

    /// Looks at the lease, and takes it where its holder is gone.
    async fn look(&self, seen: &mut Seen) -> Result<Option<LeaseRecord>, CommitError> {
        let view = self.store.view()?;
        let (lease, beat) = (view.get::<LeaseRecord>(&NAME.to_owned())?, view.get::<BeatRecord>(&NAME.to_owned())?);
        if lease != seen.lease || beat != seen.beat {
            *seen = Seen { lease, beat, since: Instant::now() };
        }
        let term = seen.lease.as_ref().map_or(0, |lease| lease.term);
        let is_free = match seen.lease.as_ref().and_then(|lease| lease.holder.as_deref()) {
            None => true,
            Some(holder) => self.duty.has_ended(holder) || seen.since.elapsed() >= EXPIRY,
        };
        if !is_free {
            return Ok(None);
        }
        let taken = LeaseRecord { name: NAME.to_owned(), term: term + 1, holder: Some(self.duty.name()) };
        let mut changes = Changes::new();
        changes.put(&taken)?;
        changes.put(&BeatRecord { name: NAME.to_owned(), term: taken.term, count: 0 })?;
        match self.store.commit(Some(&view), changes).await {
            Ok(_) => Ok(Some(taken)),
            // Somebody else was quicker.
            Err(CommitError::Conflict) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Works until the lease is lost or given back.
    async fn hold<W, F>(
        &self,
        taken: &LeaseRecord,
        stopped: &mut watch::Receiver<bool>,
        work: &W,
    ) -> Result<(), StoreError>
    where
        W: Fn(Store, watch::Receiver<bool>) -> F,
        F: Future<Output = ()>,
    {
        let fenced = self.store.fenced(taken)?;
        let end = watch::Sender::new(false);
        let mut ended = end.subscribe();
        let working = async {
            let is_ready = tokio::select! {
                () = self.take_on() => true,
                _ = ended.wait_for(|ended| *ended) => false,
            };
            if is_ready {
                work(fenced.clone(), end.subscribe()).await;
            }
        };
        tokio::pin!(working);
        let mut outcome = Ok(());
        let mut is_working = true;
        tokio::select! {
            () = &mut working => is_working = false,
            error = beat(&fenced, taken.term) => outcome = Err(error),
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
        end.send_replace(true);
        if is_working {
            working.await;
        }
        self.duty.let_go().await;
        if outcome.is_ok() {
            let mut changes = Changes::new();
            changes.put(&LeaseRecord { holder: None, ..taken.clone() })?;
            if let Err(error) = fenced.commit(None, changes).await {
                debug!(%error, "the lease could not be given back");
            }
        }
        outcome
    }

    /// Takes on what comes with the lease, however often that must be tried.
    async fn take_on(&self) {
        while let Err(trouble) = self.duty.take_on().await {
            if self.standing() != (Standing::Holding { trouble: Some(trouble.clone()) }) {
                warn!(trouble, "waiting for the machines of this host");
            }
            self.set(Standing::Holding { trouble: Some(trouble) });
            tokio::time::sleep(LOOK).await;
        }
        self.set(Standing::Holding { trouble: None });
    }

    fn set(&self, standing: Standing) {
        *self.lock() = standing;
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says that the holder is there until it is not one any more; gives why.
async fn beat(fenced: &Store, term: u64) -> StoreError {
    let mut said = Instant::now();
    for count in 1.. {
        tokio::time::sleep(BEAT).await;
        let mut changes = Changes::new();
        let begun = Instant::now();
        let error = match changes.put(&BeatRecord { name: NAME.to_owned(), term, count }) {
            Err(error) => error,
            Ok(()) => {
                let limit = GIVE_UP.saturating_sub(said.elapsed());
                match tokio::time::timeout(limit, fenced.commit(None, changes)).await {
                    Ok(Ok(_)) => {
                        said = begun;
                        continue;
                    }
                    Ok(Err(CommitError::Store(StoreError::Fenced))) => return StoreError::Fenced,
                    Ok(Err(CommitError::Store(error))) => error,
                    Ok(Err(CommitError::Conflict)) => StoreError::Busy,
                    Err(_) => StoreError::Unavailable("nothing could be written for too long".to_owned()),
                }
            }
        };
        if said.elapsed() >= GIVE_UP {
            return error;
        }
    }
    StoreError::Closed
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use async_trait::async_trait;
    use store::{Memory, Store};
    use tokio::sync::{Notify, watch};

    use super::{Duty, Lease, LeaseRecord, Standing};

    /// Processes that share one duty, which only one may have at a time.
    struct Shift {
        name: &'static str,
        taken: Arc<AtomicBool>,
    }

    #[async_trait]
    impl Duty for Shift {
        fn name(&self) -> String {
            self.name.to_owned()
        }

        fn has_ended(&self, _name: &str) -> bool {
            false
        }

        async fn take_on(&self) -> Result<(), String> {
            if self.taken.swap(true, Ordering::SeqCst) { Err("another has it".to_owned()) } else { Ok(()) }
        }

        async fn let_go(&self) {
            self.taken.store(false, Ordering::SeqCst);
        }
    }

    struct Worker {
        lease: Arc<Lease>,
        stop: watch::Sender<bool>,
        task: tokio::task::JoinHandle<()>,
        works: Arc<AtomicU64>,
        begun: Arc<Notify>,
    }

    fn start(store: &Store, name: &'static str, taken: &Arc<AtomicBool>) -> Worker {
        let duty = Shift { name, taken: Arc::clone(taken) };
        let lease = Arc::new(Lease::new(store.clone(), Arc::new(duty)));
        let (stop, works, begun) = (watch::Sender::new(false), Arc::new(AtomicU64::new(0)), Arc::new(Notify::new()));
        let (keeper, stopped) = (Arc::clone(&lease), stop.subscribe());
        let (count, signal) = (Arc::clone(&works), Arc::clone(&begun));
        let task = tokio::spawn(async move {
            let work = |_: Store, mut end: watch::Receiver<bool>| {
                count.fetch_add(1, Ordering::SeqCst);
                signal.notify_one();
                async move {
                    let _ = end.wait_for(|end| *end).await;
                }
            };
            keeper.keep(stopped, work).await;
        });
        Worker { lease, stop, task, works, begun }
    }

    #[tokio::test(start_paused = true)]
    async fn one_works_at_a_time_and_another_follows() {
        let (store, taken) = (Store::new(Memory::new()), Arc::new(AtomicBool::new(false)));
        let first = start(&store, "first", &taken);
        first.begun.notified().await;
        let second = start(&store, "second", &taken);
        let waits = Standing::Waiting { holder: Some("first".to_owned()) };
        while second.lease.standing() != waits {
            tokio::task::yield_now().await;
        }
        let now = (first.lease.standing(), second.works.load(Ordering::SeqCst));
        assert_eq!(now, (Standing::Holding { trouble: None }, 0));
        // In order: it is given back, and taken at once.
        first.stop.send_replace(true);
        first.task.await.unwrap();
        second.begun.notified().await;
        assert_eq!(second.lease.standing(), Standing::Holding { trouble: None });
        // A view of the term before sees nothing any more.
        let old = LeaseRecord { name: "reconcilers".to_owned(), term: 1, holder: Some("first".to_owned()) };
        let fenced = store.fenced(&old).unwrap();
        assert!(fenced.view().and_then(|view| view.get::<LeaseRecord>(&"reconcilers".to_owned())).is_err());
        second.stop.send_replace(true);
        second.task.await.unwrap();
        assert!(!taken.load(Ordering::SeqCst));
    }

    /// The one that has the lease is cut off, as by a kill; nobody knows but by its silence.
    #[tokio::test(start_paused = true)]
    async fn the_lease_of_one_that_is_silent_is_taken_after_a_while() {
        let (store, taken) = (Store::new(Memory::new()), Arc::new(AtomicBool::new(false)));
        let first = start(&store, "first", &taken);
        first.begun.notified().await;
        first.task.abort();
        let second = start(&store, "second", &taken);
        // The lease is its own after the expiry; the machines are not, until the first one has let go of them.
        let begun = tokio::time::Instant::now();
        let trouble = Standing::Holding { trouble: Some("another has it".to_owned()) };
        while second.lease.standing() != trouble {
            tokio::time::sleep(super::BEAT / 10).await;
        }
        let waited = begun.elapsed();
        assert!(super::EXPIRY <= waited && waited < super::EXPIRY * 2, "{waited:?}");
        assert_eq!(second.works.load(Ordering::SeqCst), 0);
        taken.store(false, Ordering::SeqCst);
        second.begun.notified().await;
        assert_eq!(second.lease.standing(), Standing::Holding { trouble: None });
    }
}
