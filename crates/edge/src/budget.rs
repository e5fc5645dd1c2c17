//! How many bytes of request bodies are held in memory at one time, over all connections.
//!
//! Bytes are reserved as they arrive and not when they are announced: a place is taken only by what was really sent.
//! One source can hold a half of it, so that the other half is there for others.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::source::Source;

/// The memory there is for bodies.
pub(crate) struct Budget {
    total: usize,
    held: Mutex<Held>,
    freed: Notify,
    /// How many have waited so far.
    waits: AtomicU32,
}

#[derive(Default)]
struct Held {
    all: usize,
    by_source: HashMap<Source, usize>,
}

/// The memory is full, and stayed so for as long as anybody waits.
#[derive(Debug, thiserror::Error)]
#[error("{0} bytes of bodies are held already")]
pub(crate) struct Exhausted(usize);

impl Budget {
    /// Memory for `total` bytes.
    pub(crate) fn new(total: usize) -> Arc<Self> {
        Arc::new(Self { total, held: Mutex::default(), freed: Notify::new(), waits: AtomicU32::new(0) })
    }

    /// A reservation of nothing yet, for a request of this source.
    pub(crate) fn open(self: &Arc<Self>, source: Source) -> Reservation {
        Reservation { budget: Arc::clone(self), source, bytes: 0, left: None }
    }

    /// Bytes that are held now.
    pub(crate) fn held(&self) -> usize {
        self.lock().all
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of bodies that fill the memory together none can go on, and all would be given up at once: so some wait for less
    /// long than others, and what they leave lets the others end.
    fn patience(&self, longest: Duration) -> Duration {
        // Multiples of the golden ratio are as far from each other as can be.
        const GOLDEN: u32 = 0x9e37_79b9;
        let part = self.waits.fetch_add(1, Ordering::Relaxed).wrapping_mul(GOLDEN);
        longest.mul_f64(0.5 + 0.5 * f64::from(part) / f64::from(u32::MAX))
    }

    fn take(&self, source: Source, bytes: usize) -> Result<(), Exhausted> {
        let mut held = self.lock();
        let of_source = held.by_source.get(&source).copied().unwrap_or(0) + bytes;
        if held.all + bytes > self.total || of_source > self.total.div_ceil(2) {
            return Err(Exhausted(held.all));
        }
        held.all += bytes;
        held.by_source.insert(source, of_source);
        Ok(())
    }
}

/// Bytes that one request holds. They are free again when it is dropped.
pub(crate) struct Reservation {
    budget: Arc<Budget>,
    source: Source,
    bytes: usize,
    /// For how long it may still wait; none as long as it has not waited.
    left: Option<Duration>,
}

impl Reservation {
    /// Reserves up to `bytes` in all, waiting for others to leave, but in all its life no longer than `patience`.
    pub(crate) async fn grow_to(&mut self, bytes: usize, patience: Duration) -> Result<(), Exhausted> {
        let Some(more) = bytes.checked_sub(self.bytes).filter(|more| *more > 0) else { return Ok(()) };
        if self.budget.take(self.source, more).is_err() {
            let budget = Arc::clone(&self.budget);
            let freed = async {
                loop {
                    let freed = budget.freed.notified();
                    if budget.take(self.source, more).is_ok() {
                        return;
                    }
                    freed.await;
                }
            };
            let left = self.left.unwrap_or_else(|| self.budget.patience(patience));
            let started = Instant::now();
            let outcome = tokio::time::timeout(left, freed).await;
            self.left = Some(left.saturating_sub(started.elapsed()));
            if outcome.is_err() {
                return Err(Exhausted(self.budget.lock().all));
            }
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Reservation {
    /// Leaves all that it holds to others.
    pub(crate) fn release(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes == 0 {
            return;
        }
        let mut held = self.budget.lock();
        held.all -= bytes;
        if let Some(of_source) = held.by_source.get_mut(&self.source) {
            *of_source -= bytes;
            if *of_source == 0 {
                held.by_source.remove(&self.source);
            }
        }
        drop(held);
        self.budget.freed.notify_waiters();
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Budget;
    use crate::source::Source;

    const LONG: Duration = Duration::from_secs(20);

    fn source(last: u8) -> Source {
        Source::of(Some([192, 0, 2, last].into()))
    }

    #[tokio::test]
    async fn what_is_held_is_bounded_in_all_and_for_each_source() {
        let budget = Budget::new(100);
        let mut one = budget.open(source(1));
        let mut other = budget.open(source(2));
        one.grow_to(50, Duration::ZERO).await.unwrap();
        one.grow_to(51, Duration::ZERO).await.unwrap_err();
        one.grow_to(10, Duration::ZERO).await.unwrap();
        other.grow_to(50, Duration::ZERO).await.unwrap();
        budget.open(source(3)).grow_to(1, Duration::ZERO).await.unwrap_err();
        drop(one);
        budget.open(source(3)).grow_to(50, Duration::ZERO).await.unwrap();
        drop(other);
        assert_eq!(budget.lock().all, 0);
        assert!(budget.lock().by_source.is_empty(), "a source that holds nothing is forgotten");
    }

    #[tokio::test]
    async fn who_waits_gets_what_others_leave() {
        let budget = Budget::new(100);
        let mut first = budget.open(source(1));
        first.grow_to(50, Duration::ZERO).await.unwrap();
        let mut second = budget.open(source(1));
        let (waited, ()) = tokio::join!(second.grow_to(20, LONG), async { drop(first) });
        waited.unwrap();
        assert_eq!(budget.lock().all, 20);
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_that_fill_the_memory_together_are_not_all_given_up() {
        let budget = Budget::new(200);
        let bodies = (0..10).map(|_| {
            let mut body = budget.open(source(1));
            async move {
                body.grow_to(10, LONG).await.unwrap();
                tokio::task::yield_now().await;
                body.grow_to(20, LONG).await.is_ok()
            }
        });
        let ended = futures_util::future::join_all(bodies.map(tokio::spawn)).await;
        let given_up = ended.into_iter().filter(|ended| !ended.as_ref().unwrap()).count();
        assert!((1..=2).contains(&given_up), "{given_up} of 10");
    }
}
