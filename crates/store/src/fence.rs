//! A store for whoever holds something that another process may take over: once it has, nothing is read or written
//! through it any more, however late the one who lost it wakes up.

use std::sync::Arc;

use crate::engine::{BoxFuture, Engine, Snapshot, Transaction, Version};
use crate::error::{CommitError, StoreError};
use crate::record::{Record, encode, row_key};
use crate::store::Store;
use crate::watch::Watch;
use crate::{KeyBuf, ReadSet};

/// Tries of a commit that had read nothing while the fence itself was being written.
const TRIES: usize = 16;

impl Store {
    /// The same store, as long as the row of `record` is what it is now: then every view and every commit fails with
    /// [`StoreError::Fenced`]. The row's change and such a commit are ordered: one of them comes first.
    ///
    /// # Errors
    /// The record has no JSON form.
    pub fn fenced<R: Record>(&self, record: &R) -> Result<Self, StoreError> {
        let key = row_key::<R>(KeyBuf::new().push(record.key()).as_bytes());
        let fence = Fence { engine: Arc::clone(&self.engine), key, value: encode(record)? };
        Ok(Self::shared(Arc::new(Fenced(Arc::new(fence)))))
    }
}

struct Fenced(Arc<Fence>);

struct Fence {
    engine: Arc<dyn Engine>,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl Fence {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.checked(self.engine.snapshot()?)
    }

    fn checked(&self, snapshot: Box<dyn Snapshot>) -> Result<Box<dyn Snapshot>, StoreError> {
        if snapshot.get(&self.key)?.as_ref() == Some(&self.value) { Ok(snapshot) } else { Err(StoreError::Fenced) }
    }

    async fn commit(&self, mut transaction: Transaction) -> Result<Version, CommitError> {
        if !transaction.reads.is_empty() {
            // Read in a snapshot of ours, so that the row was right in it.
            transaction.reads.add_key(&self.key);
            return self.engine.commit(transaction).await;
        }
        for _ in 0..TRIES {
            let mut snapshot = self.snapshot()?;
            transaction.snapshot = snapshot.version();
            let _open = snapshot.take_open_read();
            drop(snapshot);
            transaction.reads = ReadSet::new();
            transaction.reads.add_key(&self.key);
            match self.engine.commit(transaction.clone()).await {
                Err(CommitError::Conflict) => {}
                outcome => return outcome,
            }
        }
        Err(CommitError::Conflict)
    }
}

impl Engine for Fenced {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.0.snapshot()
    }

    fn long_snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.0.checked(self.0.engine.long_snapshot()?)
    }

    fn commit(&self, transaction: Transaction) -> BoxFuture<'static, Result<Version, CommitError>> {
        let fence = Arc::clone(&self.0);
        Box::pin(async move { fence.commit(transaction).await })
    }

    fn watch(&self, prefix: &[u8]) -> Watch {
        self.0.engine.watch(prefix)
    }

    fn refresh(&self) -> Result<(), StoreError> {
        self.0.engine.refresh()
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use crate::conformance::wait;
    use crate::{Changes, CommitError, Memory, Record, Store, StoreError};

    #[derive(Debug, Clone, Serialize, Deserialize)]
    struct Row {
        name: String,
        value: u32,
    }

    impl Record for Row {
        const TABLE: &'static str = "test/fence";
        const VERSION: u16 = 1;
        type Key = String;

        fn key(&self) -> String {
            self.name.clone()
        }
    }

    fn put(name: &str, value: u32) -> Changes {
        let mut changes = Changes::new();
        changes.put(&Row { name: name.to_owned(), value }).unwrap();
        changes
    }

    #[test]
    fn nothing_passes_a_fence_whose_row_has_changed() {
        let store = Store::new(Memory::new());
        wait(store.commit(None, put("fence", 1))).unwrap();
        let fenced = store.fenced(&Row { name: "fence".to_owned(), value: 1 }).unwrap();
        wait(fenced.commit(None, put("blind", 1))).unwrap();
        let view = fenced.view().unwrap();
        assert_eq!(view.get::<Row>(&"blind".to_owned()).unwrap().unwrap().value, 1);
        wait(store.commit(None, put("fence", 2))).unwrap();
        // Decided before, committed after.
        assert!(matches!(wait(fenced.commit(Some(&view), put("late", 1))), Err(CommitError::Conflict)));
        let blind = wait(fenced.commit(None, put("late", 1)));
        assert!(matches!(blind, Err(CommitError::Store(StoreError::Fenced))), "{blind:?}");
        let read = fenced.view().and_then(|view| view.get::<Row>(&"blind".to_owned()));
        assert!(matches!(read, Err(StoreError::Fenced)));
        assert!(store.view().unwrap().get::<Row>(&"late".to_owned()).unwrap().is_none());
    }
}
