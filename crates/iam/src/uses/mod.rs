//! When access keys, roles and services were last used, as this process sees it: noted in memory, within bounds, and written to
//! the store a little later. A crash loses what was noted since: last uses are told to people, and decide nothing.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html>.

mod keys;
mod services;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::Caller;
use jiff::Timestamp;
use service::Need;
use store::{Changes, CommitError, Store, StoreError, View};
use tokio::sync::{Notify, watch};

pub use self::keys::KeyUseRecord;
use self::keys::KeyUses;
pub(crate) use self::keys::last_use;
use self::services::ServiceUses;

/// Most keys and roles whose uses are noted between two writes, and as many users and roles whose services are; those of
/// others are noted the next time.
const MAX_NOTED: usize = 10_000;
/// How long what was noted first waits for more.
const PAUSE: Duration = Duration::from_secs(2);
/// Keys, users and roles that one commit writes of.
const BATCH: usize = 500;

/// What was noted since the last write.
#[derive(Default)]
pub struct LastUses {
    noted: Mutex<Noted>,
    news: Notify,
}

#[derive(Default)]
struct Noted {
    keys: KeyUses,
    services: ServiceUses,
}

impl LastUses {
    /// Notes a call of a service, such as `s3`: the key that signed it, or the role whose session did.
    pub fn note_call(&self, caller: &Caller, service: &'static str, region: &str, now: Timestamp) {
        self.note(|noted| noted.keys.note(caller, service, region, now));
    }

    /// Notes that a caller tried to do what `needs` say, allowed or not.
    pub fn note_needs(&self, caller: &Caller, region: &str, needs: &[Need], now: Timestamp) {
        self.note(|noted| noted.services.note(caller, region, needs, now));
    }

    /// Writes what was noted. What could not be written is kept for the next time, unless there is newer by then.
    ///
    /// # Errors
    /// The store's.
    pub async fn write(&self, store: &Store) -> Result<(), CommitError> {
        let mut rest = std::mem::take(&mut *self.lock());
        while !rest.is_empty() {
            let batch = rest.split(BATCH);
            if let Err(error) = commit(store, &batch).await {
                self.note(|noted| {
                    noted.put_back(batch);
                    noted.put_back(rest);
                });
                return Err(error);
            }
        }
        Ok(())
    }

    /// Writes for as long as the process runs: some time after something was noted, and once more at its end.
    pub async fn keep(&self, store: &Store, mut end: watch::Receiver<bool>) {
        loop {
            let is_end = tokio::select! {
                () = self.news.notified() => false,
                _ = end.wait_for(|end| *end) => true,
            };
            if !is_end {
                let _ = tokio::time::timeout(PAUSE, end.wait_for(|end| *end)).await;
            }
            // A store that is away has it the next time.
            let _ = self.write(store).await;
            if is_end {
                return;
            }
        }
    }

    fn note(&self, note: impl FnOnce(&mut Noted)) {
        let mut noted = self.lock();
        let is_first = noted.is_empty();
        note(&mut noted);
        let is_news = is_first && !noted.is_empty();
        drop(noted);
        if is_news {
            self.news.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        // A note is whole, or not there.
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.services.is_empty()
    }

    /// Takes some of it.
    fn split(&mut self, most: usize) -> Self {
        Self { keys: self.keys.split(most), services: self.services.split(most) }
    }

    fn put_back(&mut self, older: Self) {
        self.keys.put_back(older.keys);
        self.services.put_back(older.services);
    }

    /// Adds the records that change by what was noted.
    fn changed(&self, view: &View, changes: &mut Changes) -> Result<(), StoreError> {
        self.keys.changed(view, changes)?;
        self.services.changed(view, changes)
    }
}

async fn commit(store: &Store, batch: &Noted) -> Result<(), CommitError> {
    let view = store.view()?;
    let mut changes = Changes::new();
    batch.changed(&view, &mut changes)?;
    if changes.is_empty() {
        return Ok(());
    }
    store.commit(Some(&view), changes).await.map(drop)
}
