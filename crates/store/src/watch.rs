//! Watches: a wake-up after every commit below a prefix, many commits becoming one wake-up.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::engine::Version;
use crate::error::StoreError;

/// Wakes after commits that wrote below its prefix. To miss nothing, take the watch first and a snapshot after it:
/// what the snapshot doesn't hold will wake the watch.
#[derive(Debug, Clone)]
pub struct Watch {
    receiver: watch::Receiver<Version>,
}

impl Watch {
    /// Waits for a commit since the last call, or since the watch was taken; gives the newest one's version. May wake
    /// for a commit that a snapshot already held. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the engine is gone.
    pub async fn changed(&mut self) -> Result<Version, StoreError> {
        self.receiver.changed().await.map_err(|_| StoreError::Closed)?;
        Ok(*self.receiver.borrow_and_update())
    }

    /// The receiver beneath, for whoever waits for several signals at once. Its value is the newest commit's version.
    pub fn receiver(&self) -> watch::Receiver<Version> {
        self.receiver.clone()
    }

    /// Whether [`Watch::changed`] would return at once; doesn't reset it.
    pub fn is_changed(&self) -> bool {
        self.receiver.has_changed().unwrap_or(true)
    }
}

/// The watches of an engine.
#[derive(Debug, Default)]
pub struct Watchers {
    by_prefix: Mutex<BTreeMap<Vec<u8>, watch::Sender<Version>>>,
}

impl Watchers {
    /// A watch on the keys that begin with `prefix`.
    pub fn watch(&self, prefix: &[u8]) -> Watch {
        let mut by_prefix = self.by_prefix.lock().unwrap_or_else(PoisonError::into_inner);
        by_prefix.retain(|_, sender| sender.receiver_count() > 0);
        let sender = by_prefix.entry(prefix.to_vec()).or_insert_with(|| watch::Sender::new(0));
        Watch { receiver: sender.subscribe() }
    }

    /// Wakes everybody, for an engine that can't say what was written.
    pub fn wake_all(&self, version: Version) {
        for sender in self.by_prefix.lock().unwrap_or_else(PoisonError::into_inner).values() {
            sender.send_replace(version);
        }
    }

    /// Ends every watch: the engine is closing, though some commit's future may still hold its parts.
    pub fn close(&self) {
        self.by_prefix.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Wakes whom a commit concerns. Call it once the commit is seen by new snapshots, and before it is acknowledged.
    /// `keys` are the keys written, in ascending order.
    pub fn wake<K: AsRef<[u8]>>(&self, version: Version, keys: &[K]) {
        let by_prefix = self.by_prefix.lock().unwrap_or_else(PoisonError::into_inner);
        for (prefix, sender) in by_prefix.iter() {
            let first = keys.partition_point(|key| key.as_ref() < prefix.as_slice());
            if keys.get(first).is_some_and(|key| key.as_ref().starts_with(prefix)) {
                sender.send_replace(version);
            }
        }
    }
}
