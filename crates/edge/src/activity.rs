//! What goes on within one connection: which requests are open, how their answers move, and when a peer is idle, deaf
//! or up to something. Not here: what is done about it.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::watch;
use tokio::time::Instant;
use wire::StreamError;

use crate::body::AnswerBody;

/// Requests that a peer may take back on one connection, as long as that is not most of them. A browser that leaves a
/// page takes back tens; a rapid reset (CVE-2023-44487) takes back all, by the thousand.
const TAKEN_BACK: u32 = 100;

/// The requests of one connection.
pub(crate) struct Activity {
    state: Mutex<State>,
    /// Whether its place is wanted by another.
    dismissal: watch::Sender<bool>,
}

struct State {
    /// When each open request last moved; none while it is being answered, which is our own affair.
    open: HashMap<u64, Option<Instant>>,
    next: u64,
    ended: u32,
    taken_back: u32,
    /// Since when there is none.
    quiet_since: Instant,
}

impl Activity {
    pub(crate) fn new() -> Arc<Self> {
        let state = State { open: HashMap::new(), next: 0, ended: 0, taken_back: 0, quiet_since: Instant::now() };
        Arc::new(Self { state: Mutex::new(state), dismissal: watch::Sender::new(false) })
    }

    /// A request has come.
    pub(crate) fn begin(self: &Arc<Self>) -> Exchange {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.open.insert(number, None);
        Exchange { activity: Arc::clone(self), number, is_ended: false }
    }

    /// Since when the connection has no open request; none if it has some. The second value says whether it ever had.
    pub(crate) fn quiet(&self) -> (Option<Instant>, bool) {
        let state = self.lock();
        (state.open.is_empty().then_some(state.quiet_since), state.next > 0)
    }

    /// Nobody was here for a while: what the peer did not do meanwhile is forgotten.
    pub(crate) fn excuse(&self) {
        let now = Instant::now();
        let mut state = self.lock();
        state.quiet_since = now;
        for moved in state.open.values_mut().flatten() {
            *moved = now;
        }
    }

    /// Tells the connection to leave as soon as it can.
    pub(crate) fn dismiss(&self) {
        self.dismissal.send_replace(true);
    }

    /// Waits until the connection is told to leave.
    pub(crate) async fn dismissed(&self) {
        // The sender is here: it cannot be gone.
        let _ = self.dismissal.subscribe().wait_for(|is_dismissed| *is_dismissed).await;
    }

    /// Whether the peer has left an answer untouched for longer than `patience`.
    pub(crate) fn is_deaf(&self, patience: Duration) -> bool {
        let now = Instant::now();
        self.lock().open.values().flatten().any(|moved| now.duration_since(*moved) >= patience)
    }

    /// Whether the peer asks mostly to take back.
    pub(crate) fn is_flood(&self) -> bool {
        let state = self.lock();
        state.taken_back > TAKEN_BACK && state.taken_back > state.ended
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request, from its headers to the end of its answer. Dropped before that, it was taken back.
pub(crate) struct Exchange {
    activity: Arc<Activity>,
    number: u64,
    is_ended: bool,
}

impl Exchange {
    /// Now it is the peer's turn.
    fn moves(&self) {
        self.activity.lock().open.insert(self.number, Some(Instant::now()));
    }

    /// Now it is ours.
    fn waits(&self) {
        self.activity.lock().open.insert(self.number, None);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut state = self.activity.lock();
        state.open.remove(&self.number);
        state.quiet_since = Instant::now();
        if self.is_ended {
            state.ended = state.ended.saturating_add(1);
        } else {
            state.taken_back = state.taken_back.saturating_add(1);
        }
    }
}

/// The body of an answer, handed over in pieces, which notes how it moves.
pub(crate) struct Watched {
    inner: AnswerBody,
    /// What was taken out of `inner` and not handed over yet.
    rest: Bytes,
    piece: usize,
    exchange: Exchange,
}

impl Watched {
    /// At most `piece` bytes are handed over at once. HTTP/2 asks for the next piece only when the peer has room for it,
    /// which is how a peer without any is noticed.
    pub(crate) fn new(inner: AnswerBody, piece: usize, exchange: Exchange) -> Self {
        exchange.moves();
        let mut this = Self { inner, rest: Bytes::new(), piece, exchange };
        this.note_end();
        this
    }

    fn note_end(&mut self) {
        self.exchange.is_ended |= self.rest.is_empty() && self.inner.is_end_stream();
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = StreamError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, StreamError>>> {
        let this = &mut *self;
        this.exchange.moves();
        if this.rest.is_empty() {
            match Pin::new(&mut this.inner).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => this.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                Poll::Ready(None) => {
                    this.exchange.is_ended = true;
                    return Poll::Ready(None);
                }
                Poll::Pending => {
                    this.exchange.waits();
                    return Poll::Pending;
                }
                failed => return failed,
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(this.piece));
        this.note_end();
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let ahead = self.rest.len() as u64;
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + ahead);
        }
        hint.set_lower(inner.lower() + ahead);
        hint
    }
}
