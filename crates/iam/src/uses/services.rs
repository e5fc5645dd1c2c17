//! Which users and roles use which services, whether they may or not.

use std::collections::HashMap;

use api::{Caller, Principal};
use ids::AccountId;
use jiff::{SignedDuration, Timestamp};
use service::Need;
use store::{Changes, StoreError, View};

use super::MAX_NOTED;
use crate::access::{LastUse, ServiceUseRecord};

/// Most services and actions of one of them.
const MAX_USES: usize = 500;
/// How old a stored use must be to be written anew: who is busy all day costs a few rows.
const FRESH: SignedDuration = SignedDuration::from_mins(10);
/// Services whose actions are told apart. Source:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed-action-last-accessed.html>.
const TRACKED: [&str; 3] = ["ec2", "iam", "s3"];

/// What was noted of users and roles, by their unique ids.
#[derive(Default)]
pub(super) struct ServiceUses(HashMap<String, Seen>);

/// What was seen of one user or role: by action for services that are tracked so, else by service.
struct Seen {
    account: AccountId,
    uses: HashMap<String, LastUse>,
}

impl ServiceUses {
    pub(super) fn note(&mut self, caller: &Caller, region: &str, needs: &[Need], now: Timestamp) {
        let (Principal::User { id, .. } | Principal::Role { id, .. }, Some(account)) =
            (&caller.principal, &caller.account)
        else {
            return;
        };
        if !self.0.contains_key(id) {
            if self.0.len() >= MAX_NOTED {
                return;
            }
            self.0.insert(id.clone(), Seen { account: account.clone(), uses: HashMap::new() });
        }
        let Some(seen) = self.0.get_mut(id) else { return };
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
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn split(&mut self, most: usize) -> Self {
        let some: Vec<String> = self.0.keys().take(most).cloned().collect();
        Self(some.into_iter().filter_map(|id| self.0.remove_entry(&id)).collect())
    }

    pub(super) fn put_back(&mut self, older: Self) {
        for (id, old) in older.0 {
            if !self.0.contains_key(&id) && self.0.len() >= MAX_NOTED {
                continue;
            }
            let seen = self.0.entry(id).or_insert_with(|| Seen { account: old.account, uses: HashMap::new() });
            for (what, last) in old.uses {
                seen.uses.entry(what).or_insert(last);
            }
        }
    }

    pub(super) fn changed(&self, view: &View, changes: &mut Changes) -> Result<(), StoreError> {
        for (entity, seen) in &self.0 {
            for record in merged(view, entity, seen)? {
                changes.put(&record)?;
            }
        }
        Ok(())
    }
}

/// The records of an entity that change by what was seen.
fn merged(view: &View, entity: &str, seen: &Seen) -> Result<Vec<ServiceUseRecord>, StoreError> {
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
