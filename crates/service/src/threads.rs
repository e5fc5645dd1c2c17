//! Where the part of a call runs that reads the store: on the thread that has the call, or on one made for blocking.
//!
//! Most calls read a few pages from memory, and waking another thread takes longer than that: measured with
//! `GetCallerIdentity`, half of the time of a busy region. So a call stays where it is as long as the runtime has
//! another thread left for everything else.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use wire::ServiceError;

/// The threads of a runtime that may be kept busy.
pub(crate) struct Threads {
    spare: Semaphore,
}

impl Threads {
    /// All threads of the runtime that this is called in, but one; none outside a runtime.
    pub(crate) fn of_this_runtime() -> Self {
        let workers = Handle::try_current().map_or(0, |handle| handle.metrics().num_workers());
        Self { spare: Semaphore::new(workers.saturating_sub(1)) }
    }

    /// Runs work that may block.
    ///
    /// # Errors
    /// Its own, or `InternalError` if it panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        if let Ok(_spare) = self.spare.try_acquire() {
            // Caught as the blocking pool catches it; what it had borrowed is gone with it.
            return catch_unwind(AssertUnwindSafe(work))
                .unwrap_or_else(|_| Err(ServiceError::internal("the operation panicked")));
        }
        tokio::task::spawn_blocking(work).await.map_err(ServiceError::internal)?
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use tokio::sync::Semaphore;

    use super::Threads;

    fn threads(spare: usize) -> Threads {
        Threads { spare: Semaphore::new(spare) }
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

    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn one_thread_of_the_runtime_is_left() {
        assert_eq!(Threads::of_this_runtime().spare.available_permits(), 2);
    }

    #[tokio::test]
    async fn a_runtime_of_one_thread_has_none_to_spare() {
        assert_eq!(Threads::of_this_runtime().spare.available_permits(), 0);
    }
}
