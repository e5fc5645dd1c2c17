//! TLS: both versions, both of HTTP, certificates of every kind, and peers that do not speak it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use edge::{Credentials, Edge, Mount, Phase, Server};
use iam::Credential;
use rcgen::{CertificateParams, KeyPair};
use region::{Limits, Tls, TlsError};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wire::ServiceError;

use crate::client::{Connection, PATIENCE, Request};
use crate::fixture::World;
use crate::http2::H2;

const HEALTH: &[u8] = b"GET /_welkin/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// A certificate for localhost, and its key.
struct Pair {
    chain: String,
    key: String,
}

impl Pair {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        Self { chain: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
    }

    fn tls(&self) -> Tls {
        Tls::new(self.chain.as_bytes(), self.key.as_bytes()).unwrap()
    }

    /// A connection of a client who trusts this certificate alone.
    async fn connect(
        &self,
        address: SocketAddr,
        version: &'static SupportedProtocolVersion,
        protocols: &[&[u8]],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.chain.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let stream = TcpStream::connect(address).await.unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let shaken = connector.connect(ServerName::try_from("localhost").unwrap(), stream);
        tokio::time::timeout(PATIENCE, shaken).await.expect("in time")
    }
}

async fn world(tls: Tls, is_plain_allowed: bool) -> World {
    let short = Duration::from_millis(500);
    let limits = Limits { handshake_time: short, header_time: short, connections: 1, ..Limits::default() };
    World::behind(limits, |server| server.with_tls(tls, is_plain_allowed)).await
}

#[tokio::test]
async fn both_versions_of_tls_carry_both_of_http() {
    let pair = Pair::new();
    let world = world(pair.tls(), false).await;
    for version in [&version::TLS12, &version::TLS13] {
        for protocols in [&[&b"http/1.1"[..]][..], &[]] {
            let mut stream = pair.connect(world.address, version, protocols).await.unwrap();
            stream.write_all(HEALTH).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"ok\""), "{answer}");
        }
        let stream = pair.connect(world.address, version, &[b"h2", b"http/1.1"]).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let mut h2 = H2::over(stream).await;
        let form = Request::form("Action=DescribeRegions&Version=2016-11-15").signed(&world.owner, "ec2");
        assert_eq!(h2.send(&form).await.element("regionName"), Some("us-east-1"));
        h2.end().await;
    }
}

#[tokio::test]
async fn plain_http_is_told_to_use_tls_or_answered_if_that_is_wanted() {
    let pair = Pair::new();
    let ask = async |world: &World| {
        let mut connection = Connection::open(world.address).await;
        connection.write(HEALTH).await;
        connection.answer("GET").await.expect("an answer")
    };
    let strict = world(pair.tls(), false).await;
    let refused = ask(&strict).await;
    assert_eq!(refused.status, 400);
    assert!(refused.element("Message").is_some_and(|text| text.contains("https")), "{}", refused.body);
    let mut h2 = H2::open(strict.address).await;
    assert_eq!(h2.send(&Request::new("GET", "/_welkin/health", "", "")).await.status, 400);
    drop(h2);
    let lenient = world(pair.tls(), true).await;
    assert_eq!(ask(&lenient).await.status, 200);
    pair.connect(lenient.address, &version::TLS13, &[]).await.unwrap();
}

struct Nobody;

impl Credentials for Nobody {
    fn find(&self, _access_key: &str) -> Result<Option<Arc<Credential>>, String> {
        Ok(None)
    }
}

/// What policies know as `aws:SecureTransport`.
#[tokio::test]
async fn a_call_is_secure_only_if_its_socket_is() {
    let pair = Pair::new();
    let (told, mut heard) = mpsc::unbounded_channel();
    let mount = Mount::new(&api::s3::SERVICE, move |_, call, _| {
        told.send(call.is_secure).unwrap();
        Box::pin(async { Err(ServiceError::bad_request("Heard", "It was heard.")) })
    });
    let edge = Edge::new(vec![mount], Arc::new(Nobody), "us-east-1", Limits::default());
    let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap().with_tls(pair.tls(), true);
    let address = server.address();
    let (phase, phases) = watch::channel(Phase::Serving);
    let serving = tokio::spawn(server.serve(Arc::new(edge), phases));
    // What proxies say is worth nothing here.
    let list = Request::new("GET", "/", "", "").with("x-forwarded-proto", "https").with("forwarded", "proto=https");
    assert_eq!(list.send(address).await.code(), "Heard");
    assert_eq!(H2::open(address).await.send(&list).await.code(), "Heard");
    let mut stream = pair.connect(address, &version::TLS13, &[]).await.unwrap();
    stream.write_all(&list.with("x-forwarded-proto", "http").bytes()).await.unwrap();
    stream.read_u8().await.unwrap();
    let stream = pair.connect(address, &version::TLS13, &[b"h2"]).await.unwrap();
    assert_eq!(H2::over(stream).await.send(&Request::new("GET", "/", "", "")).await.code(), "Heard");
    for expected in [false, false, true, true] {
        assert_eq!(heard.try_recv(), Ok(expected));
    }
    phase.send_replace(Phase::Draining);
    serving.await.unwrap();
}

#[tokio::test]
async fn tls_without_a_certificate_is_answered_in_a_way_that_clients_know() {
    let world = World::new().await;
    let refused = Pair::new().connect(world.address, &version::TLS13, &[]).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::InvalidData, "{refused}");
    let mut connection = Connection::open(world.address).await;
    connection.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await;
    let answer = connection.answer("GET").await.expect("an answer");
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("plain HTTP"), "{}", answer.body);
}

#[tokio::test]
async fn handshakes_that_never_end_are_not_waited_for() {
    let pair = Pair::new();
    let world = world(pair.tls(), false).await;
    for start in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        let mut connection = Connection::open(world.address).await;
        connection.write(start).await;
        connection.rest().await;
    }
    pair.connect(world.address, &version::TLS13, &[]).await.expect("the only place is free again");
}

#[tokio::test]
async fn a_certificate_is_replaced_while_the_region_runs() {
    let (old, new) = (Pair::new(), Pair::new());
    let tls = old.tls();
    let world = world(tls.clone(), false).await;
    old.connect(world.address, &version::TLS13, &[]).await.unwrap();
    assert!(matches!(tls.replace(old.chain.as_bytes(), new.key.as_bytes()), Err(TlsError::Pair(_))));
    old.connect(world.address, &version::TLS13, &[]).await.expect("what cannot be used changes nothing");
    tls.replace(new.chain.as_bytes(), new.key.as_bytes()).unwrap();
    new.connect(world.address, &version::TLS13, &[]).await.unwrap();
    assert!(old.connect(world.address, &version::TLS13, &[]).await.is_err());
}

#[test]
fn what_is_no_certificate_or_no_key_is_said_to_be_none() {
    let pair = Pair::new();
    let check =
        |chain: &str, key: &str| Tls::new(chain.as_bytes(), key.as_bytes()).err().map(|error| error.to_string());
    assert_eq!(check(&pair.chain, &pair.key), None);
    assert!(check("", &pair.key).unwrap().contains("holds no certificate"));
    assert!(check(&pair.key, &pair.key).unwrap().contains("holds no certificate"));
    assert!(check(&pair.chain, "").unwrap().contains("private key"));
    assert!(check(&pair.chain, &pair.chain).unwrap().contains("private key"));
    assert!(check("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", &pair.key).is_some());
}
