//! The metadata service's transport: HTTP/1.1 at 169.254.169.254. Who asks is told by the source address, which the
//! filter lets nobody forge. What is answered is [`host::metadata`]'s business.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use host::metadata::{MetadataReply, MetadataRequest, TOKEN_HEADER, TOKEN_TTL_HEADER, TokenKey, answer};
use http::{HeaderValue, Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::serve::Served;

/// Connections that one interface, and all of a VPC together, may hold open.
const PER_INTERFACE: usize = 16;
const PER_VPC: usize = 512;
const HEADER_LIMIT: Duration = Duration::from_secs(5);
const CONNECTION_LIMIT: Duration = Duration::from_secs(60);
/// Time-to-live of answers that carry no new token; Linux's default.
const USUAL_TTL: u32 = 64;
const PAUSE: Duration = Duration::from_millis(50);

type Open = Arc<Mutex<BTreeMap<Ipv4Addr, usize>>>;

/// Counts one connection of an address for as long as it lives.
struct Slot(Open, Ipv4Addr);

impl Slot {
    fn take(open: &Open, address: Ipv4Addr) -> Option<Self> {
        let mut counts = lock(open);
        if counts.values().sum::<usize>() >= PER_VPC || counts.get(&address).is_some_and(|n| *n >= PER_INTERFACE) {
            return None;
        }
        *counts.entry(address).or_default() += 1;
        Some(Self(open.clone(), address))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = lock(&self.0);
        if let Some(count) = counts.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.1);
            }
        }
    }
}

fn lock(open: &Open) -> std::sync::MutexGuard<'_, BTreeMap<Ipv4Addr, usize>> {
    open.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Serves until dropped. Connections beyond the limits are closed at once.
pub async fn serve(listener: TcpListener, served: watch::Receiver<Arc<Served>>, key: Arc<TokenKey>) {
    let open = Open::default();
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "metadata service cannot accept");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        let IpAddr::V4(address) = peer.ip() else { continue };
        let Some(slot) = Slot::take(&open, address) else { continue };
        let (served, key) = (served.clone(), key.clone());
        connections.spawn(async move {
            let _slot = slot;
            let _ = tokio::time::timeout(CONNECTION_LIMIT, connection(stream, address, served, key)).await;
        });
    }
}

async fn connection(stream: TcpStream, address: Ipv4Addr, served: watch::Receiver<Arc<Served>>, key: Arc<TokenKey>) {
    // A second handle, because the first belongs to the HTTP server by the time the hop limit is known.
    let Ok(handle) = stream.as_fd().try_clone_to_owned() else { return };
    let service = service_fn(|request: Request<Incoming>| {
        let now = served.borrow().clone();
        let reply = match now.interface(address) {
            Some(interface) => respond(&request, &interface.metadata, &key),
            None => MetadataReply::error(404),
        };
        let ttl = reply.hop_limit.map_or(USUAL_TTL, u32::from);
        let sent = match set_ttl(&handle, ttl) {
            Ok(()) => reply,
            Err(_) => MetadataReply::error(500),
        };
        std::future::ready(Ok::<_, Infallible>(encode(sent)))
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_LIMIT).max_buf_size(16 << 10).max_headers(64);
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

fn set_ttl(socket: &OwnedFd, ttl: u32) -> std::io::Result<()> {
    rustix::net::sockopt::set_ip_ttl(socket, ttl).map_err(std::io::Error::from)
}

fn respond(request: &Request<Incoming>, spec: &host::MetadataSpec, key: &TokenKey) -> MetadataReply {
    let text = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or(""));
    let request = MetadataRequest {
        method: request.method().as_str(),
        path: request.uri().path(),
        token_ttl: text(TOKEN_TTL_HEADER),
        token: text(TOKEN_HEADER),
        is_forwarded: request.headers().contains_key("x-forwarded-for"),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
    answer(&request, spec, key, now)
}

fn encode(reply: MetadataReply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = http::StatusCode::from_u16(reply.status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("none"));
    headers.insert(header::SERVER, HeaderValue::from_static("EC2ws"));
    if let Some(ttl) = reply.token_ttl {
        headers.insert(TOKEN_TTL_HEADER, HeaderValue::from(ttl));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::{Open, PER_INTERFACE, Slot};

    #[test]
    fn one_interface_cannot_take_all_connections() {
        let open = Open::default();
        let mut slots: Vec<Slot> =
            (0..PER_INTERFACE).map(|_| Slot::take(&open, [10, 0, 0, 4].into()).unwrap()).collect();
        assert!(Slot::take(&open, [10, 0, 0, 4].into()).is_none());
        assert!(Slot::take(&open, [10, 0, 0, 5].into()).is_some());
        slots.pop();
        assert!(Slot::take(&open, [10, 0, 0, 4].into()).is_some());
    }
}
