//! The typed store over an engine.

use std::sync::Arc;

use crate::changes::Changes;
use crate::counters::{Counters, Counts};
use crate::engine::{Engine, Transaction, Version, Write};
use crate::error::{CommitError, StoreError};
use crate::key::KeyPrefix;
use crate::open_reads::OpenRead;
use crate::range::ReadSet;
use crate::record::{Record, row_key, table_prefix};
use crate::view::View;
use crate::watch::Watch;

/// How often a commit without a view tries again when the old records it read changed meanwhile.
const BLIND_TRIES: usize = 64;

/// Tables of records over any engine. Clones share the engine.
#[derive(Clone)]
pub struct Store {
    pub(crate) engine: Arc<dyn Engine>,
    counters: Arc<Counters>,
}

/// Changes with what they were decided on, ready to be committed. Holds no slot of the engine.
#[derive(Debug)]
pub struct Decided {
    version: Version,
    reads: ReadSet,
    writes: Vec<Write>,
    /// Held until the commit is over: the engine remembers what was written since.
    open: Option<OpenRead>,
}

impl Store {
    /// A store over `engine`.
    pub fn new(engine: impl Engine) -> Self {
        Self::shared(Arc::new(engine))
    }

    /// A store over an engine that others use too.
    pub fn shared(engine: Arc<dyn Engine>) -> Self {
        Self { engine, counters: Arc::default() }
    }

    /// The engine beneath, for whoever copies all of it.
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// A consistent view that holds every commit acknowledged before. Its snapshot is taken at the first read, which is
    /// what gives [`StoreError::Busy`] when too many views are open.
    ///
    /// # Errors
    /// None now; an engine that must be asked first may have some.
    pub fn view(&self) -> Result<View, StoreError> {
        Ok(View::new(Arc::clone(&self.engine)))
    }

    /// Commits all changes or none, on the condition that all that was read through `view` is unchanged; without a
    /// view, unconditionally. Durable and seen by every later view once it gives `Ok`. Records of indexed tables are
    /// read through the view, so that a put whose old record changed meanwhile conflicts as well. Without changes
    /// nothing is written or checked: a view is consistent in itself, and its version is given. Otherwise the view ends,
    /// whatever comes out.
    ///
    /// # Errors
    /// [`CommitError::Conflict`]: take a new view, decide again, commit again. Otherwise the engine's failure.
    pub async fn commit(&self, view: Option<&View>, changes: Changes) -> Result<Version, CommitError> {
        if let Some(view) = view {
            if changes.is_empty() {
                return view.version().map_err(CommitError::from);
            }
            return self.commit_decided(Self::decide(view, changes)?).await;
        }
        if !changes.needs_view() {
            return self.send(0, ReadSet::new(), changes.writes(None)?).await;
        }
        for _ in 0..BLIND_TRIES {
            let decided = {
                let view = self.view()?;
                let writes = changes.writes(Some(&view))?;
                let (version, reads, open) = view.end()?;
                Decided { version, reads, writes, open }
            };
            match self.commit_decided(decided).await {
                Err(CommitError::Conflict) => {}
                outcome => return outcome,
            }
        }
        Err(CommitError::Conflict)
    }

    /// The first half of [`Store::commit`]: reads what is left to read, and ends the view. For whoever decides on one
    /// thread and commits on another: a view that waits for a thread keeps others from having theirs.
    ///
    /// # Errors
    /// The engine's failure.
    pub fn decide(view: &View, changes: Changes) -> Result<Decided, StoreError> {
        let writes = changes.writes(Some(view))?;
        let (version, reads, open) = view.end()?;
        Ok(Decided { version, reads, writes, open })
    }

    /// The second half of [`Store::commit`].
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn commit_decided(&self, decided: Decided) -> Result<Version, CommitError> {
        let Decided { version, reads, writes, open } = decided;
        let outcome = self.send(version, reads, writes).await;
        drop(open);
        outcome
    }

    /// What has been committed through this store and its clones.
    pub fn counts(&self) -> Counts {
        self.counters.counts()
    }

    /// Wakes after every commit that changes a record of the table. Take it before the view.
    pub fn watch<R: Record>(&self) -> Watch {
        self.engine.watch(&table_prefix::<R>())
    }

    /// Wakes after every commit that changes a record whose key begins with `prefix`. Take it before the view.
    pub fn watch_prefix<R: Record>(&self, prefix: &KeyPrefix) -> Watch {
        self.engine.watch(&row_key::<R>(prefix.as_bytes()))
    }

    /// Wakes after every commit that changes a record of a table whose name begins so, such as `iam/`. Take it before
    /// the view.
    pub fn watch_tables(&self, beginning: &str) -> Watch {
        self.engine.watch(format!("t/{beginning}").as_bytes())
    }

    /// As [`Engine::refresh`]: for whoever keeps in memory what a watch guards.
    ///
    /// # Errors
    /// The engine's failure.
    pub fn refresh(&self) -> Result<(), StoreError> {
        self.engine.refresh()
    }

    pub(crate) async fn send(
        &self,
        snapshot: Version,
        reads: ReadSet,
        writes: Vec<Write>,
    ) -> Result<Version, CommitError> {
        self.counters.count(self.engine.commit(Transaction { snapshot, reads, writes })).await
    }
}
