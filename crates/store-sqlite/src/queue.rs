//! The transactions that wait for the commit thread: bounded, and closed for good when the store closes.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use store::{CommitError, StoreError, Transaction, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Transactions that wait or are being committed at most; further callers wait before they are let in.
const SLOTS: usize = 1024;
/// Transactions of one batch.
const MAX_BATCH: usize = 256;
/// Bytes after which a batch takes no more transactions.
const MAX_BATCH_BYTES: usize = 32 * 1024 * 1024;

/// One waiting transaction.
pub(crate) struct Request {
    pub(crate) transaction: Transaction,
    /// Bytes that it writes.
    pub(crate) bytes: usize,
    answer: oneshot::Sender<Result<Version, CommitError>>,
    _slot: OwnedSemaphorePermit,
}

impl Request {
    /// Answers the caller, who may have gone.
    pub(crate) fn answer(self, outcome: Result<Version, CommitError>) {
        let _ = self.answer.send(outcome);
    }
}

/// The queue.
pub(crate) struct Queue {
    slots: Arc<Semaphore>,
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Request>,
    is_closed: bool,
}

impl Queue {
    /// An empty queue.
    pub(crate) fn new() -> Self {
        Self { slots: Arc::new(Semaphore::new(SLOTS)), state: Mutex::default(), arrived: Condvar::new() }
    }

    /// Hands a transaction to the commit thread and waits for its answer.
    pub(crate) async fn send(&self, transaction: Transaction, bytes: usize) -> Result<Version, CommitError> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let (answer, answered) = oneshot::channel();
        {
            let mut state = self.state();
            if state.is_closed {
                return Err(StoreError::Closed.into());
            }
            state.waiting.push_back(Request { transaction, bytes, answer, _slot: slot });
        }
        self.arrived.notify_one();
        answered.await.unwrap_or(Err(CommitError::Store(StoreError::Closed)))
    }

    /// Waits for transactions and takes what is there, up to a batch. `None` once the queue is closed and empty.
    pub(crate) fn take_batch(&self) -> Option<Vec<Request>> {
        let waited = self.arrived.wait_while(self.state(), |state| state.waiting.is_empty() && !state.is_closed);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < MAX_BATCH
            && bytes < MAX_BATCH_BYTES
            && let Some(request) = state.waiting.pop_front()
        {
            bytes += request.bytes;
            batch.push(request);
        }
        (!batch.is_empty()).then_some(batch)
    }

    /// Lets nobody in any more. What waits is still committed.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.slots.close();
        self.arrived.notify_one();
    }

    /// Closes the queue and drops what waits, so that callers are answered [`StoreError::Closed`].
    pub(crate) fn abandon(&self) {
        self.close();
        let waiting = std::mem::take(&mut self.state().waiting);
        drop(waiting);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
