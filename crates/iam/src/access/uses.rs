//! Who uses which services, as this process sees it: collected in memory, of bounded size, and now and then written to the
//! store. What was collected since is lost with the process; reports are about days.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use api::{Caller, Principal};
use ids::AccountId;
use jiff::{SignedDuration, Timestamp};
use service::Need;
use store::{Changes, CommitError, Store, StoreError};
use tokio::sync::{Notify, watch};

use super::record::{LastUse, ServiceUseRecord};

/// Most users and roles that are kept at one time; the uses of others are not seen until those are written.
const MAX_ENTITIES: usize = 10_000;
/// Most services and actions of one of them.
const MAX_USES: usize = 500;
/// How old a stored use must be to be written anew: who is busy all day costs a few rows.
const FRESH: SignedDuration = SignedDuration::from_mins(10);
/// How long what was seen first waits for more.
const PAUSE: Duration = Duration::from_secs(2);
/// Users and roles that one commit writes of.
const BATCH: usize = 100;
/// Services whose actions are told apart. Source:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed-action-last-accessed.html>.
const TRACKED: [&str; 3] = ["ec2", "iam", "s3"];

/// What was seen of one user or role: by action for services that are tracked so, else by service.
struct Seen {
    account: AccountId,
    uses: HashMap<String, LastUse>,
}

/// The collection.
#[derive(Default)]
pub struct ServiceUses {
    seen: Mutex<HashMap<String, Seen>>,
    news: Notify,
}

impl ServiceUses {
    /// Notes that a caller tried to do what `needs` say, allowed or not.
    pub fn note(&self, caller: &Caller, region: &str, needs: &[Need], now: Timestamp) {
        let (Principal::User { id, .. } | Principal::Role { id, .. }, Some(account)) =
            (&caller.principal, &caller.account)
        else {
            return;
        };
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = all.is_empty();
        if !all.contains_key(id) {
            if all.len() >= MAX_ENTITIES {
                return;
            }
            all.insert(id.clone(), Seen { account: account.clone(), uses: HashMap::new() });
        }
        let Some(seen) = all.get_mut(id) else { return };
        for need in needs {
            let Some((service, _)) = need.action.split_once(':') else { continue };
            let what = if TRACKED.contains(&service) { &need.action } else { service };
            let is_full = seen.uses.len() >= MAX_USES;
            match seen.uses.get_mut(what) {
                Some(last) if last.region == region => last.time = now,
                Some(last) => *last = LastUse { time: now, region: region.to_owned() },
                None if !is_full => {
                    seen.uses.insert(what.to_owned(), LastUse { time: now, region: region.to_owned() });
                }
                None => {}
            }
        }
        drop(all);
        if is_first {
            self.news.notify_one();
        }
    }

    /// Writes what was collected. What could not be written for a conflict is kept for the next time.
    ///
    /// # Errors
    /// The store's; what was to be written is lost then.
    pub async fn write(&self, store: &Store) -> Result<(), CommitError> {
        let taken = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        let mut taken = taken.into_iter();
        loop {
            let batch: Vec<(String, Seen)> = taken.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return Ok(());
            }
            match commit(store, &batch).await {
                Err(CommitError::Conflict) => self.put_back(batch),
                other => other?,
            }
        }
    }

    fn put_back(&self, batch: Vec<(String, Seen)>) {
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, old) in batch {
            let seen = all.entry(id).or_insert_with(|| Seen { account: old.account, uses: HashMap::new() });
            for (what, last) in old.uses {
                seen.uses.entry(what).or_insert(last);
            }
        }
        drop(all);
        self.news.notify_one();
    }

    /// Writes for as long as the process runs: some time after something was seen, and once more at its end.
    pub async fn keep(&self, store: &Store, mut end: watch::Receiver<bool>) {
        loop {
            let is_end = tokio::select! {
                () = self.news.notified() => false,
                _ = end.wait_for(|end| *end) => true,
            };
            if !is_end {
                let _ = tokio::time::timeout(PAUSE, end.wait_for(|end| *end)).await;
            }
            // A store that is away has what comes later.
            let _ = self.write(store).await;
            if is_end {
                return;
            }
        }
    }
}

async fn commit(store: &Store, batch: &[(String, Seen)]) -> Result<(), CommitError> {
    let view = store.view()?;
    let mut changes = Changes::new();
    for (entity, seen) in batch {
        for record in merged(&view, entity, seen)? {
            changes.put(&record)?;
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    store.commit(Some(&view), changes).await.map(drop)
}

/// The records of an entity that change by what was seen.
fn merged(view: &store::View, entity: &str, seen: &Seen) -> Result<Vec<ServiceUseRecord>, StoreError> {
    let mut records: HashMap<&str, (ServiceUseRecord, bool)> = HashMap::new();
    for (what, last) in &seen.uses {
        let (service, action) =
            what.split_once(':').map_or((what.as_str(), None), |(service, name)| (service, Some(name)));
        if !records.contains_key(service) {
            let found = view.get::<ServiceUseRecord>(&(seen.account.clone(), entity.to_owned(), service.to_owned()))?;
            let is_new = found.is_none();
            let record = found.unwrap_or_else(|| ServiceUseRecord {
                account: seen.account.clone(),
                entity: entity.to_owned(),
                service: service.to_owned(),
                last: last.clone(),
                actions: Vec::new(),
            });
            records.insert(service, (record, is_new));
        }
        let Some((record, is_changed)) = records.get_mut(service) else { continue };
        *is_changed |= renew(&mut record.last, last);
        let Some(action) = action else { continue };
        match record.actions.iter_mut().find(|(name, _)| name == action) {
            Some((_, known)) => *is_changed |= renew(known, last),
            None => {
                record.actions.push((action.to_owned(), last.clone()));
                *is_changed = true;
            }
        }
    }
    Ok(records.into_values().filter_map(|(record, is_changed)| is_changed.then_some(record)).collect())
}

/// Takes a later use, and says whether that is worth writing.
fn renew(known: &mut LastUse, last: &LastUse) -> bool {
    if last.time <= known.time {
        return false;
    }
    let is_worth = last.time.duration_since(known.time) >= FRESH || last.region != known.region;
    *known = last.clone();
    is_worth
}
