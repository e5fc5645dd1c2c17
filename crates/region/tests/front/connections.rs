//! Hostile and odd connections: each is answered or closed within its bounds, and hurts no other.

use std::time::Duration;

use region::Limits;
use tokio::net::TcpStream;

use crate::client::{Connection, Key, PATIENCE, Request};
use crate::fixture::{BUCKET, OBJECT, World};

const HEALTH: &[u8] = b"GET /_welkin/health HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Sends bytes on a connection of their own; the status of what comes, or none if the server only closes.
async fn status(world: &World, bytes: &[u8]) -> Option<u16> {
    let mut connection = Connection::open(world.address).await;
    connection.write(bytes).await;
    connection.answer("GET").await.map(|answer| answer.status)
}

async fn is_well(world: &World) -> bool {
    status(world, HEALTH).await == Some(200)
}

fn small() -> Limits {
    let short = Duration::from_millis(500);
    Limits {
        header_bytes: 16 * 1024,
        body_bytes: 4096,
        unsigned_body_bytes: 1024,
        held_wait: short,
        header_time: short,
        body_time: short,
        idle_time: short,
        ..Limits::default()
    }
}

#[tokio::test]
async fn headers_have_bounds() {
    let world = World::with_limits(small()).await;
    let long = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx-long: {}\r\n\r\n", "a".repeat(64 * 1024));
    let many = format!("GET / HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "x-many: 1\r\n".repeat(200));
    let path = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "a".repeat(64 * 1024));
    assert_eq!(status(&world, long.as_bytes()).await, Some(431));
    assert_eq!(status(&world, many.as_bytes()).await, Some(431));
    assert!(matches!(status(&world, path.as_bytes()).await, Some(414 | 431)));
    assert!(is_well(&world).await);
}

#[tokio::test]
async fn headers_that_never_end_are_not_waited_for() {
    let world = World::with_limits(small()).await;
    for start in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: local"] {
        let mut connection = Connection::open(world.address).await;
        connection.write(start.as_bytes()).await;
        let answer = connection.answer("GET").await;
        assert!(answer.is_none_or(|answer| answer.status == 408), "{start:?}");
    }
    assert!(is_well(&world).await);
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let world = World::with_limits(small()).await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"SSH-2.0-OpenSSH_10.0\r\n\r\n",
        b"GET  / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nname : space\r\n\r\n",
        b"PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n",
    ] {
        let status = status(&world, bytes).await;
        assert!(status.is_none_or(|status| (400..500).contains(&status)), "{status:?} {}", bytes.escape_ascii());
    }
    assert!(is_well(&world).await);
}

#[tokio::test]
async fn held_bodies_have_bounds() {
    let world = World::with_limits(small()).await;
    let form = Request::form("").signed(&world.owner, "ec2");
    let announced = format!("{}content-length: 5000\r\n\r\n", form.head());
    assert_eq!(status(&world, announced.as_bytes()).await, Some(413), "it need not even be sent");
    let chunks = format!(
        "{}transfer-encoding: chunked\r\n\r\n{}",
        form.head(),
        "400\r\n".to_owned() + &"a".repeat(1024) + "\r\n"
    );
    let chunks = chunks + &("400\r\n".to_owned() + &"a".repeat(1024) + "\r\n").repeat(4);
    assert_eq!(status(&world, chunks.as_bytes()).await, Some(413));
    let slow = format!("{}content-length: 10\r\n\r\nActio", form.head());
    assert_eq!(status(&world, slow.as_bytes()).await, Some(400), "half a body is not waited for");
    for bad in ["zz\r\nabc\r\n0\r\n\r\n", "5\r\nabcdefgh\r\n0\r\n\r\n", "ffffffffffffffffff\r\n"] {
        let bytes = format!("{}transfer-encoding: chunked\r\n\r\n{bad}", form.head());
        assert_eq!(status(&world, bytes.as_bytes()).await, Some(400), "{bad:?}");
    }
    assert!(is_well(&world).await);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused_and_nothing_is_kept() {
    let world = World::with_limits(small()).await;
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    let rows = world.rows();
    let put = Request::new("PUT", &format!("/{BUCKET}/{OBJECT}"), "", "0123456789").signed(&world.owner, "s3");
    let half = format!("{}content-length: 10\r\n\r\n01234", put.head());
    let mut slow = Connection::open(world.address).await;
    slow.write(half.as_bytes()).await;
    assert_eq!(slow.answer("PUT").await.expect("an answer").code(), "RequestTimeout");
    let mut cut = Connection::open(world.address).await;
    cut.write(half.as_bytes()).await;
    cut.end().await;
    let answer = cut.answer("PUT").await;
    assert!(answer.is_none_or(|answer| answer.code() == "IncompleteBody"));
    let form = Request::form("Action=DescribeRegions").signed(&world.owner, "ec2");
    let mut cut = Connection::open(world.address).await;
    cut.write(format!("{}content-length: 100\r\n\r\nAction", form.head()).as_bytes()).await;
    cut.end().await;
    assert!(cut.answer("POST").await.is_none_or(|answer| answer.code() == "IncompleteBody"));
    for (length, body, expected) in [
        ("transfer-encoding: chunked\r\n", "a\r\n0123456789\r\n0\r\n\r\n", "NotImplemented"),
        ("", "", "MissingContentLength"),
    ] {
        let mut unmeasured = Connection::open(world.address).await;
        unmeasured.write(format!("{}{length}\r\n{body}", put.head()).as_bytes()).await;
        assert_eq!(unmeasured.answer("PUT").await.expect("an answer").code(), expected);
    }
    assert!(is_well(&world).await);
    assert!(world.rows() == rows, "the store changed");
    assert_eq!(world.blob_count().await, 0);
}

/// A length and chunks at once: whichever the server believes, the rest must not become a request of its own.
#[tokio::test]
async fn no_request_is_smuggled_in_a_body() {
    let world = World::new().await;
    let form = Request::form("0\r\n\r\n").signed(&world.owner, "ec2");
    let bytes = format!(
        "{}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /_welkin/health HTTP/1.1\r\nhost: a\r\n\r\n",
        form.head()
    );
    let mut connection = Connection::open(world.address).await;
    connection.write(bytes.as_bytes()).await;
    let first = connection.answer("POST").await.expect("an answer");
    assert!(first.status >= 400, "{} {}", first.status, first.body);
    assert!(is_well(&world).await);
}

#[tokio::test]
async fn old_http_is_answered_and_closed() {
    let world = World::new().await;
    let mut connection = Connection::open(world.address).await;
    connection.write(b"GET /_welkin/health HTTP/1.0\r\n\r\n").await;
    assert_eq!(connection.answer("GET").await.expect("an answer").status, 200);
    assert!(connection.is_closed().await);
    assert_eq!(status(&world, b"GET / HTTP/1.0\r\n\r\n").await, Some(403), "S3 without a signature");
}

#[tokio::test]
async fn a_body_is_asked_for_only_when_it_is_wanted() {
    let world = World::new().await;
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    let put = |path: &str| {
        let put = Request::new("PUT", path, "", "0123456789").with("expect", "100-continue");
        let signed = put.signed(&world.owner, "s3");
        format!("{}content-length: 10\r\n\r\n", signed.head())
    };
    let mut connection = Connection::open(world.address).await;
    connection.write(put(&format!("/{BUCKET}/{OBJECT}")).as_bytes()).await;
    assert_eq!(connection.answer("PUT").await.expect("an answer").status, 100);
    connection.write(b"0123456789").await;
    assert_eq!(connection.answer("PUT").await.expect("an answer").status, 200);
    let mut refused = Connection::open(world.address).await;
    refused.write(put("/no-such-bucket/key").as_bytes()).await;
    let answer = refused.answer("PUT").await.expect("an answer");
    assert_eq!((answer.code().as_str(), answer.header("connection")), ("NoSuchBucket", Some("close")));
    let mut forged = Connection::open(world.address).await;
    forged.write(put(&format!("/{BUCKET}/{OBJECT}")).replace("Signature=", "Signature=0").as_bytes()).await;
    assert_eq!(forged.answer("PUT").await.expect("an answer").code(), "SignatureDoesNotMatch");
}

#[tokio::test]
async fn who_has_no_key_is_answered_before_the_body() {
    let world = World::with_limits(small()).await;
    let unknown = Key { id: "AKIANOBODYHASTHISKEY".to_owned(), secret: "secret".to_owned() };
    let form = Request::form("Action=DescribeRegions");
    for form in [form.clone(), form.signed(&unknown, "ec2")] {
        let mut connection = Connection::open(world.address).await;
        connection.write(format!("{}content-length: 4000\r\n\r\n", form.head()).as_bytes()).await;
        let answer = connection.answer("POST").await.expect("an answer");
        assert!(["MissingAuthenticationToken", "AuthFailure"].contains(&answer.code().as_str()), "{}", answer.body);
    }
    // S3 takes some unsigned requests, but holds little for them.
    let delete = Request::new("POST", &format!("/{BUCKET}"), "delete", "");
    for (length, expected) in
        [("content-length: 2000", "MaxMessageLengthExceeded"), ("content-length: 500", "InvalidRequest")]
    {
        let mut connection = Connection::open(world.address).await;
        connection.write(format!("{}{length}\r\n\r\n{}", delete.head(), "a".repeat(500)).as_bytes()).await;
        assert_eq!(connection.answer("POST").await.expect("an answer").code(), expected);
    }
}

#[tokio::test]
async fn an_answer_that_nobody_reads_does_not_hold_its_place() {
    let world = World::with_limits(Limits { connections: 1, idle_time: small().idle_time, ..Limits::default() }).await;
    let path = format!("/{BUCKET}/{OBJECT}");
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    // More than the kernel takes off our hands.
    assert_eq!(world.s3("PUT", &path, &"a".repeat(32 << 20)).await.status, 200);
    let mut deaf = Connection::open(world.address).await;
    deaf.write(&Request::new("GET", &path, "", "").signed(&world.owner, "s3").bytes()).await;
    assert!(is_well(&world).await, "the only place is free again");
    drop(deaf);
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_a_row() {
    let world = World::new().await;
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}/{OBJECT}"), "its bytes").await.status, 200);
    let sign = |method: &str, path: String| Request::new(method, &path, "", "").signed(&world.owner, "s3").bytes();
    let mut bytes = sign("HEAD", format!("/{BUCKET}/{OBJECT}"));
    bytes.extend(sign("HEAD", format!("/{BUCKET}/missing")));
    bytes.extend(Request::form("Action=DescribeRegions&Version=2016-11-15").signed(&world.owner, "ec2").bytes());
    bytes.extend_from_slice(HEALTH);
    bytes.extend(sign("GET", format!("/{BUCKET}/{OBJECT}")));
    let mut connection = Connection::open(world.address).await;
    connection.write(&bytes).await;
    connection.end().await;
    let head = connection.answer("HEAD").await.expect("an answer");
    assert_eq!((head.status, head.header("content-length")), (200, Some("9")));
    assert_eq!(connection.answer("HEAD").await.expect("an answer").status, 404);
    let regions = connection.answer("POST").await.expect("an answer");
    assert_eq!(regions.element("regionName"), Some("us-east-1"), "{}", regions.body);
    assert!(connection.answer("GET").await.expect("an answer").body.contains("\"status\":\"ok\""));
    assert_eq!(connection.answer("GET").await.expect("an answer").body, "its bytes");
    assert!(connection.is_closed().await, "whoever says no more is not waited for");
}

/// Whoever asks much and reads late is served as far as they read, and costs no more than that.
#[tokio::test]
async fn a_thousand_requests_in_a_row_are_answered_as_they_are_read() {
    let world = World::new().await;
    let mut connection = Connection::open(world.address).await;
    for _ in 0..10 {
        connection.write(&HEALTH.repeat(100)).await;
    }
    connection.end().await;
    for number in 0..1000 {
        assert_eq!(connection.answer("GET").await.map(|answer| answer.status), Some(200), "answer {number}");
    }
    assert!(connection.is_closed().await);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let world = World::with_limits(Limits { connections: 1, ..Limits::default() }).await;
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    let put = Request::new("PUT", &format!("/{BUCKET}/{OBJECT}"), "", "0123456789").with("expect", "100-continue");
    let put = put.signed(&world.owner, "s3");
    let mut busy = Connection::open(world.address).await;
    busy.write(format!("{}content-length: 10\r\n\r\n", put.head()).as_bytes()).await;
    assert_eq!(busy.answer("PUT").await.expect("an answer").status, 100);
    let mut second = Connection::open(world.address).await;
    second.write(HEALTH).await;
    assert!(!second.has_more(Duration::from_millis(300)).await, "there is one place, and it is taken");
    busy.write(b"0123456789").await;
    assert_eq!(busy.answer("PUT").await.expect("an answer").status, 200);
    assert_eq!(second.answer("GET").await.expect("an answer").status, 200, "an idle one makes place");
    assert!(busy.is_closed().await);
}

/// Whether idle connections have never said anything, have stopped within a request, or have been answered.
#[tokio::test]
async fn idle_connections_make_place_for_new_ones() {
    let world = World::with_limits(Limits { connections: 100, ..Limits::default() }).await;
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    let put = Request::new("PUT", &format!("/{BUCKET}/{OBJECT}"), "", "0123456789").with("expect", "100-continue");
    let put = put.signed(&world.owner, "s3");
    let mut busy = Connection::open(world.address).await;
    busy.write(format!("{}content-length: 10\r\n\r\n", put.head()).as_bytes()).await;
    assert_eq!(busy.answer("PUT").await.expect("an answer").status, 100);
    let mut idle = Vec::new();
    for number in 0..300 {
        let mut connection = Connection::open(world.address).await;
        match number % 3 {
            0 => connection.write(b"GET / HTTP/1.1\r\nhost: loc").await,
            1 => {
                connection.write(HEALTH).await;
                assert_eq!(connection.answer("GET").await.expect("an answer").status, 200, "connection {number}");
            }
            _ => connection.end().await,
        }
        idle.push(connection);
    }
    assert!(is_well(&world).await);
    assert!(idle[1].is_closed().await, "the first has left");
    let last = idle.iter_mut().nth_back(1).unwrap();
    last.write(HEALTH).await;
    assert_eq!(last.answer("GET").await.expect("an answer").status, 200, "the last has not");
    busy.write(b"0123456789").await;
    assert_eq!(busy.answer("PUT").await.expect("an answer").status, 200, "the busy one never leaves");
}

#[tokio::test]
async fn one_address_has_a_share_of_the_connections() {
    let world = World::with_limits(Limits { connections_per_source: 2, ..Limits::default() }).await;
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    let put = Request::new("PUT", &format!("/{BUCKET}/{OBJECT}"), "", "0123456789").with("expect", "100-continue");
    let head = format!("{}content-length: 10\r\n\r\n", put.signed(&world.owner, "s3").head());
    let mut busy = Vec::new();
    for _ in 0..2 {
        let mut connection = Connection::open(world.address).await;
        connection.write(head.as_bytes()).await;
        assert_eq!(connection.answer("PUT").await.expect("an answer").status, 100);
        busy.push(connection);
    }
    assert!(Connection::open(world.address).await.is_closed().await, "a third is one too many");
    busy.truncate(1);
    let is_free = async { while !is_answered(&world).await {} };
    tokio::time::timeout(PATIENCE, is_free).await.expect("its place is free again");
}

async fn is_answered(world: &World) -> bool {
    let mut connection = Connection::open(world.address).await;
    connection.write(HEALTH).await;
    connection.answer("GET").await.is_some()
}

#[tokio::test]
async fn a_stop_lets_open_requests_end_and_takes_no_new_ones() {
    let world = World::new().await;
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    let put = Request::new("PUT", &format!("/{BUCKET}/{OBJECT}"), "", "0123456789").with("expect", "100-continue");
    let put = put.signed(&world.owner, "s3");
    let mut open = Connection::open(world.address).await;
    open.write(format!("{}content-length: 10\r\n\r\n", put.head()).as_bytes()).await;
    assert_eq!(open.answer("PUT").await.expect("an answer").status, 100);
    let mut idle = Connection::open(world.address).await;
    idle.write(HEALTH).await;
    assert_eq!(idle.answer("GET").await.expect("an answer").status, 200);
    world.stop();
    assert!(idle.is_closed().await, "an idle connection ends");
    let is_shut = async { while TcpStream::connect(world.address).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, is_shut).await.expect("new connections are refused");
    open.write(b"0123456789").await;
    let answer = open.answer("PUT").await.expect("an answer");
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert_eq!(world.blob_count().await, 1);
    world.stopped().await;
}
