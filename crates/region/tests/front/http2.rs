//! HTTP/2: the same services, the same signatures, the same refusals as over HTTP/1.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use region::Limits;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::client::{Answer, PATIENCE, Request};
use crate::fixture::{BUCKET, OBJECT, World};

type Body = BoxBody<Bytes, std::io::Error>;

/// A connection of HTTP/2.
pub struct H2 {
    sender: http2::SendRequest<Body>,
    /// Ends when the connection does.
    pub connection: JoinHandle<()>,
}

/// A body that is held already.
pub fn held(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}

/// A body that comes piece by piece.
pub fn slow() -> (mpsc::UnboundedSender<Bytes>, Body) {
    let (sender, mut receiver) = mpsc::unbounded_channel::<Bytes>();
    let pieces = futures_util::stream::poll_fn(move |cx| {
        receiver.poll_recv(cx).map(|piece| piece.map(|it| Ok(Frame::data(it))))
    });
    (sender, BodyExt::boxed(StreamBody::new(pieces)))
}

impl H2 {
    /// One that both sides know of beforehand.
    pub async fn open(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap()).await
    }

    /// One over any transport.
    pub async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let shaken = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (sender, connection) = tokio::time::timeout(PATIENCE, shaken).await.unwrap().unwrap();
        Self { sender, connection: tokio::spawn(async move { drop(connection.await) }) }
    }

    pub async fn send(&mut self, request: &Request) -> Answer {
        self.send_with(request, held(request.body.clone())).await.expect("an answer")
    }

    /// Sends the head of a request with another body.
    pub async fn send_with(&mut self, request: &Request, body: Body) -> Result<Answer, hyper::Error> {
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        let host = request.header("host").expect("a host");
        let mut built =
            http::Request::builder().method(&*request.method).uri(format!("http://{host}{}{query}", request.path));
        for (name, value) in request.headers.iter().filter(|(name, _)| name != "host") {
            built = built.header(name, value);
        }
        let sent = self.sender.send_request(built.body(body).unwrap());
        let answer = tokio::time::timeout(PATIENCE, sent).await.expect("an answer in time")?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.to_str().expect("a text").to_owned()));
        let headers = headers.collect();
        let body = tokio::time::timeout(PATIENCE, answer.into_body().collect()).await.expect("a body in time")?;
        Ok(Answer { status, headers, body: String::from_utf8_lossy(&body.to_bytes()).into_owned() })
    }

    /// Waits until the other side has ended the connection.
    pub async fn told_to_go(self) {
        tokio::time::timeout(PATIENCE, self.connection).await.expect("the connection ends").unwrap();
        drop(self.sender);
    }

    /// Ends the connection.
    pub async fn end(self) {
        drop(self.sender);
        tokio::time::timeout(PATIENCE, self.connection).await.expect("the connection ends").unwrap();
    }
}

#[tokio::test]
async fn signed_calls_of_all_services_are_answered() {
    let world = World::new().await;
    let mut h2 = H2::open(world.address).await;
    let regions = Request::form("Action=DescribeRegions&Version=2016-11-15").signed(&world.owner, "ec2");
    assert_eq!(h2.send(&regions).await.element("regionName"), Some("us-east-1"));
    let me = Request::form("Action=GetCallerIdentity&Version=2011-06-15").signed(&world.owner, "sts");
    assert_eq!(h2.send(&me).await.status, 200);
    let s3 = |method: &str, path: &str, body: &str| Request::new(method, path, "", body).signed(&world.owner, "s3");
    assert_eq!(h2.send(&s3("PUT", &format!("/{BUCKET}"), "")).await.status, 200);
    let path = format!("/{BUCKET}/{OBJECT}");
    let large = "0123456789abcdef".repeat(64 * 1024);
    let put = s3("PUT", &path, &large);
    let length = put.body.len().to_string();
    assert_eq!(h2.send(&put.with("content-length", &length)).await.status, 200);
    let got = h2.send(&s3("GET", &path, "")).await;
    assert_eq!(got.header("content-length"), Some(&*length));
    assert!(got.body == large, "another body");
    let head = h2.send(&s3("HEAD", &path, "")).await;
    assert_eq!((head.status, head.header("content-length"), &*head.body), (200, Some(&*length), ""));
    let styled =
        Request::new("GET", &format!("/{OBJECT}"), "", "").with("host", &format!("{BUCKET}.s3.localhost:4566"));
    assert!(h2.send(&styled.signed(&world.owner, "s3")).await.body == large, "the host is in :authority");
}

#[tokio::test]
async fn forged_calls_are_refused_as_over_http1() {
    let world = World::new().await;
    let mut h2 = H2::open(world.address).await;
    let signed = Request::form("Action=DescribeRegions&Version=2016-11-15").signed(&world.owner, "ec2");
    let forged = signed.clone().with("host", "elsewhere:4566");
    assert_eq!(h2.send(&forged).await.code(), "AuthFailure");
    let path = format!("/{BUCKET}");
    assert_eq!(h2.send(&Request::new("PUT", &path, "", "")).await.code(), "AccessDenied");
    assert_eq!(h2.send(&signed).await.status, 200, "the connection goes on");
}

#[tokio::test]
async fn a_body_of_unannounced_length_is_for_those_who_hold_it_whole() {
    let world = World::new().await;
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    let mut h2 = H2::open(world.address).await;
    let path = format!("/{BUCKET}/{OBJECT}");
    let put = Request::new("PUT", &path, "", "0123456789").signed(&world.owner, "s3");
    let (sender, body) = slow();
    sender.send(Bytes::from_static(b"0123456789")).unwrap();
    drop(sender);
    // HTTP/1 has a header for it, which S3 refuses by its name; here there is none to name.
    assert_eq!(h2.send_with(&put, body).await.unwrap().code(), "MissingContentLength");
    let form = Request::form("Action=DescribeRegions&Version=2016-11-15").signed(&world.owner, "ec2");
    let (sender, body) = slow();
    sender.send(form.body.clone().into()).unwrap();
    drop(sender);
    assert_eq!(h2.send_with(&form, body).await.unwrap().status, 200);
}

#[tokio::test]
async fn many_requests_share_a_connection() {
    let world = World::new().await;
    let h2 = H2::open(world.address).await;
    let sender = h2.sender.clone();
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..300 {
        let form = Request::form("Action=DescribeRegions&Version=2016-11-15").signed(&world.owner, "ec2");
        let mut h2 = H2 { sender: sender.clone(), connection: tokio::spawn(async {}) };
        asked.spawn(async move { h2.send(&form).await.status });
    }
    while let Some(status) = asked.join_next().await {
        assert_eq!(status.unwrap(), 200);
    }
}

#[tokio::test]
async fn headers_have_bounds_too() {
    let world = World::with_limits(Limits { header_bytes: 16 * 1024, ..Limits::default() }).await;
    let mut h2 = H2::open(world.address).await;
    let mut many = Request::new("GET", "/", "", "");
    many.headers.extend((0..150).map(|number| (format!("x-many-{number}"), "1".to_owned())));
    assert_eq!(h2.send(&many).await.status, 431);
    let long = Request::new("GET", "/", "", "").with("x-long", &"a".repeat(64 * 1024));
    let answer = h2.send_with(&long, held("")).await;
    assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status == 431));
    let mut h2 = H2::open(world.address).await;
    assert_eq!(h2.send(&Request::new("GET", "/_welkin/health", "", "")).await.status, 200);
}

#[tokio::test]
async fn a_stop_lets_open_streams_end() {
    let world = World::new().await;
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    let mut h2 = H2::open(world.address).await;
    let put = Request::new("PUT", &format!("/{BUCKET}/{OBJECT}"), "", "0123456789").signed(&world.owner, "s3");
    let (sender, body) = slow();
    sender.send(Bytes::from_static(b"01234")).unwrap();
    let stop = async {
        // The blob's folder is where the first half of the body is seen to have come.
        let is_shut = async {
            world.stop();
            while TcpStream::connect(world.address).await.is_ok() {}
        };
        tokio::time::timeout(PATIENCE, is_shut).await.expect("new connections are refused");
        sender.send(Bytes::from_static(b"56789")).unwrap();
        drop(sender);
    };
    let put = put.with("content-length", "10");
    let health = h2.send(&Request::new("GET", "/_welkin/health", "", "")).await;
    assert_eq!(health.status, 200);
    let (answer, ()) = tokio::join!(h2.send_with(&put, body), stop);
    assert_eq!(answer.unwrap().status, 200);
    h2.told_to_go().await;
    assert_eq!(world.blob_count().await, 1);
    world.stopped().await;
}
