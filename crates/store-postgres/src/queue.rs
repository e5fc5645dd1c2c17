//! The transactions that wait for the committer: bounded, and closed for good when the store closes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use store::{CommitError, StoreError, Transaction, Version};
use tokio::sync::{mpsc, oneshot, watch};

/// Transactions that wait at most; further callers wait before they are let in.
const SLOTS: usize = 1024;
/// Transactions of one batch.
const MAX_BATCH: usize = 256;
/// Bytes after which a batch takes no more transactions.
const MAX_BATCH_BYTES: usize = 32 * 1024 * 1024;

/// One waiting transaction.
pub(crate) struct Request {
    pub(crate) transaction: Transaction,
    pub(crate) arrived: Instant,
    bytes: usize,
    answer: oneshot::Sender<Result<Version, CommitError>>,
}

impl Request {
    /// Answers the caller, who may have gone.
    pub(crate) fn answer(self, outcome: Result<Version, CommitError>) {
        let _ = self.answer.send(outcome);
    }
}

/// Where callers put transactions.
#[derive(Clone)]
pub(crate) struct Sender(mpsc::Sender<Request>);

impl Sender {
    /// Hands a transaction to the committer and waits for its answer.
    pub(crate) async fn send(self, transaction: Transaction, bytes: usize) -> Result<Version, CommitError> {
        let (answer, answered) = oneshot::channel();
        let request = Request { transaction, arrived: Instant::now(), bytes, answer };
        self.0.send(request).await.map_err(|_| StoreError::Closed)?;
        answered.await.unwrap_or(Err(CommitError::Store(StoreError::Closed)))
    }
}

/// Where the committer takes them from.
pub(crate) struct Receiver {
    arriving: mpsc::Receiver<Request>,
    waiting: VecDeque<Request>,
    closed: watch::Receiver<bool>,
}

/// A queue, which closes when `closed` turns true.
pub(crate) fn queue(closed: watch::Receiver<bool>) -> (Sender, Receiver) {
    let (sender, arriving) = mpsc::channel(SLOTS);
    (Sender(sender), Receiver { arriving, waiting: VecDeque::new(), closed })
}

impl Receiver {
    /// Waits for transactions and takes what is there, up to a batch. `None` once the queue is closed and empty.
    pub(crate) async fn batch(&mut self) -> Option<Vec<Request>> {
        while self.waiting.is_empty() {
            let arrived = tokio::select! {
                request = self.arriving.recv() => request,
                _ = self.closed.wait_for(|closed| *closed), if !self.arriving.is_closed() => {
                    self.arriving.close();
                    continue;
                }
            };
            self.waiting.push_back(arrived?);
        }
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < MAX_BATCH && bytes < MAX_BATCH_BYTES {
            let Some(request) = self.waiting.pop_front().or_else(|| self.arriving.try_recv().ok()) else { break };
            bytes += request.bytes;
            batch.push(request);
        }
        Some(batch)
    }

    /// Refuses what has waited for longer than `patience`.
    pub(crate) fn refuse_older(&mut self, patience: Duration, error: &StoreError) -> u64 {
        while let Ok(request) = self.arriving.try_recv() {
            self.waiting.push_back(request);
        }
        let mut refused = 0;
        while self.waiting.front().is_some_and(|request| request.arrived.elapsed() >= patience) {
            let Some(request) = self.waiting.pop_front() else { break };
            request.answer(Err(error.clone().into()));
            refused += 1;
        }
        refused
    }
}
