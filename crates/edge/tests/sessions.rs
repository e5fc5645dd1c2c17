//! Temporary keys: good with their own token and until their end, refused in the words of each family otherwise.
#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::net::SocketAddr;
use std::sync::Arc;

use api::{Caller, Principal};
use edge::{Credentials, Edge, Limits, Mount, Phase, Server};
use iam::Credential;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use wire::{Encoded, JsonVersion, OperationEntry, Protocol, Route, Segment, ServiceShape, Value};

use crate::client::{Answer, Key, Purpose, Request};
use crate::thing::{OPERATION, service};

mod thing;

#[allow(dead_code, reason = "it does more than is needed here")]
#[path = "../../region/tests/front/client.rs"]
mod client;

static BY_PATH: [OperationEntry; 1] = [OperationEntry::new("GetThing").shape(&OPERATION).route(Route {
    method: "GET",
    path: &[Segment::Literal("thing")],
    query: &[],
    required_query: &[],
    required_headers: &[],
})];

static EC2: ServiceShape = service("ec2", &[Protocol::Ec2]);
static STS: ServiceShape = service("sts", &[Protocol::Query]);
static IAM: ServiceShape = service("iam", &[Protocol::Query]);
static ORGANIZATIONS: ServiceShape = ServiceShape {
    target_prefix: Some("Things"),
    ..service("organizations", &[Protocol::Json { version: JsonVersion::V1_1 }])
};
static LOGS: ServiceShape =
    ServiceShape { target_prefix: Some("Things"), ..service("logs", &[Protocol::Json { version: JsonVersion::V1_1 }]) };
static METRICS: ServiceShape = service("monitoring", &[Protocol::Cbor]);
static LAMBDA: ServiceShape = ServiceShape { operations: &BY_PATH, ..service("lambda", &[Protocol::RestJson]) };
static S3: ServiceShape =
    ServiceShape { operations: &BY_PATH, has_bare_errors: true, ..service("s3", &[Protocol::RestXml]) };

struct Keys;

impl Credentials for Keys {
    fn find(&self, access_key: &str) -> Result<Option<Arc<Credential>>, String> {
        let caller = Caller {
            account: "123456789012".parse().ok(),
            principal: Principal::Root,
            access_key: Some(access_key.to_owned()),
            session: None,
        };
        let until = |seconds| Timestamp::now() + SignedDuration::from_secs(seconds);
        let temporary =
            |end| Credential::temporary("secret".to_owned(), caller.clone(), "the+token/==".to_owned(), end);
        let found = match access_key {
            "AKIAPERMANENT" => Credential::permanent("secret".to_owned(), caller),
            "ASIATEMPORARY" => temporary(until(60)),
            "ASIAEXPIRED" => temporary(until(-1)),
            _ => return Ok(None),
        };
        Ok(Some(Arc::new(found)))
    }
}

fn mount(service: &'static ServiceShape) -> Mount {
    Mount::new(service, |_, call, _| {
        assert_eq!(call.caller.account.unwrap().as_str(), "123456789012");
        Box::pin(async { Ok(Encoded { value: Value::EMPTY, body: None }) })
    })
}

async fn front() -> (SocketAddr, watch::Sender<Phase>) {
    front_in("us-east-1").await
}

async fn front_in(region: &str) -> (SocketAddr, watch::Sender<Phase>) {
    let mounts = [&EC2, &STS, &LOGS, &METRICS, &LAMBDA, &S3, &IAM, &ORGANIZATIONS].map(mount).into();
    let edge = Edge::new(mounts, Arc::new(Keys), region, Limits::default());
    let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = server.address();
    let (phase, phases) = watch::channel(Phase::Serving);
    tokio::spawn(server.serve(Arc::new(edge), phases));
    (address, phase)
}

/// A request that each service answers when the right one signs it.
fn good(service: &str) -> Request {
    match service {
        "ec2" | "sts" | "iam" => Request::form("Action=GetThing&Version=2020-01-01"),
        "logs" | "organizations" => {
            let request = Request::new("POST", "/", "", "{}").with("content-type", "application/x-amz-json-1.1");
            request.with("x-amz-target", "Things.GetThing")
        }
        "monitoring" => Request::new("POST", "/service/monitoring/operation/GetThing", "", "")
            .with("smithy-protocol", "rpc-v2-cbor")
            .with("content-type", "application/cbor"),
        _ => Request::new("GET", "/thing", "", ""),
    }
}

const SERVICES: [&str; 6] = ["ec2", "sts", "logs", "monitoring", "lambda", "s3"];

async fn send(address: SocketAddr, service: &str, access_key: &str, token: Option<&str>, is_signed: bool) -> Answer {
    let key = Key { id: access_key.to_owned(), secret: "secret".to_owned() };
    let request = good(service);
    let request = match token {
        Some(token) if is_signed => request.with("x-amz-security-token", token).signed(&key, service),
        Some(token) => request.signed(&key, service).with("x-amz-security-token", token),
        None => request.signed(&key, service),
    };
    request.send(address).await
}

fn check(answer: &Answer, service: &str, expected: &[(u16, &str); 6]) {
    let (status, code) = expected[SERVICES.iter().position(|own| *own == service).unwrap()];
    let is_there = answer.body.contains(code) || answer.header("x-amzn-errortype").is_some_and(|it| it.contains(code));
    assert_eq!((answer.status, is_there), (status, true), "{service} {code}: {} {:?}", answer.body, answer.headers);
}

#[tokio::test]
async fn a_temporary_key_is_good_with_its_token() {
    let (address, _phase) = front().await;
    for service in SERVICES {
        for is_signed in [true, false] {
            let answer = send(address, service, "ASIATEMPORARY", Some("the+token/=="), is_signed).await;
            assert_eq!(answer.status, 200, "{service} {is_signed}: {}", answer.body);
        }
        assert_eq!(send(address, service, "AKIAPERMANENT", None, true).await.status, 200, "{service}");
    }
}

#[tokio::test]
async fn without_the_right_token_it_is_nobodys() {
    let (address, _phase) = front().await;
    let nobody = [
        (401, "AuthFailure"),
        (403, "InvalidClientTokenId"),
        (400, "UnrecognizedClientException"),
        (400, "UnrecognizedClientException"),
        (403, "UnrecognizedClientException"),
        (403, "InvalidAccessKeyId"),
    ];
    let mut wrong = nobody;
    wrong[5] = (400, "InvalidToken");
    for service in SERVICES {
        check(&send(address, service, "ASIATEMPORARY", None, true).await, service, &nobody);
        for token in ["the+token/=", "", "the token/=="] {
            check(&send(address, service, "ASIATEMPORARY", Some(token), true).await, service, &wrong);
        }
        check(&send(address, service, "AKIAPERMANENT", Some("the+token/=="), true).await, service, &wrong);
        check(&send(address, service, "AKIANOBODY", None, true).await, service, &nobody);
    }
}

/// What is the same everywhere is signed for `us-east-1` by those who know it as global, and for the region by others.
#[tokio::test]
async fn global_services_are_signed_for_their_own_region_or_ours() {
    let (address, _phase) = front_in("eu-lab-1").await;
    let key = Key { id: "AKIAPERMANENT".to_owned(), secret: "secret".to_owned() };
    for (service, region, is_good) in [
        ("iam", "us-east-1", true),
        ("iam", "eu-lab-1", true),
        ("iam", "eu-west-1", false),
        ("sts", "us-east-1", true),
        ("sts", "eu-lab-1", true),
        ("organizations", "us-east-1", true),
        ("organizations", "us-west-2", false),
        ("ec2", "us-east-1", false),
        ("ec2", "eu-lab-1", true),
        ("s3", "us-east-1", false),
        ("logs", "us-east-1", false),
    ] {
        let purpose = Purpose { region: region.to_owned(), ..Purpose::of(service) };
        let answer = good(service).signed_for(&key, &purpose).send(address).await;
        assert_eq!(answer.status == 200, is_good, "{service} {region}: {}", answer.body);
    }
}

#[tokio::test]
async fn after_its_end_it_has_expired() {
    let (address, _phase) = front().await;
    let expired = [
        (400, "RequestExpired"),
        (403, "ExpiredToken"),
        (400, "ExpiredTokenException"),
        (400, "ExpiredTokenException"),
        (403, "ExpiredTokenException"),
        (400, "ExpiredToken"),
    ];
    for service in SERVICES {
        check(&send(address, service, "ASIAEXPIRED", Some("the+token/=="), true).await, service, &expired);
    }
}

/// The newer services' words for the other ways in which a claim can be bad.
#[tokio::test]
async fn newer_services_have_words_of_their_own() {
    let (address, _phase) = front().await;
    for (service, status) in [("logs", 400), ("monitoring", 400), ("lambda", 403)] {
        let key = |secret: &str| Key { id: "AKIAPERMANENT".to_owned(), secret: secret.to_owned() };
        let refused = async |request: Request, code: &str| {
            let answer = request.send(address).await;
            let is_there = answer.body.contains(code) || answer.header("x-amzn-errortype") == Some(code);
            assert_eq!((answer.status, is_there), (status, true), "{service} {code}: {}", answer.body);
        };
        refused(good(service).signed(&key("wrong"), service), "InvalidSignatureException").await;
        let purpose = client::Purpose::of(service);
        let old = client::Purpose { time: purpose.time - SignedDuration::from_mins(16), ..purpose.clone() };
        refused(good(service).signed_for(&key("secret"), &old), "Signature expired: ").await;
        let elsewhere = client::Purpose { region: "eu-west-1".to_owned(), ..purpose };
        refused(good(service).signed_for(&key("secret"), &elsewhere), "InvalidSignatureException").await;
    }
    let broken = good("logs").with("authorization", "AWS4-HMAC-SHA256 Credential=a").send(address).await;
    assert_eq!(broken.status, 400);
    assert!(broken.body.contains("IncompleteSignatureException"), "{}", broken.body);
    let unsigned = good("logs").send(address).await;
    assert_eq!(unsigned.status, 400);
    assert!(unsigned.body.contains("MissingAuthenticationTokenException"), "{}", unsigned.body);
}
