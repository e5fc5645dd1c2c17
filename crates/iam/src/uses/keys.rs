//! When access keys and roles were last used.

use std::collections::HashMap;

use api::{Caller, Principal};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Changes, Record, StoreError, View};

use super::MAX_NOTED;

/// How old a stored use must be to be written anew, unless it is of another service or region: a key that is busy all day
/// costs a row now and then. AWS tells of one use in 15 minutes.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>.
const FRESH: SignedDuration = SignedDuration::from_mins(1);

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

/// What was noted of keys and roles.
#[derive(Default)]
pub(super) struct KeyUses(HashMap<String, Use>);

struct Use {
    used: Timestamp,
    service: &'static str,
    region: String,
}

impl KeyUses {
    pub(super) fn note(&mut self, caller: &Caller, service: &'static str, region: &str, now: Timestamp) {
        let id = match (&caller.principal, &caller.access_key) {
            (Principal::Role { id, .. }, _) => id,
            (_, Some(key)) if key.starts_with("AKIA") => key,
            _ => return,
        };
        if let Some(known) = self.0.get_mut(id) {
            (known.used, known.service) = (known.used.max(now), service);
            if known.region != region {
                region.clone_into(&mut known.region);
            }
        } else if self.0.len() < MAX_NOTED {
            self.0.insert(id.clone(), Use { used: now, service, region: region.to_owned() });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn split(&mut self, most: usize) -> Self {
        let some: Vec<String> = self.0.keys().take(most).cloned().collect();
        Self(some.into_iter().filter_map(|id| self.0.remove_entry(&id)).collect())
    }

    pub(super) fn put_back(&mut self, older: Self) {
        for (id, older) in older.0 {
            if self.0.len() < MAX_NOTED {
                self.0.entry(id).or_insert(older);
            }
        }
    }

    pub(super) fn changed(&self, view: &View, changes: &mut Changes) -> Result<(), StoreError> {
        for (id, Use { used, service, region }) in &self.0 {
            let is_known = last_use(view, id)?.is_some_and(|known| {
                known.service == *service && known.region == *region && used.duration_since(known.used) < FRESH
            });
            if !is_known {
                let (id, service, region) = (id.clone(), (*service).to_owned(), region.clone());
                changes.put(&KeyUseRecord { id, used: *used, service, region })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use api::Caller;
    use jiff::Timestamp;
    use store::{KeyPrefix, Memory, Store};

    use super::super::LastUses;
    use super::{KeyUseRecord, MAX_NOTED, last_use};

    fn caller(key: &str) -> Caller {
        Caller::root("111111111111".parse().unwrap(), key)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn used(store: &Store, key: &str) -> Option<(i64, String)> {
        let found = last_use(&store.view().unwrap(), key).unwrap();
        found.map(|found| (found.used.as_second(), found.service))
    }

    #[tokio::test]
    async fn the_last_use_of_each_is_written_once() {
        let (store, uses) = (Store::new(Memory::new()), LastUses::default());
        uses.note_call(&caller("AKIA1"), "s3", "us-east-1", at(1));
        uses.note_call(&caller("AKIA1"), "iam", "us-east-1", at(3));
        uses.note_call(&caller("AKIA2"), "ec2", "us-east-1", at(2));
        uses.note_call(&caller("ASIA1"), "ec2", "us-east-1", at(2));
        uses.note_call(&Caller::ANONYMOUS, "s3", "us-east-1", at(2));
        uses.write(&store).await.unwrap();
        let all = store.view().unwrap().scan::<KeyUseRecord>(&KeyPrefix::all(), None, 10).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!((used(&store, "AKIA1"), used(&store, "AKIA2")), (Some((3, "iam".into())), Some((2, "ec2".into()))));

        let version = store.view().unwrap().version().unwrap();
        uses.note_call(&caller("AKIA1"), "iam", "us-east-1", at(62));
        uses.write(&store).await.unwrap();
        assert_eq!(store.view().unwrap().version().unwrap(), version, "as good as the same");
        uses.note_call(&caller("AKIA1"), "iam", "us-east-1", at(63));
        uses.note_call(&caller("AKIA2"), "s3", "us-east-1", at(3));
        uses.write(&store).await.unwrap();
        assert_eq!((used(&store, "AKIA1"), used(&store, "AKIA2")), (Some((63, "iam".into())), Some((3, "s3".into()))));
    }

    #[tokio::test]
    async fn what_is_noted_is_bounded_and_all_of_it_written() {
        let (store, uses) = (Store::new(Memory::new()), LastUses::default());
        for number in 0..MAX_NOTED + 5 {
            uses.note_call(&caller(&format!("AKIA{number}")), "s3", "r", Timestamp::UNIX_EPOCH);
        }
        uses.write(&store).await.unwrap();
        let all = store.view().unwrap().scan::<KeyUseRecord>(&KeyPrefix::all(), None, usize::MAX).unwrap();
        assert_eq!(all.len(), MAX_NOTED);
    }
}
