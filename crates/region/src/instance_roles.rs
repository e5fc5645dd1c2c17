//! The credentials of instances with a role: made when an instance gets its profile, made anew at half of their life, and
//! taken away with the profile or the role. What is made lies in EC2's tables, from where it goes to the metadata
//! service of the instance's node.
//! Not here: what a session is, which is IAM's; how a guest gets it, which is EC2's and the host's.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ec2::{AssociationRecord, InstanceCredentialsRecord, IssuedCredentials, instance_profiles};
use iam::{InstanceProfileRecord, InstanceRole, RoleRecord, SESSION_BYTES, SessionRecord};
use ids::{AccountId, InstanceId};
use jiff::{SignedDuration, Timestamp};
use service::{Effects, Pass, ReconcileError, Reconciler, RegionFacts};
use store::{Changes, CommitError, Record, Store, StoreError, View, Watch};
use tokio::sync::watch;

/// How old credentials become before new ones take their place: half of their six hours. AWS gives new ones at least five
/// minutes before the old ones end, which are good until then.
const ROTATION: SignedDuration = SignedDuration::from_hours(3);
/// How often a commit is decided anew when somebody else changed the same records.
const TRIES: usize = 4;
/// The most instances of one commit; the others wait for the next one.
const BATCH: usize = 500;

/// Keeps the credentials of instances.
pub(crate) struct InstanceRoles {
    store: Store,
    effects: Arc<dyn Effects>,
    facts: Arc<RegionFacts>,
    watches: Vec<Watch>,
}

/// What is to be done about the credentials of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// They go, because there is no profile or no role any more.
    Remove(InstanceCredentialsRecord),
    /// New ones are made, or it is said why there are none.
    Renew(AssociationRecord, InstanceRole),
}

impl InstanceRoles {
    /// Over the region's store, clock and random bytes.
    pub(crate) fn new(store: Store, effects: Arc<dyn Effects>, facts: Arc<RegionFacts>) -> Self {
        let watches = vec![
            store.watch::<AssociationRecord>(),
            store.watch::<InstanceProfileRecord>(),
            store.watch::<RoleRecord>(),
        ];
        Self { store, effects, facts, watches }
    }

    /// What is to be done, and how many instances were looked at.
    fn plan(&self, view: &View) -> Result<(Vec<Step>, usize), StoreError> {
        let now = self.effects.now();
        let (associations, credentials) = instance_profiles(view)?;
        let mut left: std::collections::BTreeMap<(AccountId, InstanceId), InstanceCredentialsRecord> =
            credentials.into_iter().map(|record| (record.key(), record)).collect();
        let (mut steps, examined) = (Vec::new(), associations.len());
        for association in associations {
            let role =
                InstanceRole::find(view, &association.account, association.profile_name(), &association.profile_id)?;
            let present = left.remove(&association.key());
            match (role, present) {
                (None, None) => {}
                (None, Some(present)) => steps.push(Step::Remove(present)),
                (Some(role), Some(present)) if is_good(&present, &association, &role, now) => {}
                (Some(role), _) => steps.push(Step::Renew(association, role)),
            }
        }
        steps.extend(left.into_values().map(Step::Remove));
        Ok((steps, examined))
    }

    fn changes(&self, view: &View, steps: &[Step]) -> Result<Changes, StoreError> {
        let mut changes = Changes::new();
        for step in steps {
            match step {
                Step::Remove(record) => {
                    changes.delete::<InstanceCredentialsRecord>(&record.key());
                    if let Some(issued) = &record.issued {
                        changes.delete::<SessionRecord>(&issued.access_key);
                    }
                }
                Step::Renew(association, role) => self.renew(view, association, role, &mut changes)?,
            }
        }
        Ok(changes)
    }

    fn renew(
        &self,
        view: &View,
        association: &AssociationRecord,
        role: &InstanceRole,
        changes: &mut Changes,
    ) -> Result<(), StoreError> {
        let now = self.effects.now();
        let mut issued = None;
        if role.trusts_ec2 {
            let mut random = [0; SESSION_BYTES];
            self.effects.fill(&mut random);
            let session = role.session(&random, &self.facts.name, &association.instance, now);
            if view.contains::<SessionRecord>(&session.id)? {
                // Somebody has it already, once in a long while; the next activation has other bytes.
                return Ok(());
            }
            changes.put(&session)?;
            issued = Some(IssuedCredentials {
                access_key: session.id,
                secret: session.secret,
                token: session.token,
                expires: session.expires,
            });
        }
        changes.put(&InstanceCredentialsRecord {
            account: association.account.clone(),
            instance: association.instance.clone(),
            profile_id: association.profile_id.clone(),
            role_id: role.id.clone(),
            role: role.name.clone(),
            updated: now,
            issued,
        })
    }

    /// Plans and commits once. How much was looked at and changed, and how much is left.
    async fn once(&self) -> Result<Option<Pass>, ReconcileError> {
        let view = self.store.view().map_err(ReconcileError::new)?;
        let (mut steps, examined) = self.plan(&view).map_err(ReconcileError::new)?;
        if steps.is_empty() {
            return Ok(Some(Pass { examined, ..Pass::default() }));
        }
        let waiting = steps.len().saturating_sub(BATCH);
        steps.truncate(BATCH);
        let changes = self.changes(&view, &steps).map_err(ReconcileError::new)?;
        match self.store.commit(Some(&view), changes).await {
            Ok(_) => Ok(Some(Pass { examined, changed: steps.len(), waiting, trouble: None })),
            Err(CommitError::Conflict) => Ok(None),
            Err(error @ CommitError::Store(_)) => Err(ReconcileError::new(error)),
        }
    }
}

/// Whether credentials are those of the profile and the role, and not yet to be made anew.
fn is_good(
    present: &InstanceCredentialsRecord,
    association: &AssociationRecord,
    role: &InstanceRole,
    now: Timestamp,
) -> bool {
    let is_same = present.profile_id == association.profile_id
        && (present.role_id.as_str(), present.role.as_str()) == (role.id.as_str(), role.name.as_str())
        && present.issued.is_some() == role.trusts_ec2;
    is_same && (!role.trusts_ec2 || now.duration_since(present.updated) < ROTATION)
}

#[async_trait]
impl Reconciler for InstanceRoles {
    fn name(&self) -> &'static str {
        "instance roles"
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn signals(&self) -> Vec<watch::Receiver<u64>> {
        self.watches.iter().map(Watch::receiver).collect()
    }

    async fn activate(&self) -> Result<Pass, ReconcileError> {
        let mut whole = Pass::default();
        let mut tries = 0;
        while tries < TRIES {
            match self.once().await? {
                None => tries += 1,
                Some(pass) => {
                    whole.examined = pass.examined;
                    whole.changed += pass.changed;
                    whole.waiting = pass.waiting;
                    if pass.waiting == 0 {
                        break;
                    }
                }
            }
        }
        Ok(whole)
    }
}

#[cfg(test)]
mod tests;
