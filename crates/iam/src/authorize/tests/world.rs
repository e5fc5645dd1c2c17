//! An account with users, groups, roles and policies in a store in memory, and what its authoriser says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use api::{Call, Caller, Principal, Session, SessionPolicy, Verdict, Verdicts};
use ids::{AccountId, Arn};
use jiff::Timestamp;
use policy::Kind;
use service::{Authorizer, Denied, Effects, KeyAlgorithm, KeyMaterial, Need, Refusal, ResourcePolicy};
use store::{Changes, Memory, Record, Store};

use crate::{
    AttachmentRecord, GroupRecord, InlinePolicyRecord, MembershipRecord, PolicyAuthorizer, PolicyRecord,
    PolicyVersionRecord, RoleRecord, UserRecord, make_message_key,
};

pub(super) const ACCOUNT: &str = "111111111111";
pub(super) const OTHER: &str = "222222222222";
pub(super) const NOW: Timestamp = Timestamp::constant(1_795_248_000, 0);

/// A clock that stands still, and bytes that are new each time.
#[derive(Default)]
pub(super) struct Still(AtomicU8);

impl Effects for Still {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }

    fn new_key(&self, _algorithm: KeyAlgorithm) -> Result<KeyMaterial, String> {
        Err("no keys here".to_owned())
    }
}

pub(super) struct World {
    pub(super) store: Store,
    pub(super) authorizer: PolicyAuthorizer,
}

pub(super) fn account(id: &str) -> AccountId {
    id.parse().unwrap()
}

/// A document of one statement.
pub(super) fn doc(effect: &str, action: &str, resource: &str) -> String {
    doc_if(effect, action, resource, "{}")
}

/// The same with conditions.
pub(super) fn doc_if(effect: &str, action: &str, resource: &str, conditions: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"One","Effect":"{effect}","Action":"{action}","Resource":"{resource}","Condition":{conditions}}}]}}"#
    )
}

impl World {
    pub(super) async fn new() -> Self {
        let store = Store::new(Memory::new());
        crate::prepare(&store).await.unwrap();
        let effects = Arc::new(Still::default());
        make_message_key(&store, &*effects).await.unwrap();
        let authorizer = PolicyAuthorizer::new(&store, effects);
        Self { store, authorizer }
    }

    pub(super) async fn put(&self, record: &impl Record) {
        let mut changes = Changes::new();
        changes.put(record).unwrap();
        self.store.commit(None, changes).await.unwrap();
    }

    pub(super) async fn user(&self, name: &str, boundary: Option<&str>) -> Caller {
        let user = UserRecord {
            account: account(ACCOUNT),
            name: name.to_owned(),
            path: "/staff/".to_owned(),
            id: format!("AIDA{name}"),
            created: NOW,
            boundary: boundary.map(str::to_owned),
            tags: vec![("Team".to_owned(), "blue".to_owned())],
        };
        self.put(&user).await;
        let principal = Principal::User { name: user.name, path: user.path, id: user.id };
        Caller { account: Some(user.account), principal, access_key: Some(format!("AKIA{name}")), session: None }
    }

    pub(super) async fn group(&self, name: &str, members: &[&str]) {
        let (account, path) = (account(ACCOUNT), "/".to_owned());
        let group =
            GroupRecord { account: account.clone(), name: name.to_owned(), path, id: "AGPA".into(), created: NOW };
        self.put(&group).await;
        for member in members {
            let (user, group) = ((*member).to_owned(), name.to_owned());
            self.put(&MembershipRecord { account: account.clone(), user, group }).await;
        }
    }

    /// A session of a role of the account.
    pub(super) async fn role(&self, name: &str, boundary: Option<&str>, session: Session) -> Caller {
        let role = RoleRecord {
            account: account(ACCOUNT),
            name: name.to_owned(),
            path: "/ci/".to_owned(),
            id: format!("AROA{name}"),
            created: NOW,
            trust: "{}".to_owned(),
            description: None,
            max_session: 3600,
            boundary: boundary.map(str::to_owned),
            tags: vec![("Team".to_owned(), "red".to_owned())],
            linked_service: None,
        };
        self.put(&role).await;
        let principal = Principal::Role { name: role.name, path: role.path, id: role.id, session: "run".to_owned() };
        Caller {
            account: Some(role.account),
            principal,
            access_key: Some(format!("ASIA{name}")),
            session: Some(Arc::new(session)),
        }
    }

    pub(super) fn federated(&self, user: Option<&str>, policies: Option<Vec<SessionPolicy>>) -> Caller {
        Caller {
            account: Some(account(ACCOUNT)),
            principal: Principal::FederatedUser { name: "fred".to_owned(), user: user.map(str::to_owned) },
            access_key: Some("ASIAfred".to_owned()),
            session: Some(Arc::new(Session { policies, ..Session::default() })),
        }
    }

    pub(super) async fn inline(&self, owner: &str, document: &str) {
        let (account, owner) = (account(ACCOUNT), owner.to_owned());
        self.put(&InlinePolicyRecord { account, owner, name: "I".to_owned(), document: document.to_owned() }).await;
    }

    /// A managed policy of the account, with an older version that allows everything; its ARN.
    pub(super) async fn managed(&self, name: &str, document: &str) -> String {
        let account = account(ACCOUNT);
        let policy = PolicyRecord {
            account: account.clone(),
            name: name.to_owned(),
            path: "/".to_owned(),
            id: "ANPA".to_owned(),
            description: None,
            created: NOW,
            updated: NOW,
            default_version: 2,
            last_version: 2,
            tags: Vec::new(),
        };
        self.put(&policy).await;
        for (version, document) in [(1, &*doc("Allow", "*", "*")), (2, document)] {
            let (account, policy) = (account.clone(), name.to_ascii_lowercase());
            let document = document.to_owned();
            self.put(&PolicyVersionRecord { account, policy, version, document, created: NOW }).await;
        }
        policy.arn()
    }

    pub(super) async fn attach(&self, owner: &str, policy: &str) {
        let (owner, policy_arn) = (owner.to_owned(), policy.to_owned());
        self.put(&AttachmentRecord { account: account(ACCOUNT), owner, policy_arn }).await;
    }

    /// Its decision in words, and its verdict.
    pub(super) fn asks_with(&self, call: &Call, need: Need) -> (String, Option<Verdict>, Option<Box<Refusal>>) {
        let view = self.store.view().unwrap();
        let decided = self.authorizer.authorize(call, &[need], &view);
        let verdict = call.verdicts.take().pop();
        match decided {
            Ok(_) => ("allowed".to_owned(), verdict, None),
            Err(Denied::Refused(refusal)) => (refusal.because.clone(), verdict, Some(refusal)),
            Err(Denied::Store(error)) => (format!("error: {error}"), verdict, None),
        }
    }

    pub(super) fn asks(&self, caller: &Caller, need: Need) -> String {
        let (text, verdict, _) = self.asks_with(&call(caller), need);
        assert_eq!(verdict.is_some_and(|verdict| verdict.is_allowed), text == "allowed");
        text
    }
}

pub(super) fn call(caller: &Caller) -> Call {
    Call {
        caller: caller.clone(),
        request_id: "r".to_owned(),
        source_ip: "203.0.113.7".parse().ok(),
        is_secure: true,
        user_agent: "agent/1".to_owned(),
        manner: Arc::default(),
        region: "eu-lab-1".to_owned(),
        verdicts: Verdicts::default(),
    }
}

/// To do something with a bucket.
pub(super) fn on(action: &'static str, bucket: &str) -> Need {
    Need::on(action, Arn::new("s3", "", "", bucket))
}

/// The same where the bucket belongs to an account and has a policy.
pub(super) fn under(action: &'static str, bucket: &str, owner: &str, document: Option<&str>) -> Need {
    let policy = document.map(|document| ResourcePolicy {
        document: document.to_owned(),
        kind: Kind::Resource,
        must_allow: false,
        principals: Vec::new(),
    });
    on(action, bucket).under(account(owner), policy.map(Arc::new))
}

/// A bucket policy of one statement.
pub(super) fn bucket_doc(effect: &str, principal: &str, action: &str, bucket: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Principal":{principal},"Action":"{action}","Resource":"arn:aws:s3:::{bucket}"}}]}}"#
    )
}
