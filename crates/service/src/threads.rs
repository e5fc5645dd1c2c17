//! Where the part of a call runs that reads the store: on the thread that has the call, or on one made for blocking.
//!
//! Most calls read a few pages from memory, and waking another thread takes longer than that: measured with
//! `GetCallerIdentity`, half of the time of a busy region. So a call stays where it is as long as the runtime has
//! another thread left for everything else.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{Semaphore, oneshot};
use wire::ServiceError;

use crate::pool::{Full, Pool};

/// Threads made for blocking that calls are on at one time; more wait, no longer than those take, whose every read is
/// bounded. Each thread keeps up to 240 KB of what it has freed to itself (glibc's caches of 7 blocks of 64 sizes), for as
/// long as it is there: without a bound a crowd of readers on two cores made a hundred threads, and their caches were half
/// of what a region's memory grew by in its first million calls.
///
/// They are our own and not the runtime's: a place in the runtime's pool can be given on only by whoever waits for it, and
/// the way over the reactor to the next call and back to a thread left those threads idle half of the time (1,000
/// connections had 34k instead of 62k `GetCallerIdentity` a second). Here a thread that is done takes the next call.
const BLOCKING: usize = 16;
/// Calls that wait for one of them. Those that may read at one time are fewer; the rest is room for calls whose clients
/// went away, which are passed over when it is their turn.
const WAITING: usize = 8192;

/// The threads that calls may keep busy.
pub(crate) struct Threads {
    /// Those of the runtime.
    spare: Semaphore,
    /// Those made for blocking.
    blocking: Pool,
    /// Whether the runtime's own are taken instead. A clock that a test has stopped jumps whenever the runtime of one thread
    /// has nothing to do, unless one of its own threads is at work.
    has_own: bool,
}

impl Threads {
    /// All threads of the runtime that this is called in, but one; none outside a runtime.
    pub(crate) fn of_this_runtime() -> Self {
        let workers = Handle::try_current().map_or(0, |handle| handle.metrics().num_workers());
        let has_own = Handle::try_current().is_ok_and(|it| it.runtime_flavor() == RuntimeFlavor::CurrentThread);
        Self { has_own, ..Self::new(workers.saturating_sub(1), BLOCKING) }
    }

    fn new(spare: usize, blocking: usize) -> Self {
        Self { spare: Semaphore::new(spare), blocking: Pool::new(blocking, WAITING), has_own: false }
    }

    /// Runs work that may block. If the caller goes away before it has begun, it does not begin.
    ///
    /// # Errors
    /// Its own; `InternalError` if it panicked; `Unavailable` if too much waits.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        if let Ok(_spare) = self.spare.try_acquire() {
            return caught(work);
        }
        if self.has_own {
            return tokio::task::spawn_blocking(move || caught(work)).await.map_err(ServiceError::internal)?;
        }
        let (done, outcome) = oneshot::channel();
        let job = move || {
            if !done.is_closed() {
                // Nobody may be there for it any more.
                let _ = done.send(caught(work));
            }
        };
        self.blocking.put(Box::new(job)).map_err(|full| match full {
            Full::Waiting => crate::runner::unavailable("too many calls wait for a thread"),
            Full::Host(cause) => ServiceError::internal(cause),
        })?;
        outcome.await.map_err(ServiceError::internal)?
    }
}

/// What the work gives, or that it panicked; what it had borrowed is gone with it.
fn caught<T>(work: impl FnOnce() -> Result<T, ServiceError>) -> Result<T, ServiceError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(ServiceError::internal("the operation panicked")))
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::SeqCst;
    use std::sync::mpsc::channel;
    use std::sync::{Arc, Barrier};
    use std::task::Poll;
    use std::thread;

    use super::{BLOCKING, Handle, Threads};

    fn threads(spare: usize) -> Threads {
        Threads::new(spare, 1)
    }

    #[tokio::test]
    async fn work_stays_here_only_while_a_thread_is_spare() {
        let here = thread::current().id();
        let elsewhere =
            |threads: Threads| async move { threads.run(|| Ok(thread::current().id())).await.unwrap() != here };
        assert!(!elsewhere(threads(1)).await);
        assert!(elsewhere(threads(0)).await);
        let busy = threads(1);
        let _taken = busy.spare.try_acquire().unwrap();
        assert_ne!(busy.run(|| Ok(thread::current().id())).await.unwrap(), here);
    }

    #[tokio::test]
    async fn a_panic_is_answered_wherever_it_happens() {
        for spare in [0, 1] {
            let threads = threads(spare);
            for _ in 0..2 {
                let error = threads.run::<()>(|| panic!("of the test")).await.unwrap_err();
                assert_eq!(error.status, 500);
            }
        }
    }

    /// A crowd of calls once made as many threads, whose caches stayed.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_crowd_makes_no_more_threads_than_there_may_be() {
        let threads = Arc::new(Threads::of_this_runtime());
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        // As many as may run at once wait for each other, so that they do.
        let together = Arc::new(Barrier::new(BLOCKING));
        let calls: Vec<_> = (0..10 * BLOCKING)
            .map(|_| {
                let (threads, running) = (Arc::clone(&threads), Arc::clone(&running));
                let (most, together) = (Arc::clone(&most), Arc::clone(&together));
                tokio::spawn(async move {
                    // Nothing of the runtime's own is spare here.
                    let _none = threads.spare.forget_permits(usize::MAX);
                    let work = move || {
                        most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
                        together.wait();
                        running.fetch_sub(1, SeqCst);
                        Ok(())
                    };
                    threads.run(work).await.unwrap();
                })
            })
            .collect();
        for call in calls {
            call.await.unwrap();
        }
        assert_eq!(most.load(SeqCst), BLOCKING);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_begun() {
        let threads = Arc::new(threads(0));
        let (go, word) = channel::<()>();
        let busy = tokio::spawn({
            let threads = Arc::clone(&threads);
            async move { threads.run(move || Ok(word.recv().unwrap_err())).await }
        });
        tokio::task::yield_now().await;
        let begun = Arc::new(AtomicUsize::new(0));
        let mut left = Box::pin(threads.run({
            let begun = Arc::clone(&begun);
            move || Ok(begun.fetch_add(1, SeqCst))
        }));
        assert!(is_pending(&mut left).await);
        drop(left);
        drop(go);
        busy.await.unwrap().unwrap();
        // One thread, in order: what was given up was passed over before this.
        threads.run(|| Ok(())).await.unwrap();
        assert_eq!(begun.load(SeqCst), 0);
    }

    /// Polls once; whether it is not done.
    async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
        std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx).is_pending())).await
    }

    #[tokio::test]
    async fn work_elsewhere_is_within_the_runtime() {
        threads(0).run(|| Ok(Handle::try_current().unwrap())).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn one_thread_of_the_runtime_is_left() {
        assert_eq!(Threads::of_this_runtime().spare.available_permits(), 2);
    }

    #[tokio::test]
    async fn a_runtime_of_one_thread_has_none_to_spare() {
        assert_eq!(Threads::of_this_runtime().spare.available_permits(), 0);
    }
}
