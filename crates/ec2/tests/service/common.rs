//! A region in memory with three callers: two accounts' roots, and a user without policies.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use api::ec2::Filter;
use api::{Call, Caller, Principal};
use async_trait::async_trait;
use ec2::{DefaultNetwork, Ec2, default_network};
use host::{Assignment, Node, NodeError, Report};
use ids::{AccountId, InstanceId};
use jiff::Timestamp;
use service::{Effects, KeyAlgorithm, KeyMaterial, RegionFacts, Runner, ZoneFacts};
use wire::ServiceError;

/// A clock that stands still and bytes that repeat from run to run.
struct Seeded(AtomicU64);

impl Effects for Seeded {
    fn now(&self) -> Timestamp {
        "2026-11-21T08:00:00Z".parse().unwrap()
    }

    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let number = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&number.to_be_bytes()[..chunk.len()]);
        }
    }

    fn new_key(&self, algorithm: KeyAlgorithm) -> Result<KeyMaterial, String> {
        Ok(KeyMaterial {
            private_pem: format!("private {algorithm:?}"),
            public_openssh: format!("public {algorithm:?}"),
            fingerprint: format!("fingerprint {algorithm:?}"),
        })
    }
}

/// A node that is not there: nothing tested here may ask it.
struct NoNode;

#[async_trait]
impl Node for NoNode {
    async fn assign(&self, _: Assignment) -> Result<(), NodeError> {
        Err(NodeError("no node".to_owned()))
    }

    async fn report(&self) -> Result<Report, NodeError> {
        Err(NodeError("no node".to_owned()))
    }

    async fn console(&self, _: &InstanceId) -> Result<Vec<u8>, NodeError> {
        Err(NodeError("no node".to_owned()))
    }

    fn changed(&self) -> tokio::sync::watch::Receiver<u64> {
        tokio::sync::watch::channel(0).1
    }
}

pub struct World {
    pub ec2: Ec2,
    pub network: DefaultNetwork,
    pub foreign_network: DefaultNetwork,
}

pub fn account(number: u8) -> AccountId {
    format!("{number:012}").parse().unwrap()
}

fn call(caller: Caller) -> Call {
    Call {
        caller,
        request_id: "00000000-0000-4000-8000-000000000000".to_owned(),
        source_ip: None,
        is_secure: true,
        user_agent: "test".to_owned(),
        manner: Arc::default(),
        region: "us-east-1".to_owned(),
        verdicts: api::Verdicts::default(),
    }
}

/// The root of the account that has the things.
pub fn owner() -> Call {
    call(Caller::root(account(1), "AKIAOWNER"))
}

/// The root of another account.
pub fn stranger() -> Call {
    call(Caller::root(account(2), "AKIASTRANGER"))
}

/// A user of the first account who has no policy.
pub fn user() -> Call {
    let principal = Principal::User { name: "ada".to_owned(), path: "/".into(), id: "AIDAADA".to_owned() };
    call(Caller { account: Some(account(1)), principal, access_key: None, session: None })
}

pub async fn world() -> World {
    let zone =
        |letter: char, number: u8| ZoneFacts { name: format!("us-east-1{letter}"), id: format!("use1-az{number}") };
    let region = Arc::new(RegionFacts {
        name: "us-east-1".to_owned(),
        zones: vec![zone('a', 1), zone('b', 2), zone('c', 3)],
        endpoint: "localhost:4566".to_owned(),
        public_pool: (Ipv4Addr::new(100, 64, 0, 0), 16),
    });
    let store = testkit::store();
    let effects = Arc::new(Seeded(AtomicU64::new(1)));
    let mut networks = Vec::new();
    for number in [1, 2] {
        let mut random = || {
            let mut bytes = [0; 8];
            effects.fill(&mut bytes);
            bytes
        };
        let (changes, network) = default_network(&account(number), &region, &mut random).unwrap();
        store.commit(None, changes).await.unwrap();
        networks.push(network);
    }
    let authorizer = Arc::new(iam::PolicyAuthorizer::new(&store, effects.clone()));
    let runner = Runner::new(store, region, effects, authorizer);
    let foreign_network = networks.pop().unwrap();
    let network = networks.pop().unwrap();
    World { ec2: Ec2::new(runner.clone(), Arc::new(NoNode), Arc::new(iam::Iam::new(runner))), network, foreign_network }
}

/// The code of a refusal.
pub fn code<T: std::fmt::Debug>(outcome: Result<T, ServiceError>) -> String {
    outcome.expect_err("the call is refused").code.into_owned()
}

/// The text of a refusal.
#[allow(dead_code, reason = "not every test binary asks")]
pub fn text<T: std::fmt::Debug>(outcome: Result<T, ServiceError>) -> String {
    outcome.expect_err("the call is refused").message
}

#[allow(dead_code, reason = "not every test binary asks")]
pub fn filter(name: &str, value: &str) -> Option<Vec<Filter>> {
    Some(vec![Filter { name: Some(name.to_owned()), values: Some(vec![value.to_owned()]) }])
}
