//! How long a peer is waited for, in time in which this process runs. One that was stopped, or had no turn for long,
//! finds all its timers run out at once, and what peers have sent meanwhile still unread: that is no fault of theirs, and
//! each is waited for anew. A waiting time that ends when it should is the peer's fault, as ever.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

/// A timer that runs out so much later than it should was not looked at.
const LATE: Duration = Duration::from_millis(250);

/// Of a long wait so much at most is lost by a stop.
const PART: Duration = Duration::from_secs(5);

/// How often one peer is waited for anew: a process that has so much to do that all its timers are late does not wait for
/// ever.
const ANEW: u32 = 8;

/// Whether nobody was there when this moment came.
pub(crate) fn was_missed(moment: Instant) -> bool {
    moment.elapsed() >= LATE
}

/// What comes of `future` within `limit`.
///
/// # Errors
/// [`Elapsed`] if nothing did.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    waited(limit, future).await.0
}

/// The same, and how long it was waited for.
pub(crate) async fn waited<F: Future>(limit: Duration, future: F) -> (Result<F::Output, Elapsed>, Duration) {
    let mut future = pin!(future);
    let (mut before, mut missed) = (Duration::ZERO, 0);
    loop {
        let (begun, part) = (Instant::now(), PART.min(limit - before));
        match timeout_at(begun + part, future.as_mut()).await {
            Ok(outcome) => return (Ok(outcome), before + begun.elapsed().min(part)),
            Err(_) if was_missed(begun + part) && missed < ANEW => missed += 1,
            Err(elapsed) => {
                before += part;
                if before >= limit {
                    return (Err(elapsed), before);
                }
            }
        }
    }
}

/// hyper's timers with this patience.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timer;

impl rt::Timer for Timer {
    fn sleep(&self, limit: Duration) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Patient { limit, timer: Box::pin(sleep_until(Instant::now() + limit)), missed: 0 })
    }

    fn sleep_until(&self, end: std::time::Instant) -> Pin<Box<dyn rt::Sleep>> {
        let (end, now) = (Instant::from_std(end), Instant::now());
        Box::pin(Patient { limit: end.saturating_duration_since(now), timer: Box::pin(sleep_until(end)), missed: 0 })
    }

    fn now(&self) -> std::time::Instant {
        Instant::now().into_std()
    }
}

struct Patient {
    limit: Duration,
    timer: Pin<Box<Sleep>>,
    missed: u32,
}

impl Future for Patient {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let limit = self.limit;
        loop {
            ready!(self.timer.as_mut().poll(cx));
            if self.missed == ANEW || !was_missed(self.timer.deadline()) {
                return Poll::Ready(());
            }
            self.missed += 1;
            self.timer.as_mut().reset(Instant::now() + limit);
        }
    }
}

impl rt::Sleep for Patient {}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::pin::pin;
    use std::time::Duration;

    use futures_util::FutureExt;
    use hyper::rt::Timer as _;
    use tokio::time::{Instant, advance};

    use super::{LATE, Timer, waited, within};

    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn a_peer_is_waited_for_as_long_as_it_should_and_no_longer() {
        let begun = Instant::now();
        assert!(within(LIMIT, pending::<()>()).await.is_err());
        Timer.sleep(LIMIT).await;
        Timer.sleep_until((Instant::now() + LIMIT).into_std()).await;
        assert_eq!(begun.elapsed().as_secs(), 3 * LIMIT.as_secs());
        let (outcome, waited) = waited(LIMIT, tokio::time::sleep(LIMIT / 2)).await;
        assert!(outcome.is_ok() && waited.as_secs() == LIMIT.as_secs() / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_was_there_is_not_the_peers() {
        let mut answer = pin!(waited(LIMIT, pending::<()>()));
        let mut timer = Timer.sleep(LIMIT);
        assert!(answer.as_mut().now_or_never().is_none() && timer.as_mut().now_or_never().is_none());
        // Stopped for a minute.
        advance(2 * LIMIT).await;
        assert!(answer.as_mut().now_or_never().is_none() && timer.as_mut().now_or_never().is_none());
        let resumed = Instant::now();
        let (outcome, waited) = answer.await;
        timer.await;
        assert!(outcome.is_err());
        assert!(waited >= LIMIT && waited < LIMIT + LATE, "{waited:?}");
        assert!(resumed.elapsed() < LIMIT + LATE);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_late_every_time_does_not_wait_for_ever() {
        let mut answer = pin!(within(LIMIT, pending::<()>()));
        let mut timer = Timer.sleep(LIMIT);
        let (mut stops, mut is_over) = (0, (false, false));
        while is_over != (true, true) {
            stops += 1;
            assert!(stops < 32, "{is_over:?}");
            is_over.0 = is_over.0 || answer.as_mut().now_or_never().is_some();
            is_over.1 = is_over.1 || timer.as_mut().now_or_never().is_some();
            advance(2 * LIMIT).await;
        }
    }
}
