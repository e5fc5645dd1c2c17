//! Writes which keys, roles and services were used to the store, for as long as a process answers: in every process, whichever holds the lease,
//! since each knows of its own calls alone.

use std::sync::Arc;
use std::time::Duration;

use iam::LastUses;
use store::Store;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Longest wait for the last write.
const END: Duration = Duration::from_secs(5);

/// The task that writes.
pub(crate) struct UseKeeper {
    end: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl UseKeeper {
    /// Starts it.
    pub(crate) fn start(store: Store, uses: Arc<LastUses>) -> Self {
        let (end, ended) = watch::channel(false);
        let task = tokio::spawn(async move { uses.keep(&store, ended).await });
        Self { end, task }
    }

    /// Writes once more and ends it.
    pub(crate) async fn stop(self) {
        self.end.send_replace(true);
        // What a store that does not answer would have taken is lost: reports are about days.
        let _ = tokio::time::timeout(END, self.task).await;
    }
}
