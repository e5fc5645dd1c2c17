//! One service in all the protocols that its clients speak, old and new: each is answered in its own, errors too.
#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use edge::{Credentials, Edge, Limits, Mount, Phase, Server};
use flate2::Compression;
use flate2::write::GzEncoder;
use iam::Credential;
use tokio::sync::watch;
use wire::{
    Encoded, ErrorShape, JsonVersion, Member, OperationEntry, OperationShape, Protocol, ServiceError, ServiceShape,
    Shape, Value,
};

use crate::client::{Answer, Key, Request};

#[allow(dead_code, reason = "it does more than is needed here")]
#[path = "../../region/tests/front/client.rs"]
mod client;

static TEXT: Shape = Shape::new("Text", wire::Kind::String);
static ECHO: Shape = Shape::structure("Echo", &[Member::new("Text", &TEXT)]);
static GONE: [ErrorShape; 1] =
    [ErrorShape { name: "GoneException", code: "Echoes.Gone", status: 400, is_sender_fault: true, shape: None }];
static OPERATION: OperationShape = OperationShape {
    name: "Echo",
    input: Some(&ECHO),
    output: Some(&ECHO),
    status: 200,
    output_root: "EchoResponse",
    is_output_unwrapped: false,
    has_streaming_input: false,
    has_streaming_output: false,
    requires_checksum: false,
    errors: &["GoneException"],
    host_prefix: "",
};
static OPERATIONS: [OperationEntry; 2] = [OperationEntry::new("Echo").shape(&OPERATION), OperationEntry::new("Hear")];

const fn service(name: &'static str, protocols: &'static [Protocol], version: &'static str) -> ServiceShape {
    ServiceShape {
        name,
        service_id: name,
        endpoint_prefix: name,
        signing_name: "echoes",
        protocols,
        api_version: version,
        xml_namespace: "https://echoes.example/",
        target_prefix: None,
        has_bare_errors: false,
        has_whole_seconds: false,
        is_query_compatible: true,
        errors: &GONE,
        operations: &OPERATIONS,
    }
}

/// As CloudWatch is: three protocols, one of them from before the others.
static NEW: ServiceShape = ServiceShape {
    target_prefix: Some("EchoesV2"),
    ..service("new", &[Protocol::Cbor, Protocol::Json { version: JsonVersion::V1_0 }, Protocol::Query], "2020-01-01")
};
/// As the first ELB is: it shares its signing name, and speaks nothing but forms.
static OLD: ServiceShape = service("old", &[Protocol::Query], "2010-01-01");

struct Everybody;

impl Credentials for Everybody {
    fn find(&self, access_key: &str) -> Result<Option<Arc<Credential>>, String> {
        let credential = Credential::permanent("secret".to_owned(), api::Caller::ANONYMOUS);
        Ok((access_key != "NOBODY").then(|| Arc::new(credential)))
    }
}

fn mount(service: &'static ServiceShape) -> Mount {
    Mount::new(service, move |_, _, request| {
        Box::pin(async move {
            let text = match request.value.member(0) {
                Some(Value::String(text)) => text.clone(),
                _ => String::new(),
            };
            if text == "gone" {
                return Err(ServiceError::bad_request("Echoes.Gone", "It is gone."));
            }
            let said = Value::String(format!("{}: {text}", service.name));
            Ok(Encoded { value: Value::Structure(vec![(0, said)]), body: None })
        })
    })
}

struct Front {
    address: SocketAddr,
    _phase: watch::Sender<Phase>,
}

async fn front() -> Front {
    let limits = Limits { body_bytes: 4096, ..Limits::default() };
    let edge = Edge::new(vec![mount(&OLD), mount(&NEW)], Arc::new(Everybody), "us-east-1", limits);
    let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = server.address();
    let (phase, phases) = watch::channel(Phase::Serving);
    tokio::spawn(server.serve(Arc::new(edge), phases));
    Front { address, _phase: phase }
}

fn form(body: &str) -> Request {
    Request::form(body)
}

fn json(target: &str, body: impl Into<Vec<u8>>) -> Request {
    let request = Request::new("POST", "/", "", body).with("content-type", "application/x-amz-json-1.0");
    request.with("x-amz-target", target)
}

fn cbor(path: &str, body: &[u8]) -> Request {
    let request = Request::new("POST", path, "", body).with("content-type", "application/cbor");
    request.with("smithy-protocol", "rpc-v2-cbor")
}

impl Front {
    async fn signed(&self, request: Request) -> Answer {
        self.signed_for(request, "echoes").await
    }

    async fn signed_for(&self, request: Request, service: &str) -> Answer {
        let key = Key { id: "AKIAECHO".to_owned(), secret: "secret".to_owned() };
        request.signed(&key, service).send(self.address).await
    }
}

fn check(answer: &Answer, status: u16, content_type: &str, part: &str) {
    let found = (answer.status, answer.header("content-type").unwrap_or_default().starts_with(content_type));
    assert_eq!(found, (status, true), "{content_type}: {:?} {}", answer.headers, answer.body);
    assert!(answer.body.contains(part), "{part}: {}", answer.body);
}

const XML: &str = "text/xml";
const JSON: &str = "application/x-amz-json-1.0";
const CBOR: &str = "application/cbor";
/// `{"Text": "hi"}`
const HI: &[u8] = b"\xa1\x64Text\x62hi";
const ECHO_PATH: &str = "/service/EchoesV2/operation/Echo";

#[tokio::test]
async fn each_protocol_is_answered_in_its_own() {
    let front = front().await;
    let answer = front.signed(form("Action=Echo&Version=2020-01-01&Text=hi")).await;
    check(&answer, 200, XML, "<Text>new: hi</Text>");
    let answer = front.signed(form("Action=Echo&Version=2010-01-01&Text=hi")).await;
    check(&answer, 200, XML, "<Text>old: hi</Text>");
    let answer = front.signed(json("EchoesV2.Echo", "{\"Text\":\"hi\"}")).await;
    check(&answer, 200, JSON, "{\"Text\":\"new: hi\"}");
    let answer = front.signed(cbor(ECHO_PATH, HI)).await;
    check(&answer, 200, CBOR, "new: hi");
    assert_eq!(answer.header("smithy-protocol"), Some("rpc-v2-cbor"));
    assert!(answer.header("x-amzn-requestid").is_some());
}

#[tokio::test]
async fn compressed_bodies_are_taken_apart() {
    let front = front().await;
    let gzip = |text: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    for (request, content_type) in [
        (json("EchoesV2.Echo", gzip(b"{\"Text\":\"hi\"}")), JSON),
        (cbor(ECHO_PATH, &gzip(HI)), CBOR),
        (Request { body: gzip(b"Action=Echo&Version=2020-01-01&Text=hi"), ..form("") }, XML),
    ] {
        check(&front.signed(request.with("content-encoding", "gzip")).await, 200, content_type, "new: hi");
    }
    let bomb = json("EchoesV2.Echo", gzip(&[b' '; 1 << 20])).with("content-encoding", "gzip");
    check(&front.signed(bomb).await, 413, JSON, "RequestEntityTooLargeException");
    let no_gzip = json("EchoesV2.Echo", "{}").with("content-encoding", "gzip");
    check(&front.signed(no_gzip).await, 400, JSON, "MalformedHttpRequestException");
    let nobodys = Request { body: gzip(b"Action=Echo&Version=2020-01-01"), ..form("") };
    let nobodys = nobodys.with("content-encoding", "gzip").send(front.address).await;
    check(&nobodys, 403, XML, "MissingAuthenticationToken");
}

#[tokio::test]
async fn what_does_not_exist_is_refused_in_the_protocol_of_the_request() {
    let front = front().await;
    let unknown = "UnknownOperationException";
    for (request, status, content_type, part) in [
        (form("Action=Shout&Version=2020-01-01"), 400, XML, "InvalidAction"),
        (form("Action=Hear&Version=2020-01-01"), 400, XML, "UnsupportedOperation"),
        (form("Version=2020-01-01"), 400, XML, "MissingAction"),
        (json("EchoesV2.Shout", "{}"), 400, JSON, unknown),
        (json("EchoesV2.Hear", "{}"), 400, JSON, "UnsupportedOperation"),
        (json("EchoesV1.Echo", "{}"), 400, JSON, unknown),
        (cbor("/service/EchoesV2/operation/Shout", HI), 400, CBOR, unknown),
        (cbor("/service/EchoesV1/operation/Echo", HI), 400, CBOR, unknown),
    ] {
        check(&front.signed(request).await, status, content_type, part);
    }
    let unsigned = json("Nobody.Shout", "{}").send(front.address).await;
    check(&unsigned, 400, JSON, unknown);
    let rest = || Request::new("GET", "/2015-03-31/functions/", "", "");
    let lambda = front.signed_for(rest(), "lambda").await;
    check(&lambda, 404, "application/json", "does not have the service 'lambda'");
    assert_eq!(lambda.header("x-amzn-errortype"), Some(unknown));
    check(&front.signed_for(rest(), "route53").await, 400, "", "<Code>UnsupportedOperation</Code>");
    check(&front.signed_for(form("Action=X&Version=Y"), "rds").await, 400, XML, "does not have the service 'rds'");
    check(&front.signed_for(json("Old.Echo", "{}"), "kms").await, 400, JSON, unknown);
}

#[tokio::test]
async fn refusals_of_every_kind_are_in_the_protocol_of_the_request() {
    let front = front().await;
    let large = "a".repeat(5000);
    for (request, content_type) in [
        (form("Action=Echo&Version=2020-01-01"), XML),
        (json("EchoesV2.Echo", "{}"), JSON),
        (cbor(ECHO_PATH, HI), CBOR),
    ] {
        let nobody = Key { id: "NOBODY".to_owned(), secret: "secret".to_owned() };
        let wrong = Key { id: "AKIAECHO".to_owned(), secret: "another".to_owned() };
        for key in [nobody, wrong] {
            let answer = request.clone().signed(&key, "echoes").send(front.address).await;
            assert!([400, 403].contains(&answer.status), "{} {}", answer.status, answer.body);
            check(&answer, answer.status, content_type, "");
        }
        let unsigned = request.clone().send(front.address).await;
        assert!(unsigned.body.contains("MissingAuthenticationToken"), "{}", unsigned.body);
        check(&unsigned, unsigned.status, content_type, "");
        let large = Request { body: large.clone().into_bytes(), ..request.clone() };
        check(&front.signed(large).await, 413, content_type, "RequestEntityTooLarge");
        let two = request.with("content-encoding", "br");
        check(&front.signed(two).await, 400, content_type, "MalformedHttpRequestException");
    }
}

#[tokio::test]
async fn clients_of_the_query_days_are_told_the_code_of_those_days() {
    let front = front().await;
    let gone = || json("EchoesV2.Echo", "{\"Text\":\"gone\"}");
    let answer = front.signed(gone()).await;
    check(&answer, 400, JSON, "GoneException");
    assert_eq!(answer.header("x-amzn-query-error"), None);
    let answer = front.signed(gone().with("x-amzn-query-mode", "true")).await;
    check(&answer, 400, JSON, "GoneException");
    assert_eq!(answer.header("x-amzn-query-error"), Some("Echoes.Gone;Sender"));
    let form = front.signed(form("Action=Echo&Version=2020-01-01&Text=gone")).await;
    check(&form, 400, XML, "<Code>Echoes.Gone</Code>");
}
