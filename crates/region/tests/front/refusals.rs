//! Requests that are wrong in one thing each, and what each family of services says to that.

use std::time::Duration;

use wire::sigv4::amz_date;

use crate::client::{Answer, Purpose, Request};
use crate::fixture::{BUCKET, OBJECT, World};

const IDENTITY: &str = "Action=GetCallerIdentity&Version=2011-06-15";
const REGIONS: &str = "Action=DescribeRegions&Version=2016-11-15";

/// A request of each service that succeeds when its owner signs it.
fn good() -> [(&'static str, Request); 3] {
    [
        ("ec2", Request::form(REGIONS)),
        ("sts", Request::form(IDENTITY)),
        ("s3", Request::new("GET", &format!("/{BUCKET}/{OBJECT}"), "", "")),
    ]
}

fn check(answer: &Answer, expected: (u16, &str), what: &str) {
    assert_eq!((answer.status, answer.code().as_str()), expected, "{what}: {}", answer.body);
}

/// A world, in which the good requests are good.
async fn world() -> World {
    let world = World::new().await;
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}/{OBJECT}"), "its bytes").await.status, 200);
    for (service, request) in good() {
        let answer = request.signed(&world.owner, service).send(world.address).await;
        assert_eq!(answer.status, 200, "{service}: {}", answer.body);
    }
    world
}

#[tokio::test]
async fn a_request_from_another_time_is_refused() {
    let world = world().await;
    for late in [true, false] {
        let by = Duration::from_secs(16 * 60);
        let expected = [(400, "RequestExpired"), (403, "SignatureDoesNotMatch"), (403, "RequestTimeTooSkewed")];
        for ((service, request), expected) in good().into_iter().zip(expected) {
            let now = Purpose::of(service);
            let time = if late { now.time - by } else { now.time + by };
            let answer = request.signed_for(&world.owner, &Purpose { time, ..now }).send(world.address).await;
            check(&answer, expected, service);
        }
    }
    for (service, request) in good() {
        let now = Purpose::of(service);
        let time = now.time - Duration::from_secs(14 * 60);
        let answer = request.signed_for(&world.owner, &Purpose { time, ..now }).send(world.address).await;
        assert_eq!(answer.status, 200, "{service} takes what is fourteen minutes old: {}", answer.body);
    }
}

#[tokio::test]
async fn a_signature_for_another_region_or_service_is_refused() {
    let world = world().await;
    let expected = [(401, "AuthFailure"), (403, "SignatureDoesNotMatch"), (400, "AuthorizationHeaderMalformed")];
    for ((service, request), expected) in good().into_iter().zip(expected) {
        let elsewhere = Purpose { region: "eu-west-1".to_owned(), ..Purpose::of(service) };
        check(&request.signed_for(&world.owner, &elsewhere).send(world.address).await, expected, service);
    }
    let unknown = Request::form(IDENTITY).signed(&world.owner, "quantum");
    check(&unknown.send(world.address).await, (400, "UnsupportedOperation"), "a service that is not here");
    // Meant for STS, sent to EC2: its key for the day is another.
    let sts = Request::form(REGIONS).signed(&world.owner, "sts");
    let moved = sts.header("authorization").unwrap().replace("/sts/", "/ec2/");
    check(&sts.with("authorization", &moved).send(world.address).await, (401, "AuthFailure"), "a moved signature");
}

#[tokio::test]
async fn a_token_with_a_key_that_has_none_is_refused() {
    let world = world().await;
    let expected = [(401, "AuthFailure"), (403, "InvalidClientTokenId"), (400, "InvalidToken")];
    for ((service, request), expected) in good().into_iter().zip(expected) {
        let request = request.with("x-amz-security-token", "dG9rZW4=").signed(&world.owner, service);
        check(&request.send(world.address).await, expected, service);
    }
}

#[tokio::test]
async fn what_must_be_signed_is() {
    let world = world().await;
    let expected = [(401, "AuthFailure"), (403, "SignatureDoesNotMatch"), (403, "AccessDenied")];
    for ((service, request), expected) in good().into_iter().zip(expected) {
        let added = request.clone().signed(&world.owner, service).with("x-amz-meta-added", "later");
        check(&added.send(world.address).await, expected, "a header of Amazon's");
        let mut without_host = request;
        without_host.headers.retain(|(name, _)| name != "host");
        let without_host = without_host.signed(&world.owner, service).with("host", "localhost:4566");
        check(&without_host.send(world.address).await, expected, "the host");
    }
}

#[tokio::test]
async fn what_was_changed_after_signing_is_refused() {
    let world = world().await;
    let mismatch = (403, "SignatureDoesNotMatch");
    let expected = [(401, "AuthFailure"), mismatch, (400, "XAmzContentSHA256Mismatch")];
    let path = format!("/{BUCKET}/changed");
    let requests = [
        ("ec2", Request::form(REGIONS)),
        ("sts", Request::form(IDENTITY)),
        ("s3", Request::new("PUT", &path, "", "signed")),
    ];
    let rows = world.rows();
    for ((service, request), expected) in requests.into_iter().zip(expected) {
        let mut request = request.signed(&world.owner, service);
        request.body[0] ^= 1;
        check(&request.send(world.address).await, expected, service);
    }
    let put = Request::new("PUT", &path, "", "signed").signed(&world.owner, "s3");
    for (changed, what) in [
        (Request { path: format!("/{BUCKET}/other"), ..put.clone() }, "path"),
        (Request { method: "DELETE".to_owned(), body: Vec::new(), ..put.clone() }, "method"),
        (Request { query: "x-id=PutObject".to_owned(), ..put.clone() }, "query"),
        (put.clone().with("host", "example.net"), "host"),
        (put.with("x-amz-content-sha256", "UNSIGNED-PAYLOAD"), "payload marker"),
    ] {
        check(&changed.send(world.address).await, mismatch, what);
    }
    assert!(world.rows() == rows, "something was stored");
    assert_eq!(world.blob_count().await, 1);
}

#[tokio::test]
async fn a_signature_in_the_query_is_never_taken_for_none() {
    let world = world().await;
    let path = format!("/{BUCKET}/{OBJECT}");
    let version4 = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-Date=b&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=c";
    let version2 = "AWSAccessKeyId=a&Expires=1&Signature=b";
    let malformed = (400, "AuthorizationQueryParametersError");
    for (query, expected) in [
        (version4, malformed),
        (version2, (403, "InvalidAccessKeyId")),
        ("AWSAccessKeyId=a&Signature=b", (403, "AccessDenied")),
        ("AWSAccessKeyId=a&Signature=b&Expires=soon", (403, "AccessDenied")),
        ("x-amz-signature=c", malformed),
        ("X-Amz-%53ignature=c", malformed),
    ] {
        let request = Request::new("GET", &path, query, "");
        check(&request.send(world.address).await, expected, query);
        let both = request.signed(&world.owner, "s3").send(world.address).await;
        check(&both, (400, "InvalidArgument"), "two mechanisms");
    }
    let form = Request::new("GET", "/", &format!("{REGIONS}&{version4}"), "");
    check(&form.send(world.address).await, (400, "IncompleteSignature"), "EC2");
}

#[tokio::test]
async fn claims_that_cannot_be_read_are_refused() {
    let world = world().await;
    let date = amz_date(Purpose::of("s3").time);
    let malformed = (400, "AuthorizationHeaderMalformed");
    let scope = format!("a/{}/us-east-1/s3/aws4_request", &date[..8]);
    for (value, expected) in [
        ("AWS AKIA:c2lnbmF0dXJl".to_owned(), (403, "InvalidAccessKeyId")),
        ("AWS AKIA".to_owned(), (400, "InvalidArgument")),
        ("Bearer abc".to_owned(), (400, "InvalidArgument")),
        ("AWS4-HMAC-SHA256".to_owned(), malformed),
        ("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c".to_owned(), malformed),
        (format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host"), malformed),
        (
            format!("AWS4-HMAC-SHA256 Credential={}, SignedHeaders=host, Signature=c", scope.replace("20", "19")),
            (403, "InvalidAccessKeyId"),
        ),
        (
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={}host, Signature=c", "a;".repeat(200)),
            malformed,
        ),
        (format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=c"), (403, "InvalidAccessKeyId")),
    ] {
        let request = Request::new("GET", &format!("/{BUCKET}"), "", "").with("x-amz-date", &date);
        let request = request.with("x-amz-content-sha256", "UNSIGNED-PAYLOAD").with("authorization", &value);
        check(&request.send(world.address).await, expected, &value);
    }
    let list = Request::new("GET", "/", "", "");
    let today = list.clone().signed(&world.owner, "s3");
    let moved = today.header("authorization").unwrap().replace(&date[..8], "20000101");
    check(&today.with("authorization", &moved).send(world.address).await, malformed, "a key for another day");
    let marked = list.clone().with("x-amz-content-sha256", "whatever").signed(&world.owner, "s3");
    check(&marked.send(world.address).await, (400, "InvalidArgument"), "a payload marker that says nothing");
    let mut unmarked = list.signed(&world.owner, "s3");
    unmarked.headers.retain(|(name, _)| name != "x-amz-content-sha256");
    check(&unmarked.send(world.address).await, (400, "InvalidRequest"), "no payload marker");
}

#[tokio::test]
async fn operations_that_are_not_there() {
    let world = world().await;
    for (form, expected) in [
        ("Action=DescribeUnicorns&Version=2016-11-15", (400, "InvalidAction")),
        ("Action=describeregions&Version=2016-11-15", (400, "InvalidAction")),
        ("Action=CreateFpgaImage&Version=2016-11-15", (400, "UnsupportedOperation")),
        ("Version=2016-11-15", (400, "MissingAction")),
        ("Action=&Version=2016-11-15", (400, "MissingAction")),
        ("", (400, "MissingAction")),
    ] {
        check(&Request::form(form).signed(&world.owner, "ec2").send(world.address).await, expected, form);
    }
    for (method, path, query, expected) in [
        ("PUT", format!("/{BUCKET}"), "replication", (501, "NotImplemented")),
        ("GET", format!("/{BUCKET}"), "metadataTable", (501, "NotImplemented")),
        ("DELETE", format!("/{BUCKET}"), "metadataTable", (501, "NotImplemented")),
        ("GET", format!("/{BUCKET}/{OBJECT}"), "torrent", (405, "MethodNotAllowed")),
        ("PATCH", format!("/{BUCKET}/{OBJECT}"), "", (405, "MethodNotAllowed")),
        ("GET", format!("/{BUCKET}"), "acl&policy", (400, "InvalidArgument")),
    ] {
        let answer = Request::new(method, &path, query, "").signed(&world.owner, "s3").send(world.address).await;
        check(&answer, expected, &format!("{method} {path}?{query}"));
    }
}

#[tokio::test]
async fn parameters_that_make_no_sense() {
    let world = world().await;
    for (rest, expected) in [
        ("InstanceId.1=i-1&InstanceId.1=i-2", "InvalidQueryParameter"),
        ("InstanceId.1=i-1&InstanceId.3=i-2", "InvalidQueryParameter"),
        ("InstanceId.0=i-1", "InvalidQueryParameter"),
        ("InstanceId.99999999999999999999=i-1", "InvalidQueryParameter"),
        ("MaxResults=many", "InvalidParameterValue"),
        ("Unicorn=1", "UnknownParameter"),
        ("InstanceId.1=%zz", "MalformedQueryString"),
        ("InstanceId.1=%ff", "MalformedQueryString"),
    ] {
        let form = format!("Action=DescribeInstances&Version=2016-11-15&{rest}");
        let answer = Request::form(&form).signed(&world.owner, "ec2").send(world.address).await;
        check(&answer, (400, expected), rest);
    }
}

#[tokio::test]
async fn paths_and_queries_that_cannot_be_decoded() {
    let world = world().await;
    for (path, query) in [
        (format!("/{BUCKET}/%zz"), ""),
        (format!("/{BUCKET}/%ff"), ""),
        (format!("/{BUCKET}"), "prefix=%f"),
        ("/%80".to_owned(), ""),
    ] {
        let request = Request::new("GET", &path, query, "");
        check(&request.send(world.address).await, (400, "InvalidURI"), &path);
        check(&request.signed(&world.owner, "s3").send(world.address).await, (400, "InvalidURI"), &path);
    }
}

#[tokio::test]
async fn a_bucket_may_stand_in_the_host_name() {
    let world = world().await;
    for (host, key) in
        [(format!("{BUCKET}.localhost:4566"), "one"), (format!("{BUCKET}.s3.us-east-1.example.net"), "_welkin/health")]
    {
        let put = Request::new("PUT", &format!("/{key}"), "", "by host").with("host", &host);
        assert_eq!(put.signed(&world.owner, "s3").send(world.address).await.status, 200, "{host}");
        let read = world.s3("GET", &format!("/{BUCKET}/{key}"), "").await;
        assert_eq!((read.status, read.body.as_str()), (200, "by host"));
        let read = Request::new("GET", &format!("/{key}"), "", "").with("host", &host);
        assert_eq!(read.clone().signed(&world.owner, "s3").send(world.address).await.body, "by host");
        check(&read.send(world.address).await, (403, "AccessDenied"), "unsigned");
    }
    let list = Request::new("GET", "/", "list-type=2", "").with("host", &format!("{BUCKET}.localhost"));
    let list = list.signed(&world.owner, "s3").send(world.address).await;
    assert_eq!(list.element("KeyCount"), Some("3"), "{}", list.body);
}
