//! Requests that are signed in their query, in both versions, and those of version 2 in the header.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use wire::sigv4::{CanonicalRequest, EMPTY_SHA256, PathRule, Signer, SigningKey, sign_query};
use wire::{parse_query, sigv2};

use crate::client::{Answer, Key, Purpose, Request};
use crate::fixture::{BUCKET, OBJECT, World};

const HOST: &str = "localhost:4566";

async fn world() -> World {
    let world = World::new().await;
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}/{OBJECT}"), "its bytes").await.status, 200);
    world
}

fn check(answer: &Answer, expected: (u16, &str), what: &str) {
    assert_eq!((answer.status, answer.code().as_str()), expected, "{what}: {}", answer.body);
}

/// Presigned in version 4, for so many seconds.
fn presigned(request: Request, key: &Key, purpose: &Purpose, expires: u32) -> Request {
    let is_s3 = purpose.service == "s3";
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_str(request.header("host").unwrap()).unwrap());
    let canonical = CanonicalRequest {
        method: &request.method,
        path: &request.path,
        query: &request.query,
        headers: &headers,
        payload: if is_s3 { "UNSIGNED-PAYLOAD" } else { EMPTY_SHA256 },
        path_rule: if is_s3 { PathRule::Once } else { PathRule::Twice },
    };
    let scope = purpose.scope();
    let signing_key = SigningKey::derive(&key.secret, &scope);
    let signer = Signer { access_key: &key.id, scope: &scope, key: &signing_key };
    let query = sign_query(&canonical, &signer, purpose.time, expires).unwrap();
    Request { query, ..request }
}

fn object(method: &str, query: &str, body: &str) -> Request {
    Request::new(method, &format!("/{BUCKET}/{OBJECT}"), query, body)
}

/// Presigned in version 2, until then.
fn presigned_v2(request: Request, bucket: Option<&str>, key: &Key, expires: i64) -> Request {
    let joint = if request.query.is_empty() { "" } else { "&" };
    let claim = format!("{}{joint}AWSAccessKeyId={}&Expires={expires}", request.query, key.id);
    let query = parse_query(&format!("{claim}&Signature=x")).unwrap();
    let headers = HeaderMap::new();
    let signed =
        sigv2::Request { method: &request.method, bucket, path: &request.path, query: &query, headers: &headers };
    let text = sigv2::Claim::from_query(&query).unwrap().string_to_sign(&signed);
    let signature = sigv2::sign(&key.secret, &text).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    Request { query: format!("{claim}&Signature={signature}"), ..request }
}

#[tokio::test]
async fn a_presigned_request_does_what_it_is_for_until_its_end() {
    let world = world().await;
    let now = Purpose::of("s3");
    let read = presigned(object("GET", "", ""), &world.owner, &now, 60);
    assert_eq!(read.send(world.address).await.body, "its bytes");
    let query = "response-content-type=text%2Fhtml&x-amz-checksum-mode=ENABLED";
    let answer = presigned(object("GET", query, ""), &world.owner, &now, 60).send(world.address).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html")));
    assert!(answer.header("x-amz-checksum-crc64nvme").is_some(), "a header of Amazon's may stand in the query");
    for (method, changed) in [("PUT", read.path.clone()), ("GET", format!("/{BUCKET}/other"))] {
        let other = Request { method: method.to_owned(), path: changed, ..read.clone() };
        check(&other.send(world.address).await, (403, "SignatureDoesNotMatch"), method);
    }
    let longer = Request { query: read.query.replace("Expires=60", "Expires=61"), ..read.clone() };
    let answer = longer.send(world.address).await;
    check(&answer, (403, "SignatureDoesNotMatch"), "a longer life");
    assert_eq!(answer.element("AWSAccessKeyId"), Some(world.owner.id.as_str()));
    let shown = answer.element("StringToSign").unwrap();
    let bytes: Vec<String> = shown.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(answer.element("StringToSignBytes"), Some(bytes.join(" ").as_str()));
    assert!(answer.element("CanonicalRequest").unwrap().starts_with("GET\n/walk-bucket/walk-object\nX-Amz-Algorithm="));
    for name in ["SignatureProvided", "CanonicalRequestBytes"] {
        assert!(answer.element(name).is_some(), "{name}");
    }
    let added = read.with("x-amz-meta-a", "1").send(world.address).await;
    check(&added, (403, "AccessDenied"), "a header that is not signed");
    assert_eq!(added.element("HeadersNotSigned"), Some("x-amz-meta-a"));

    let put = presigned(object("PUT", "x-amz-meta-a=b", "new"), &world.owner, &now, 60);
    assert_eq!(put.send(world.address).await.status, 200);
    // As JavaScript's SDK presigns: with the checksum of a body that it does not have yet.
    let query = "X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32&x-id=PutObject&x-amz-meta-a=c";
    let put = presigned(object("PUT", query, "newer"), &world.owner, &now, 60);
    assert_eq!(put.send(world.address).await.status, 200);
    let head = world.s3("HEAD", &format!("/{BUCKET}/{OBJECT}"), "").await;
    assert_eq!((head.header("content-length"), head.header("x-amz-meta-a")), (Some("5"), Some("c")));
}

#[tokio::test]
async fn a_presigned_request_is_good_for_its_time_only() {
    let world = world().await;
    let now = Purpose::of("s3");
    let at = |seconds: i64| Purpose { time: now.time + jiff::SignedDuration::from_secs(seconds), ..now.clone() };
    let send = async |purpose: &Purpose, expires| {
        presigned(object("GET", "", ""), &world.owner, purpose, expires).send(world.address).await
    };
    assert_eq!(send(&at(-3600), 7200).await.status, 200, "an hour old, and good for two");
    assert_eq!(send(&at(-6 * 86_400), 604_800).await.status, 200, "six days old, and good for seven");
    let expired = send(&at(-3600), 3599).await;
    check(&expired, (403, "AccessDenied"), "an hour old, and good for less");
    assert_eq!(expired.element("Message"), Some("Request has expired"));
    assert_eq!(expired.element("X-Amz-Expires"), Some("3599"));
    let end = (at(-3600).time + Duration::from_secs(3599)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    assert_eq!(expired.element("Expires"), Some(end.as_str()));
    assert!(expired.element("ServerTime").is_some());
    let early = send(&at(1200), 60).await;
    check(&early, (403, "AccessDenied"), "of the future");
    assert_eq!(early.element("Message"), Some("Request is not yet valid"));
    let long = send(&now, 604_801).await;
    check(&long, (400, "AuthorizationQueryParametersError"), "more than a week");
    assert!(long.element("Message").unwrap().starts_with("X-Amz-Expires must be less than a week"), "{}", long.body);
    let elsewhere = send(&Purpose { region: "eu-west-1".to_owned(), ..now.clone() }, 60).await;
    check(&elsewhere, (400, "AuthorizationQueryParametersError"), "another region");
    assert_eq!(elsewhere.element("Region"), Some("us-east-1"));
    let stranger = presigned(object("GET", "", ""), &world.stranger, &now, 60).send(world.address).await;
    check(&stranger, (403, "AccessDenied"), "a stranger's");
    let nobody = Key { id: "AKIANOBODY".to_owned(), secret: "s".to_owned() };
    let nobody = presigned(object("GET", "", ""), &nobody, &now, 60).send(world.address).await;
    check(&nobody, (403, "InvalidAccessKeyId"), "nobody's");
    let token = presigned(object("GET", "X-Amz-Security-Token=abc", ""), &world.owner, &now, 60);
    check(&token.send(world.address).await, (400, "InvalidToken"), "a permanent key with a token");
}

/// As `aws-iam-authenticator` makes its tokens: good for a quarter of an hour, whatever it says.
#[tokio::test]
async fn other_services_take_presigned_requests_too() {
    let world = World::new().await;
    let now = Purpose::of("sts");
    let identity = || Request::new("GET", "/", "Action=GetCallerIdentity&Version=2011-06-15", "");
    let at = |seconds: i64| Purpose { time: now.time + jiff::SignedDuration::from_secs(seconds), ..now.clone() };
    for (purpose, expires) in [(now.clone(), 60), (at(-14 * 60), 60), (at(-3600), 7200)] {
        let answer = presigned(identity(), &world.owner, &purpose, expires).send(world.address).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.element("Arn").unwrap().ends_with(":root"));
    }
    let old = presigned(identity(), &world.owner, &at(-16 * 60), 60).send(world.address).await;
    check(&old, (403, "SignatureDoesNotMatch"), "old");
    assert!(old.element("Message").unwrap().starts_with("Signature expired: "), "{}", old.body);
    let early = presigned(identity(), &world.owner, &at(16 * 60), 60).send(world.address).await;
    assert!(early.element("Message").unwrap().starts_with("Signature not yet current: "), "{}", early.body);
    let other = presigned(identity(), &world.owner, &now, 60);
    let other = Request { query: other.query.replace("GetCallerIdentity", "GetSessionToken"), ..other };
    check(&other.send(world.address).await, (403, "SignatureDoesNotMatch"), "another action");
    let regions = Request::new("GET", "/", "Action=DescribeRegions&Version=2016-11-15", "");
    let answer = presigned(regions, &world.owner, &Purpose::of("ec2"), 60).send(world.address).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn version_2_in_the_query() {
    let world = world().await;
    let soon = Timestamp::now().as_second() + 60;
    let read = presigned_v2(object("GET", "", ""), None, &world.owner, soon);
    assert_eq!(read.send(world.address).await.body, "its bytes");
    let query = "response-content-type=text%2Fhtml";
    let answer = presigned_v2(object("GET", query, ""), None, &world.owner, soon).send(world.address).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html")));
    let by_host = Request::new("GET", &format!("/{OBJECT}"), "", "").with("host", &format!("{BUCKET}.{HOST}"));
    let answer = presigned_v2(by_host, Some(BUCKET), &world.owner, soon).send(world.address).await;
    assert_eq!(answer.body, "its bytes");
    let put = presigned_v2(object("PUT", "x-amz-meta-a=b", "new"), None, &world.owner, soon);
    assert_eq!(put.send(world.address).await.status, 200);
    let head = world.s3("HEAD", &format!("/{BUCKET}/{OBJECT}"), "").await;
    assert_eq!((head.header("content-length"), head.header("x-amz-meta-a")), (Some("3"), Some("b")));

    let other = Request { method: "DELETE".to_owned(), ..read.clone() }.send(world.address).await;
    check(&other, (403, "SignatureDoesNotMatch"), "another method");
    assert_eq!(other.element("StringToSign"), Some(format!("DELETE\n\n\n{soon}\n/{BUCKET}/{OBJECT}").as_str()));
    let later = Request { query: read.query.replace("Expires=1", "Expires=2"), ..read.clone() };
    check(&later.send(world.address).await, (403, "SignatureDoesNotMatch"), "a later end");
    let late = presigned_v2(object("GET", "", ""), None, &world.owner, soon - 61).send(world.address).await;
    check(&late, (403, "AccessDenied"), "expired");
    assert_eq!(late.element("Message"), Some("Request has expired"));
    assert!(late.element("Expires").is_some() && late.element("ServerTime").is_some(), "{}", late.body);
    let stranger = presigned_v2(object("GET", "", ""), None, &world.stranger, soon).send(world.address).await;
    check(&stranger, (403, "AccessDenied"), "a stranger's");
    let regions = Request::new("GET", "/", "Action=DescribeRegions&Version=2016-11-15", "");
    let answer = presigned_v2(regions, None, &world.owner, soon).send(world.address).await;
    assert!(!answer.body.contains("regionInfo"), "S3 alone takes it: {}", answer.body);
}

#[tokio::test]
async fn version_2_in_the_header() {
    let world = world().await;
    let signed = |date: &str, key: &Key| {
        let text = format!("GET\n\n\n{date}\n/{BUCKET}/{OBJECT}");
        let value = format!("AWS {}:{}", key.id, sigv2::sign(&key.secret, &text));
        object("GET", "", "").with("date", date).with("authorization", &value)
    };
    let format = |time: Timestamp| time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let now = format(Timestamp::now());
    assert_eq!(signed(&now, &world.owner).send(world.address).await.body, "its bytes");
    check(&signed(&now, &world.stranger).send(world.address).await, (403, "AccessDenied"), "a stranger's");
    let wrong = Key { secret: "wrong".to_owned(), ..world.owner.clone() };
    check(&signed(&now, &wrong).send(world.address).await, (403, "SignatureDoesNotMatch"), "a wrong secret");
    let old = format(Timestamp::now() - Duration::from_secs(16 * 60));
    check(&signed(&old, &world.owner).send(world.address).await, (403, "RequestTimeTooSkewed"), "an old one");
    let mut undated = signed(&now, &world.owner);
    undated.headers.retain(|(name, _)| name != "date");
    check(&undated.send(world.address).await, (403, "AccessDenied"), "without a date");
}
