//! Holds: while one is there, deleted blobs stay, so that whoever copies what a snapshot names finds all of it.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{BlobError, BlobId};

/// Deletions that wait for the end of holds at most; further ones are refused as [`BlobError::Busy`]. 16 MB.
const MAX_DEFERRED: usize = 1_000_000;

/// Keeps every blob of a store from going away for as long as it lives. Deletions made meanwhile happen when the last
/// hold ends; if the process dies before, those blobs are leftovers that no record names.
#[must_use = "a hold that is dropped holds nothing"]
pub struct BlobHold {
    release: Option<Box<dyn FnOnce() + Send>>,
}

impl BlobHold {
    /// For stores: a hold that does `release` when it ends, which may block on the disk.
    pub fn new(release: impl FnOnce() + Send + 'static) -> Self {
        Self { release: Some(Box::new(release)) }
    }
}

impl Drop for BlobHold {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            release();
        }
    }
}

/// For stores: the holds of one, and what is to be deleted after them.
#[derive(Default)]
pub struct Holds {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    count: usize,
    deferred: BTreeSet<BlobId>,
}

impl Holds {
    /// A hold begins.
    pub fn begin(&self) {
        self.state().count += 1;
    }

    /// A hold ends. Gives what is to be deleted now.
    pub fn end(&self) -> BTreeSet<BlobId> {
        let mut state = self.state();
        state.count -= 1;
        if state.count == 0 { std::mem::take(&mut state.deferred) } else { BTreeSet::new() }
    }

    /// Whether this deletion waits for the end of a hold.
    ///
    /// # Errors
    /// [`BlobError::Busy`] when too many wait already.
    pub fn defer(&self, id: &BlobId) -> Result<bool, BlobError> {
        let mut state = self.state();
        if state.count == 0 {
            return Ok(false);
        }
        if state.deferred.len() >= MAX_DEFERRED {
            return Err(BlobError::Busy);
        }
        state.deferred.insert(*id);
        Ok(true)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
