//! Waiting for an answer on a thread that isn't ours. Reads of the store are synchronous calls that a runtime's own
//! threads make, where tokio's ways to block panic. The futures here need no reactor: connections are driven by the
//! engine's runtime, and a client only talks to them.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for the future on this thread; `None` once the deadline has passed.
pub(crate) fn wait<F: Future>(future: F, deadline: Instant) -> Option<F::Output> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
        thread::park_timeout(deadline.checked_duration_since(Instant::now())?);
    }
}

/// Has the request of a future sent, and waits for no answer.
pub(crate) fn send<F: Future>(future: F) {
    let mut cx = Context::from_waker(Waker::noop());
    let _ = pin!(future).poll(&mut cx);
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::thread;
    use std::time::{Duration, Instant};

    use tokio::sync::oneshot;

    use super::wait;

    #[tokio::test]
    async fn answers_come_in_within_a_runtime_and_waits_end() {
        let soon = || Instant::now() + Duration::from_secs(60);
        assert_eq!(wait(ready(1), soon()), Some(1));
        let (sender, receiver) = oneshot::channel();
        thread::spawn(move || sender.send(2));
        assert_eq!(wait(receiver, soon()), Some(Ok(2)));
        assert_eq!(wait(pending::<()>(), Instant::now()), None);
    }
}
