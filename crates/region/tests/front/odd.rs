//! Heads that are odd: each is answered as AWS does, or closed, and nothing in them becomes a request of its own.

use crate::client::{Answer, Connection, Key, Request};
use crate::fixture::{BUCKET, OBJECT, World};

async fn exchange(world: &World, bytes: &[u8], method: &str) -> Option<Answer> {
    let mut connection = Connection::open(world.address).await;
    connection.write(bytes).await;
    connection.answer(method).await
}

async fn world() -> World {
    let world = World::new().await;
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}/{OBJECT}"), "its bytes").await.status, 200);
    world
}

/// A good request of each family, from its request line to its body.
fn good(key: &Key) -> [(&'static str, Request); 3] {
    [
        ("ec2", Request::form("Action=DescribeRegions&Version=2016-11-15").signed(key, "ec2")),
        ("sts", Request::form("Action=GetCallerIdentity&Version=2011-06-15").signed(key, "sts")),
        ("s3", Request::new("GET", &format!("/{BUCKET}/{OBJECT}"), "", "").signed(key, "s3")),
    ]
}

#[tokio::test]
async fn heads_that_mean_two_things_are_refused() {
    let world = world().await;
    for (service, request) in good(&world.owner) {
        let code = if service == "s3" { "BadRequest" } else { "MalformedHttpRequestException" };
        let two = if service == "s3" { "InvalidArgument" } else { "IncompleteSignature" };
        let text = String::from_utf8(request.bytes()).unwrap();
        let authorization = format!("authorization: {}\r\n", request.header("authorization").unwrap());
        let host = "host: localhost:4566\r\n";
        for (odd, expected) in [
            (text.replacen(host, &format!("{host}host: example.net\r\n"), 1), code),
            (text.replacen(host, &format!("{host}{host}"), 1), code),
            (text.replacen(host, "", 1), code),
            (text.replacen(" /", " http://example.net/", 1), code),
            (text.replacen(host, &format!("{host}{authorization}"), 1), two),
        ] {
            let answer = exchange(&world, odd.as_bytes(), &request.method).await.expect("an answer");
            assert_eq!((answer.status, answer.code().as_str()), (400, expected), "{service}: {odd}");
        }
        let absolute = text.replacen(" /", " http://localhost:4566/", 1);
        let answer = exchange(&world, absolute.as_bytes(), &request.method).await.expect("an answer");
        assert_eq!(answer.status, 200, "{service}, as a proxy is asked: {}", answer.body);
    }
}

/// Whatever of these the server believes, the request inside must not be answered.
#[tokio::test]
async fn nothing_is_smuggled() {
    let world = world().await;
    let path = format!("/{BUCKET}/smuggled");
    let put = Request::new("PUT", &path, "", "").signed(&world.owner, "s3");
    let inner = String::from_utf8(put.bytes()).unwrap();
    let outer = Request::form("Action=DescribeRegions&Version=2016-11-15").signed(&world.owner, "ec2");
    let head = outer.head();
    let body = String::from_utf8(outer.body.clone()).unwrap();
    let framed = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let all = framed.len() + inner.len();
    for odd in [
        format!("{head}content-length: {all}\r\ntransfer-encoding: chunked\r\n\r\n{framed}{inner}"),
        format!("{head}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n{framed}{inner}"),
        format!("{head}transfer-encoding: identity, chunked\r\ncontent-length: 0\r\n\r\n{inner}"),
        format!("{head}transfer-encoding : chunked\r\ncontent-length: 0\r\n\r\n{inner}"),
        format!("{head}transfer-encoding: xchunked\r\ncontent-length: 0\r\n\r\n{inner}"),
        format!("{head}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n{framed}{inner}"),
        format!("{head}transfer-encoding:\x0bchunked\r\ncontent-length: 0\r\n\r\n{inner}"),
        format!("{head}content-length: 0\r\ncontent-length: {all}\r\n\r\n{inner}"),
        format!("{head}content-length: 0, {all}\r\n\r\n{inner}"),
        format!("{head}content-length: +0\r\n\r\n{inner}"),
        format!("{head}x-odd: a\r\n\tcontent-length: 0\r\n\r\n{inner}"),
        format!("{head}x-odd: a\rtransfer-encoding: chunked\r\n\r\n{inner}"),
        format!("{head}transfer-encoding: chunked\r\n\r\n0\r\n\r\n{inner}").replace("HTTP/1.1", "HTTP/1.0"),
        format!("{head}transfer-encoding: chunked\r\n\r\n1;a=\nX\r\n0\r\n\r\n{inner}"),
        format!("{head}transfer-encoding: chunked\r\n\r\n5 \r\nAct\r\n0\r\n\r\n{inner}"),
    ] {
        let mut connection = Connection::open(world.address).await;
        connection.write(odd.as_bytes()).await;
        connection.end().await;
        while let Some(answer) = connection.answer("POST").await {
            assert!(answer.status < 500, "{odd}: {}", answer.body);
        }
        // Where two framings agree that the body is over, what follows is a request by right.
        let smuggled = world.s3("HEAD", &path, "").await.status;
        let is_by_right =
            odd.contains("\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n") || odd.contains("5 \r\nAct");
        assert!(smuggled == 404 || is_by_right, "{odd}");
        world.s3("DELETE", &path, "").await;
    }
}

#[tokio::test]
async fn methods_and_targets_that_are_odd() {
    let world = world().await;
    for (line, status) in [
        ("CONNECT example.net:443 HTTP/1.1", 405),
        ("OPTIONS * HTTP/1.1", 400),
        ("BREW /pot HTTP/1.1", 400),
        ("TRACE / HTTP/1.1", 400),
        ("GET http://localhost HTTP/1.1", 403),
        ("GET /\0 HTTP/1.1", 400),
        ("GET /a b HTTP/1.1", 400),
        ("GET /a HTTP/1.1 ", 400),
        ("GET /\x7f HTTP/1.1", 400),
        ("get / HTTP/1.1", 400),
    ] {
        let answer = exchange(&world, format!("{line}\r\nhost: localhost\r\n\r\n").as_bytes(), "GET").await;
        assert_eq!(answer.map(|answer| answer.status), Some(status), "{line}");
    }
}

/// Keys are opaque: whatever they look like to a file system or to C, they name what was put there and nothing else.
#[tokio::test]
async fn keys_that_look_odd_are_just_keys() {
    let world = world().await;
    let keys = [
        "%00",
        "a%00b",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/x",
        "../../x",
        "//",
        "/",
        "%0d%0aset-cookie:%20a",
        "a%2Fb",
        "%E2%80%AE",
        "+",
        "%25%30%30",
    ];
    for key in keys {
        let path = format!("/{BUCKET}/{key}");
        let put = world.s3("PUT", &path, key).await;
        assert!(put.status == 200 || put.status == 400, "{key}: {} {}", put.status, put.body);
        assert_eq!(put.header("set-cookie"), None, "{key}");
        if put.status == 200 {
            assert_eq!(world.s3("GET", &path, "").await.body, key);
            assert_eq!(world.s3("DELETE", &path, "").await.status, 204, "{key}");
        }
        assert_eq!(world.s3("GET", &format!("/{BUCKET}/{OBJECT}"), "").await.body, "its bytes", "after {key}");
    }
}

#[tokio::test]
async fn s3_takes_no_more_headers_than_s3() {
    let world = world().await;
    let get = |length: usize| {
        let request = Request::new("GET", &format!("/{BUCKET}/{OBJECT}"), "", "").with("x-long", &"a".repeat(length));
        request.signed(&world.owner, "s3")
    };
    assert_eq!(get(7000).send(world.address).await.status, 200);
    let answer = get(9000).send(world.address).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "RequestHeaderSectionTooLarge"));
    let form = Request::form("Action=DescribeRegions&Version=2016-11-15").with("x-long", &"a".repeat(9000));
    assert_eq!(form.signed(&world.owner, "ec2").send(world.address).await.status, 200, "EC2 takes more");
}

#[tokio::test]
async fn who_signs_nothing_is_refused_in_the_words_of_the_service_that_was_meant() {
    let world = World::new().await;
    for (request, is_ec2) in [
        (Request::form("Action=DescribeRegions&Version=2016-11-15"), true),
        (Request::form("Action=GetCallerIdentity&Version=2011-06-15"), false),
        (Request::form("Action=GetCallerIdentity"), false),
        (Request::new("GET", "/", "Action=GetCallerIdentity&Version=2011-06-15", ""), false),
        (Request::form("").with("host", "sts.us-east-1.example.net"), false),
        (Request::form("").with("host", "ec2.us-east-1.example.net"), true),
        (Request::form("%zz"), true),
    ] {
        let answer = request.send(world.address).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "MissingAuthenticationToken"), "{}", answer.body);
        assert_eq!(answer.body.contains("<Response><Errors>"), is_ec2, "{request:?}: {}", answer.body);
        assert_eq!(answer.body.contains("<ErrorResponse"), !is_ec2, "{request:?}: {}", answer.body);
    }
}
