//! From a profile to credentials, through their rotation, to their end.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use ec2::{AssociationRecord, InstanceCredentialsRecord};
use iam::{InstanceProfileRecord, RoleRecord, SessionHolder, SessionRecord};
use ids::{AccountId, InstanceId};
use service::{Effects, Reconciler, RegionFacts};
use store::{Changes, Record, Store};
use testkit::FixedEffects;

use super::InstanceRoles;

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const TRUST_OTHERS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

struct Rig {
    store: Store,
    effects: Arc<FixedEffects>,
    roles: InstanceRoles,
}

fn account() -> AccountId {
    "111111111111".parse().unwrap()
}

fn instance() -> InstanceId {
    InstanceId::from_random([7; 8])
}

fn role(trust: &str) -> RoleRecord {
    RoleRecord {
        account: account(),
        name: "Web".into(),
        path: "/".into(),
        id: "AROAWEB".into(),
        created: jiff::Timestamp::UNIX_EPOCH,
        trust: trust.to_owned(),
        description: None,
        max_session: 3600,
        boundary: None,
        tags: Vec::new(),
        linked_service: None,
    }
}

fn profile(role: Option<&str>) -> InstanceProfileRecord {
    InstanceProfileRecord {
        account: account(),
        name: "Profile".into(),
        path: "/".into(),
        id: "AIPAWEB".into(),
        created: jiff::Timestamp::UNIX_EPOCH,
        role: role.map(str::to_owned),
        tags: Vec::new(),
    }
}

impl Rig {
    async fn new() -> Self {
        let store = testkit::store();
        let effects = Arc::new(FixedEffects::default());
        let facts = RegionFacts {
            name: "us-east-1".into(),
            zones: Vec::new(),
            endpoint: String::new(),
            public_pool: (Ipv4Addr::new(203, 0, 113, 0), 24),
        };
        let roles = InstanceRoles::new(store.clone(), effects.clone(), Arc::new(facts));
        let rig = Self { store, effects, roles };
        rig.put(&role(TRUST)).await;
        rig.put(&profile(Some("web"))).await;
        let association = AssociationRecord {
            account: account(),
            instance: instance(),
            id: "iip-assoc-1".into(),
            profile_arn: profile(None).arn(),
            profile_id: "AIPAWEB".into(),
            since: rig.effects.now(),
        };
        rig.put(&association).await;
        rig
    }

    async fn put<R: Record>(&self, record: &R) {
        let mut changes = Changes::new();
        changes.put(record).unwrap();
        self.store.commit(None, changes).await.unwrap();
    }

    /// What there is after one activation.
    async fn after(&self, time: Duration) -> Option<InstanceCredentialsRecord> {
        self.effects.advance(time);
        self.roles.activate().await.unwrap();
        self.store.view().unwrap().get(&(account(), instance())).unwrap()
    }

    fn session(&self, access_key: &str) -> Option<SessionRecord> {
        self.store.view().unwrap().get(&access_key.to_owned()).unwrap()
    }
}

#[tokio::test]
async fn credentials_come_with_a_profile_and_are_made_anew_at_half_of_their_life() {
    let rig = Rig::new().await;
    let first = rig.after(Duration::ZERO).await.unwrap();
    let issued = first.issued.clone().unwrap();
    let session = rig.session(&issued.access_key).unwrap();
    assert_eq!((&issued.secret, &issued.token), (&session.secret, &session.token));
    assert_eq!(issued.expires.duration_since(rig.effects.now()).as_hours(), 6);
    let holder = SessionHolder::Role { id: "AROAWEB".into(), session: instance().to_string() };
    assert_eq!(session.holder, holder);
    let arn = format!("arn:aws:ec2:us-east-1:111111111111:instance/{}", instance());
    assert_eq!(session.instance.as_deref(), Some(&*arn));

    assert_eq!(rig.after(Duration::from_secs(3 * 3600 - 1)).await, Some(first.clone()), "not yet");
    let second = rig.after(Duration::from_secs(1)).await.unwrap().issued.unwrap();
    assert_ne!(second.access_key, issued.access_key);
    assert!(rig.session(&issued.access_key).is_some(), "who has the old ones may use them to their end");
    let pass = rig.roles.activate().await.unwrap();
    assert_eq!((pass.examined, pass.changed), (1, 0));
}

#[tokio::test]
async fn credentials_go_with_the_profile_and_with_the_role() {
    let rig = Rig::new().await;
    let issued = rig.after(Duration::ZERO).await.unwrap().issued.unwrap();
    rig.put(&profile(None)).await;
    assert_eq!(rig.after(Duration::ZERO).await, None);
    assert!(rig.session(&issued.access_key).is_none());

    rig.put(&profile(Some("web"))).await;
    let issued = rig.after(Duration::ZERO).await.unwrap().issued.unwrap();
    let mut changes = Changes::new();
    changes.delete::<AssociationRecord>(&(account(), instance()));
    rig.store.commit(None, changes).await.unwrap();
    assert_eq!(rig.after(Duration::ZERO).await, None);
    assert!(rig.session(&issued.access_key).is_none());
}

#[tokio::test]
async fn another_profile_or_role_of_the_same_name_is_another_one() {
    let rig = Rig::new().await;
    let first = rig.after(Duration::ZERO).await.unwrap().issued.unwrap();
    rig.put(&RoleRecord { id: "AROANEW".into(), ..role(TRUST) }).await;
    let second = rig.after(Duration::ZERO).await.unwrap();
    assert_eq!(second.role_id, "AROANEW");
    assert_ne!(second.issued.unwrap().access_key, first.access_key);
    rig.put(&InstanceProfileRecord { id: "AIPANEW".into(), ..profile(Some("web")) }).await;
    assert_eq!(rig.after(Duration::ZERO).await, None);
}

#[tokio::test]
async fn a_role_that_does_not_let_ec2_in_gives_nothing_until_it_does() {
    let rig = Rig::new().await;
    rig.put(&role(TRUST_OTHERS)).await;
    let refused = rig.after(Duration::ZERO).await.unwrap();
    assert_eq!((refused.issued.is_none(), &*refused.role), (true, "Web"));
    assert_eq!(rig.after(Duration::from_secs(4 * 3600)).await, Some(refused), "nothing new to say");
    rig.put(&role(TRUST)).await;
    assert!(rig.after(Duration::ZERO).await.unwrap().issued.is_some());
}
