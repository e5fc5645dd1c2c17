//! Development mode: whom it believes, and whom it does not.

use crate::client::{Key, Request};
use crate::fixture::{BUCKET, World};

const IDENTITY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

fn key(id: &str) -> Key {
    Key { id: id.to_owned(), secret: "whatever".to_owned() }
}

#[tokio::test]
async fn an_access_key_selects_an_account() {
    let world = World::in_dev().await;
    for (id, account) in [
        ("123456789012", "123456789012"),
        ("test", "000000000000"),
        ("AKIAIOSFODNN7EXAMPLE", "000000000000"),
        ("12345678901", "000000000000"),
        ("999999999999", "999999999999"),
    ] {
        let answer = Request::form(IDENTITY).signed(&key(id), "sts").send(world.address).await;
        assert_eq!((answer.status, answer.element("Account")), (200, Some(account)), "{}", answer.body);
        assert_eq!(answer.element("Arn"), Some(format!("arn:aws:iam::{account}:root").as_str()));
        // An account that is made on demand has what every account begins with.
        let vpcs = Request::form("Action=DescribeVpcs&Version=2016-11-15").signed(&key(id), "ec2");
        assert!(vpcs.send(world.address).await.element("vpcId").is_some(), "{id}");
    }
}

#[tokio::test]
async fn nobody_has_to_sign_well_or_at_all() {
    let world = World::in_dev().await;
    let object = format!("/{BUCKET}/k");
    let unsigned = Request::form(IDENTITY).send(world.address).await;
    assert_eq!((unsigned.status, unsigned.element("Account")), (200, Some("000000000000")), "{}", unsigned.body);
    for (method, path, body) in
        [("PUT", format!("/{BUCKET}"), ""), ("PUT", object.clone(), "bytes"), ("GET", object.clone(), "")]
    {
        let answer = Request::new(method, &path, "", body).send(world.address).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
    }
    for query in [
        "AWSAccessKeyId=test&Signature=x&Expires=1",
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test%2F20130524%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=1&X-Amz-SignedHeaders=host&X-Amz-Signature=x",
        "X-Amz-Signature=x",
    ] {
        assert_eq!(Request::new("GET", &object, query, "").send(world.address).await.body, "bytes", "{query}");
    }
    let other = Request::new("GET", &object, "", "").signed(&key("123456789012"), "s3").send(world.address).await;
    assert_eq!(other.status, 403, "accounts are apart all the same: {}", other.body);
    let framed = Request::new("PUT", &object, "", "5;chunk-signature=0\r\nhello\r\n0;chunk-signature=0\r\n\r\n")
        .with("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
        .with("x-amz-decoded-content-length", "5")
        .signed(&key("test"), "s3");
    assert_eq!(framed.send(world.address).await.status, 200, "chunks are not checked either");
    assert_eq!(Request::new("GET", &object, "", "").send(world.address).await.body, "hello");
}

#[tokio::test]
async fn it_says_so() {
    let health = |world: &World| {
        let request = Request::new("GET", "/_welkin/health", "", "");
        let address = world.address;
        async move { request.send(address).await.body }
    };
    assert!(health(&World::in_dev().await).await.contains("\"dev\":true"));
    assert!(!health(&World::new().await).await.contains("dev"));
}

#[tokio::test]
async fn web_pages_are_not_believed() {
    let world = World::in_dev().await;
    let form = || Request::form(IDENTITY);
    for (name, value) in [
        ("origin", "https://example.net"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("host", "rebound.example.net:4566"),
    ] {
        let answer = form().with(name, value).send(world.address).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "MissingAuthenticationToken"), "{name}: {value}");
        let presigned = Request::new("GET", "/", "AWSAccessKeyId=test&Signature=x&Expires=9999999999", "");
        let answer = presigned.with(name, value).send(world.address).await;
        assert_eq!(answer.code(), "InvalidAccessKeyId", "{name}: {value}");
        // A page cannot send this without asking first; and who lets the pages of others ask, lets them read a bucket.
        let signed = form().with(name, value).signed(&key("test"), "sts").send(world.address).await;
        assert_eq!(signed.status, if name == "origin" { 403 } else { 200 }, "{name}: {value}");
    }
    let local = form().with("origin", "http://localhost:3000");
    assert_eq!(local.send(world.address).await.status, 200);
    let preflight = Request::new("OPTIONS", "/", "", "").with("origin", "https://example.net");
    let answer = preflight.with("access-control-request-headers", "authorization").send(world.address).await;
    assert!(answer.header("access-control-allow-origin").is_none(), "{:?}", answer.headers);
}

#[tokio::test]
async fn it_never_listens_beyond_loopback() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let refused = World::open_in_dev(address.parse().unwrap()).await.err().expect("it does not open");
        assert!(refused.contains("loopback"), "{refused}");
    }
}
