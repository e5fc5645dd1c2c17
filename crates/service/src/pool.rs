//! A few threads and a queue before them. A thread that is done takes what waits next by itself; threads are made when
//! nobody is idle, up to a bound, and end when nothing has come for a while.
//!
//! Not here: what the work is, and who waits for it.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;

/// How long a thread with nothing to do stays, as in the runtime's own pool.
const LINGER: Duration = Duration::from_secs(10);

/// Work for a thread.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// Why work is not taken.
#[derive(Debug)]
pub(crate) enum Full {
    /// As much waits as may.
    Waiting,
    /// The host gives no thread, and there is none.
    Host(io::Error),
}

/// Threads made for blocking. When it is dropped, they finish what waits and end.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    /// Threads at most.
    most: usize,
    /// Jobs that may wait.
    room: usize,
}

struct Shared {
    state: Mutex<State>,
    came: Condvar,
    linger: Duration,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    threads: usize,
    /// Threads that wait for work, those among them that have been woken and do not run yet too.
    idle: usize,
    is_closed: bool,
}

impl Pool {
    /// A pool of at most so many threads, with room for so many jobs before them. It begins with no thread.
    pub(crate) fn new(most: usize, room: usize) -> Self {
        Self::lingering(most, room, LINGER)
    }

    fn lingering(most: usize, room: usize, linger: Duration) -> Self {
        let shared = Shared { state: Mutex::default(), came: Condvar::new(), linger };
        Self { shared: Arc::new(shared), most, room }
    }

    /// Has a job done when there is a thread for it, in the runtime that this is called in, if in any.
    ///
    /// # Errors
    /// The job is dropped, and why.
    pub(crate) fn put(&self, job: Job) -> Result<(), Full> {
        let mut state = self.shared.lock();
        if state.waiting.len() >= self.room {
            return Err(Full::Waiting);
        }
        state.waiting.push_back(job);
        // Each job that waits has one idle thread woken for it, as long as there are any.
        if state.idle >= state.waiting.len() {
            drop(state);
            self.shared.came.notify_one();
        } else if state.threads < self.most {
            if let Err(cause) = self.thread() {
                if state.threads == 0 {
                    state.waiting.pop_back();
                    return Err(Full::Host(cause));
                }
            } else {
                state.threads += 1;
            }
        }
        Ok(())
    }

    fn thread(&self) -> io::Result<()> {
        let (shared, runtime) = (Arc::clone(&self.shared), Handle::try_current().ok());
        let serve = move || {
            let _inside = runtime.as_ref().map(Handle::enter);
            shared.serve();
        };
        thread::Builder::new().name("call".to_owned()).spawn(serve).map(drop)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.came.notify_all();
    }
}

impl Shared {
    /// The life of a thread.
    fn serve(&self) {
        while let Some(job) = self.next() {
            // Whoever waits for it sees that nothing came of it.
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    }

    /// What to do next; none if the thread, which is counted out then, is to end.
    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        if state.waiting.is_empty() && !state.is_closed {
            state.idle += 1;
            let nothing = |state: &mut State| state.waiting.is_empty() && !state.is_closed;
            state = self.came.wait_timeout_while(state, self.linger, nothing).unwrap_or_else(PoisonError::into_inner).0;
            state.idle -= 1;
        }
        let job = state.waiting.pop_front();
        if job.is_none() {
            state.threads -= 1;
        }
        job
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No job runs under the lock, so that what it guards is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::{Full, Pool};

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Has a job wait for a word; gives what says the word, and what tells that the job has begun.
    fn held(pool: &Pool) -> (std::sync::mpsc::Sender<()>, Receiver<thread::ThreadId>) {
        let ((go, word), (begin, begun)) = (channel(), channel());
        let job = move || {
            begin.send(thread::current().id()).unwrap();
            let _ = word.recv_timeout(PATIENCE);
        };
        pool.put(Box::new(job)).unwrap();
        (go, begun)
    }

    fn count(pool: &Pool) -> usize {
        pool.shared.lock().threads
    }

    #[test]
    fn a_thread_that_is_done_takes_the_next_job() {
        let pool = Pool::new(1, 8);
        let (go, begun) = held(&pool);
        let first = begun.recv_timeout(PATIENCE).unwrap();
        let (next_go, next) = held(&pool);
        assert!(next.try_recv().is_err(), "there is one thread");
        go.send(()).unwrap();
        assert_eq!(next.recv_timeout(PATIENCE).unwrap(), first);
        drop(next_go);
    }

    #[test]
    fn threads_are_made_while_nobody_is_idle_up_to_the_bound() {
        let pool = Pool::new(2, 8);
        let one = held(&pool);
        one.1.recv_timeout(PATIENCE).unwrap();
        let two = held(&pool);
        two.1.recv_timeout(PATIENCE).unwrap();
        let three = held(&pool);
        assert_eq!(count(&pool), 2);
        drop(two.0);
        three.1.recv_timeout(PATIENCE).unwrap();
        assert_eq!(count(&pool), 2);
    }

    #[test]
    fn no_more_wait_than_may() {
        let pool = Pool::new(1, 2);
        let (go, begun) = held(&pool);
        begun.recv_timeout(PATIENCE).unwrap();
        let waiting = [held(&pool), held(&pool)];
        assert!(matches!(pool.put(Box::new(|| ())), Err(Full::Waiting)));
        drop(go);
        for (go, begun) in waiting {
            begun.recv_timeout(PATIENCE).unwrap();
            drop(go);
        }
        held(&pool).1.recv_timeout(PATIENCE).unwrap();
    }

    #[test]
    fn a_panic_costs_no_thread() {
        let pool = Pool::new(1, 8);
        pool.put(Box::new(|| panic!("of the test"))).unwrap();
        held(&pool).1.recv_timeout(PATIENCE).unwrap();
        assert_eq!(count(&pool), 1);
    }

    #[test]
    fn threads_with_nothing_to_do_end_and_are_made_again() {
        let pool = Pool::lingering(4, 8, Duration::from_millis(1));
        for _ in 0..3 {
            let (go, begun) = held(&pool);
            begun.recv_timeout(PATIENCE).unwrap();
            drop(go);
            let deadline = Instant::now() + PATIENCE;
            while count(&pool) > 0 {
                assert!(Instant::now() < deadline, "a thread stays");
                thread::yield_now();
            }
        }
    }

    #[test]
    fn what_waits_when_the_pool_is_dropped_is_done() {
        let pool = Pool::new(1, 8);
        let (go, begun) = held(&pool);
        begun.recv_timeout(PATIENCE).unwrap();
        let (_go, next) = held(&pool);
        drop(pool);
        drop(go);
        next.recv_timeout(PATIENCE).unwrap();
    }

    /// Crowds from many threads at once: every job is done once, by no more threads than there may be.
    #[test]
    fn no_job_is_lost_in_a_crowd() {
        let pool = Pool::lingering(3, 100_000, Duration::from_micros(50));
        let (done, all) = channel();
        thread::scope(|scope| {
            for giver in 0..4_u32 {
                let (pool, done) = (&pool, done.clone());
                scope.spawn(move || {
                    for job in 0..2_000 {
                        let done = done.clone();
                        pool.put(Box::new(move || done.send((giver, job)).unwrap())).unwrap();
                        if job % 100 == 0 {
                            assert!(count(pool) <= 3);
                            thread::yield_now();
                        }
                    }
                });
            }
        });
        let mut jobs: Vec<_> = (0..8_000).map(|_| all.recv_timeout(PATIENCE).unwrap()).collect();
        jobs.sort_unstable();
        jobs.dedup();
        assert_eq!(jobs.len(), 8_000);
    }
}
