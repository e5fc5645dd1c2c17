//! A connection that waits for its peer's next request without going to sleep, for as long as falling asleep and being
//! woken takes. Two programs that answer each other wait for the kernel to wake them twice in each exchange; on a machine
//! that is otherwise idle that takes longer than the exchange.
//!
//! Only a peer that has just asked again at once is waited for so, and one at a time: whoever answers many has something
//! better to do.

use std::io::{ErrorKind, IoSlice, Read, Result};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Longest wait without sleep: about what a sleep and a waking take.
const WAIT: Duration = Duration::from_micros(50);
/// A peer that asks again within this, waking included, is an eager one.
const SOON: Duration = Duration::from_micros(150);
/// How often in a row it does so before it is believed.
const PROOF: u32 = 32;

/// Whether some connection waits so.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// A connection over TCP, as eager as its peer.
pub(crate) struct Eager {
    inner: TcpStream,
    /// When we last wrote something, if nothing has been read since.
    answered: Option<Instant>,
    /// How many times in a row the peer asked again soon.
    soon: u32,
}

impl Eager {
    pub(crate) fn new(inner: TcpStream) -> Self {
        Self { inner, answered: None, soon: 0 }
    }

    /// The peer has asked again.
    fn asked(&mut self) {
        if let Some(answered) = self.answered.take() {
            self.soon = if answered.elapsed() <= SOON { self.soon.saturating_add(1) } else { 0 };
        }
    }

    /// Waits for bytes; none if none came.
    fn wait(&mut self, buffer: &mut ReadBuf<'_>) -> Option<Result<()>> {
        let answered = self.answered.filter(|_| self.soon >= PROOF)?;
        let _turn = Turn::take()?;
        let socket = SockRef::from(&self.inner);
        loop {
            match (&*socket).read(buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    return Some(Ok(()));
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) => return Some(Err(error)),
            }
            if answered.elapsed() > WAIT {
                self.soon = 0;
                return None;
            }
        }
    }
}

/// The right to wait.
struct Turn;

impl Turn {
    fn take() -> Option<Self> {
        (!IS_TAKEN.swap(true, Ordering::Acquire)).then_some(Self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        IS_TAKEN.store(false, Ordering::Release);
    }
}

impl AsyncRead for Eager {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let this = &mut *self;
        let mut outcome = Pin::new(&mut this.inner).poll_read(cx, buffer);
        if outcome.is_pending() {
            // Whatever comes meanwhile wakes the task as well, which then finds nothing: the price of it.
            outcome = this.wait(buffer).map_or(Poll::Pending, Poll::Ready);
        }
        if outcome.is_ready() {
            this.asked();
        }
        outcome
    }
}

impl AsyncWrite for Eager {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        self.answered = Some(Instant::now());
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        self.answered = Some(Instant::now());
        Pin::new(&mut self.inner).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::{Duration, Instant};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::{Eager, PROOF};

    /// Whatever the ways that its bytes are read by, they come in order and all of them, and so does the end.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nothing_is_lost_between_the_two_ways_of_waiting() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let peer = tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            for number in 0..20 * PROOF {
                stream.write_all(&number.to_be_bytes()).await.unwrap();
                assert_eq!(stream.read_u32().await.unwrap(), number);
                if number % 50 == 49 {
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
            }
        });
        let mut eager = Eager::new(listener.accept().await.unwrap().0);
        // It waits so from the first request on.
        eager.soon = PROOF;
        for number in 0..20 * PROOF {
            assert_eq!(eager.read_u32().await.unwrap(), number);
            eager.write_u32(number).await.unwrap();
            eager.soon = PROOF;
        }
        assert_eq!(eager.read(&mut [0]).await.unwrap(), 0);
        peer.await.unwrap();
    }

    #[tokio::test]
    async fn only_a_peer_who_has_shown_it_is_waited_for() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut eager = Eager::new(listener.accept().await.unwrap().0);
        let mut bytes = [0; 4];
        let mut buffer = tokio::io::ReadBuf::new(&mut bytes);
        eager.soon = PROOF;
        assert!(eager.wait(&mut buffer).is_none());
        assert_eq!(eager.soon, PROOF, "nothing was answered yet");
        eager.write_all(b"answer").await.unwrap();
        eager.soon = PROOF - 1;
        assert!(eager.wait(&mut buffer).is_none());
        assert_eq!(eager.soon, PROOF - 1, "it is not waited for");
        eager.soon = PROOF;
        // Another test of this process may have the turn.
        let deadline = Instant::now() + Duration::from_secs(20);
        while eager.soon == PROOF {
            assert!(Instant::now() < deadline, "nobody gives the turn back");
            assert!(eager.wait(&mut buffer).is_none());
            tokio::task::yield_now().await;
        }
        assert_eq!(eager.soon, 0, "who does not come has to show it anew");
    }
}
