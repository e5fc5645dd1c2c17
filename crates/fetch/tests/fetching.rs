//! Documents from servers that answer well, badly, or not at all.
#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::sync::Arc;

use aws_lc_rs::digest;
use fetch::{FetchError, Fetcher};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8]) {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        asked.push(byte);
    }
    let _ = stream.write_all(answer).await;
    let _ = stream.shutdown().await;
}

/// A server on this machine that gives one answer to everybody; its port.
async fn plain(bytes: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            answer(stream, &bytes).await;
        }
    });
    port
}

#[tokio::test]
async fn documents_of_this_machine_come_over_plain_http() {
    let fetcher = Fetcher::new();
    let huge = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 2 * 1024 * 1024]].concat();
    for (sent, expected) in [
        (b"HTTP/1.0 200 OK\r\n\r\n{}".to_vec(), Some("{}")),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_vec(), Some("{}")),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}".to_vec(), None),
        (b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\n\r\n".to_vec(), None),
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(), None),
        (b"SSH-2.0-OpenSSH\r\n".to_vec(), None),
        (Vec::new(), None),
        (huge, None),
    ] {
        let port = plain(sent.clone()).await;
        let found = fetcher.fetch(&format!("http://127.0.0.1:{port}/a?b=c"), &[]).await;
        match expected {
            Some(expected) => assert_eq!(found.unwrap(), expected.as_bytes()),
            None => assert!(matches!(found, Err(FetchError::Unreachable(_))), "{:?}", &sent[..sent.len().min(40)]),
        }
    }
}

#[tokio::test]
async fn other_addresses_are_not_fetched_from() {
    for address in [
        "http://192.0.2.1/",
        "http://198.51.100.7:8080/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "127.0.0.1",
        "https://",
        "http://user@127.0.0.1/",
        "",
    ] {
        let refused = Fetcher::new().fetch(address, &[]).await.unwrap_err();
        assert_eq!(refused, FetchError::Address(address.to_owned()));
    }
}

fn thumbprint(certificate: &CertificateDer<'_>) -> String {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A server with a certificate of an authority of its own: its port, and the thumbprints of its certificate and of the
/// authority's.
async fn secure(name: &str) -> (u16, String, String) {
    let mut authority = CertificateParams::new(Vec::<String>::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let chain = vec![own.der().clone(), authority.der().clone()];
    let prints = (thumbprint(&chain[0]), thumbprint(&chain[1]));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                answer(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
            }
        }
    });
    (port, prints.0, prints.1)
}

#[tokio::test]
async fn a_certificate_is_trusted_by_its_thumbprint_or_that_of_its_authority() {
    let fetcher = Fetcher::new();
    let (port, own, authority) = secure("localhost").await;
    let address = format!("https://localhost:{port}/keys");
    let untrusted = Err(FetchError::Untrusted("localhost".to_owned()));
    assert_eq!(fetcher.fetch(&address, &[]).await, untrusted);
    assert_eq!(fetcher.fetch(&address, &["0".repeat(40)]).await, untrusted);
    assert_eq!(fetcher.fetch(&address, &[own]).await, Ok(b"{}".to_vec()));
    assert_eq!(fetcher.fetch(&address, &[authority]).await, Ok(b"{}".to_vec()));
    // The right certificate under another name is the wrong one.
    let (port, own, authority) = secure("other.example").await;
    let address = format!("https://localhost:{port}/keys");
    for pinned in [own, authority] {
        assert_eq!(fetcher.fetch(&address, &[pinned]).await, untrusted);
    }
}
