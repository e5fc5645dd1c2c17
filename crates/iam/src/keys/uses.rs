//! When access keys and roles were last used. The edge notes each call here, in memory; every few seconds what was noted is
//! written. A crash loses what was noted since: last uses are told to people, and decide nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::{Caller, Principal};
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use service::{Pass, ReconcileError, Reconciler};
use store::{Changes, Record, Store, StoreError, View};
use tokio::sync::watch;

/// Most keys and roles that are noted between two writes. Those beyond are noted the next time.
const MAX_NOTED: usize = 10_000;
/// Records of one commit.
const BATCH: usize = 1000;

/// When an access key or a role was last used, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUseRecord {
    /// The id of the key, or the unique id of the role.
    pub id: String,
    /// When.
    pub used: Timestamp,
    /// For which service, such as `s3`.
    pub service: String,
    /// In which region.
    pub region: String,
}

impl Record for KeyUseRecord {
    // Not below `iam/`: nobody's permissions are any different for it.
    const TABLE: &'static str = "identity/key-use";
    const VERSION: u16 = 1;
    type Key = String;

    fn key(&self) -> String {
        self.id.clone()
    }
}

/// The last use of a key or role that is stored.
///
/// # Errors
/// The store's.
pub(crate) fn last_use(view: &View, id: &str) -> Result<Option<KeyUseRecord>, StoreError> {
    view.get::<KeyUseRecord>(&id.to_owned())
}

/// What was noted since the last write. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct KeyUses(Arc<Mutex<HashMap<String, Use>>>);

#[derive(Debug, Clone)]
struct Use {
    used: Timestamp,
    service: &'static str,
    region: String,
}

impl KeyUses {
    /// Notes a call: the key that signed it, or the role whose session did.
    pub fn note(&self, caller: &Caller, service: &'static str, region: &str, now: Timestamp) {
        let id = match (&caller.principal, &caller.access_key) {
            (Principal::Role { id, .. }, _) => id,
            (_, Some(key)) if key.starts_with("AKIA") => key,
            _ => return,
        };
        let mut noted = self.lock();
        if let Some(known) = noted.get_mut(id) {
            (known.used, known.service) = (known.used.max(now), service);
            if known.region != region {
                region.clone_into(&mut known.region);
            }
        } else if noted.len() < MAX_NOTED {
            noted.insert(id.clone(), Use { used: now, service, region: region.to_owned() });
        }
    }

    fn take(&self) -> Vec<(String, Use)> {
        std::mem::take(&mut *self.lock()).into_iter().collect()
    }

    /// Notes again what could not be written, unless something newer has been noted meanwhile.
    fn put_back(&self, rest: Vec<(String, Use)>) {
        let mut noted = self.lock();
        for (id, older) in rest {
            if noted.len() < MAX_NOTED {
                noted.entry(id).or_insert(older);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Use>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes last uses.
pub struct KeyUseReconciler {
    store: Store,
    uses: KeyUses,
}

impl KeyUseReconciler {
    /// Writes to the region's store what is noted in `uses`.
    pub fn new(store: Store, uses: KeyUses) -> Self {
        Self { store, uses }
    }
}

#[async_trait]
impl Reconciler for KeyUseReconciler {
    fn name(&self) -> &'static str {
        "key-uses"
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn signals(&self) -> Vec<watch::Receiver<u64>> {
        Vec::new()
    }

    async fn activate(&self) -> Result<Pass, ReconcileError> {
        let mut noted = self.uses.take();
        let mut pass = Pass { examined: noted.len(), ..Pass::default() };
        while !noted.is_empty() {
            let rest = noted.split_off(noted.len().min(BATCH));
            let mut changes = Changes::new();
            for (id, Use { used, service, region }) in &noted {
                let record = KeyUseRecord {
                    id: id.clone(),
                    used: *used,
                    service: (*service).to_owned(),
                    region: region.clone(),
                };
                changes.put(&record).map_err(ReconcileError::new)?;
            }
            if let Err(error) = self.store.commit(None, changes).await {
                self.uses.put_back(noted);
                self.uses.put_back(rest);
                return Err(ReconcileError::new(error));
            }
            pass.changed += noted.len();
            noted = rest;
        }
        Ok(pass)
    }
}

#[cfg(test)]
mod tests {
    use api::Caller;
    use jiff::Timestamp;
    use service::Reconciler;
    use store::{Memory, Store};

    use super::{KeyUseReconciler, KeyUseRecord, KeyUses, MAX_NOTED, last_use};

    fn caller(key: &str) -> Caller {
        Caller::root("111111111111".parse().unwrap(), key)
    }

    #[tokio::test]
    async fn the_last_use_of_each_is_written_once() {
        let (store, uses) = (Store::new(Memory::new()), KeyUses::default());
        let reconciler = KeyUseReconciler::new(store.clone(), uses.clone());
        let at = |second| Timestamp::from_second(second).unwrap();
        uses.note(&caller("AKIA1"), "s3", "us-east-1", at(1));
        uses.note(&caller("AKIA1"), "iam", "us-east-1", at(3));
        uses.note(&caller("AKIA2"), "ec2", "us-east-1", at(2));
        uses.note(&caller("ASIA1"), "ec2", "us-east-1", at(2));
        uses.note(&Caller::ANONYMOUS, "s3", "us-east-1", at(2));
        assert_eq!(reconciler.activate().await.unwrap().changed, 2);
        assert_eq!(reconciler.activate().await.unwrap().changed, 0);
        let found = last_use(&store.view().unwrap(), "AKIA1").unwrap().unwrap();
        let expected =
            KeyUseRecord { id: "AKIA1".into(), used: at(3), service: "iam".into(), region: "us-east-1".into() };
        assert_eq!(found, expected);
    }

    #[tokio::test]
    async fn what_is_noted_is_bounded() {
        let (store, uses) = (Store::new(Memory::new()), KeyUses::default());
        for number in 0..MAX_NOTED + 5 {
            uses.note(&caller(&format!("AKIA{number}")), "s3", "r", Timestamp::UNIX_EPOCH);
        }
        let pass = KeyUseReconciler::new(store, uses).activate().await.unwrap();
        assert_eq!(pass.changed, MAX_NOTED);
    }
}
