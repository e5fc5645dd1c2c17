//! A connection that gives up on a peer who takes nothing, or next to nothing: without it one unread answer holds its place for ever.

use std::future::Future;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::limits::Limits;
use crate::pace::Pace;
use crate::patience::was_missed;

/// A transport whose writes fail once the peer takes nothing for a while, or too little for long.
pub(crate) struct Stalling<T> {
    inner: T,
    patience: Duration,
    pace: Pace,
    timer: Pin<Box<Sleep>>,
    waiting_since: Option<Instant>,
}

impl<T> Stalling<T> {
    /// A transport with the patience of these limits.
    pub(crate) fn new(inner: T, limits: &Limits) -> Self {
        let patience = limits.idle_time;
        Self { inner, patience, pace: Pace::new(limits), timer: Box::pin(sleep(patience)), waiting_since: None }
    }

    /// Passes on what a write gives, and counts the time while it gives nothing.
    fn watch<R>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<Result<R>>,
        bytes: impl Fn(&R) -> usize,
    ) -> Poll<Result<R>> {
        if let Poll::Ready(outcome) = outcome {
            let waited = self.waiting_since.take().map(|since| since.elapsed());
            let taken = outcome.as_ref().map_or(0, bytes) as u64;
            // Who never makes us wait is never too slow.
            if !self.pace.note(waited.unwrap_or_default(), taken) {
                return Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the peer takes too little")));
            }
            return Poll::Ready(outcome);
        }
        if self.waiting_since.is_none() {
            let now = Instant::now();
            self.waiting_since = Some(now);
            self.timer.as_mut().reset(now + self.patience);
        }
        loop {
            ready!(self.timer.as_mut().poll(cx));
            if !was_missed(self.timer.deadline()) {
                break;
            }
            let now = Instant::now();
            self.waiting_since = Some(now);
            self.timer.as_mut().reset(now + self.patience);
        }
        self.waiting_since = None;
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the peer takes nothing")))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Stalling<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Stalling<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.watch(cx, outcome, |written| *written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write_vectored(cx, pieces);
        self.watch(cx, outcome, |written| *written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_flush(cx);
        self.watch(cx, outcome, |()| 0)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.watch(cx, outcome, |()| 0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::Stalling;
    use crate::limits::Limits;

    #[tokio::test]
    async fn only_a_peer_who_takes_nothing_is_given_up() {
        let (ours, mut theirs) = duplex(16);
        let mut ours = Stalling::new(ours, &Limits { idle_time: Duration::from_millis(50), ..Limits::default() });
        let reader = tokio::spawn(async move {
            let mut read = [0; 64];
            theirs.read_exact(&mut read).await.unwrap();
            theirs
        });
        ours.write_all(&[1; 64]).await.unwrap();
        let _theirs = reader.await.unwrap();
        let error = ours.write_all(&[1; 64]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_who_takes_a_byte_at_a_time_is_given_up() {
        let limits = Limits { pace_time: Duration::from_secs(20), min_rate: 10, ..Limits::default() };
        for (pause, is_served) in [(Duration::from_millis(50), true), (Duration::from_secs(1), false)] {
            let (ours, mut theirs) = duplex(1);
            let mut ours = Stalling::new(ours, &limits);
            let reader = tokio::spawn(async move {
                while let Ok(1) = theirs.read(&mut [0]).await {
                    tokio::time::sleep(pause).await;
                }
            });
            let outcome = ours.write_all(&[1; 1000]).await;
            assert_eq!(outcome.is_ok(), is_served, "a byte every {pause:?}");
            drop(ours);
            reader.await.unwrap();
        }
    }
}
