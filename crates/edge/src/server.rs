//! Accepts connections, bounds them, and drains them at the end.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tracing::{debug, warn};

use crate::front::Edge;
use crate::stall::Stalling;

/// Why the edge cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the kernel says.
        cause: std::io::Error,
    },
}

/// A listening socket.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Binds the address; port 0 takes any free one.
    ///
    /// # Errors
    /// [`ServerError::Listen`].
    pub async fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let failed = |cause| ServerError::Listen { address, cause };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// The address, with the port that was really taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` turns true, then lets open requests end within the limits' drain time.
    pub async fn serve(self, edge: Arc<Edge>, mut stop: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(edge.limits().connections));
        let graceful = GracefulShutdown::new();
        let mut stopped = pin!(async move {
            // A stop whose sender is gone is a stop.
            let _ = stop.wait_for(|stop| *stop).await;
        });
        loop {
            let accepted = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, self.listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                () = &mut stopped => break,
                accepted = accepted => accepted,
            };
            let Ok(place) = place else { break };
            match accepted {
                Ok((socket, peer)) => open(socket, peer, place, &edge, &graceful),
                Err(cause) => {
                    // Out of descriptors, mostly: without a pause this loop would spin until one is free.
                    warn!(%cause, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        drop(self.listener);
        if tokio::time::timeout(edge.limits().drain_time, graceful.shutdown()).await.is_err() {
            warn!("some requests did not end in time and were cut off");
        }
    }
}

fn open(
    socket: TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
    edge: &Arc<Edge>,
    graceful: &GracefulShutdown,
) {
    // Answers are small and whole: waiting to fill a packet only delays them.
    if let Err(cause) = socket.set_nodelay(true) {
        debug!(%cause, "no TCP_NODELAY");
    }
    let place = (place, edge.watching.metrics.connection());
    let limits = *edge.limits();
    let edge = Arc::clone(edge);
    let service = service_fn(move |request| {
        let edge = Arc::clone(&edge);
        async move { Ok::<_, std::convert::Infallible>(edge.answer(request, Some(peer.ip())).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_headers(limits.headers)
        .max_buf_size(limits.header_bytes)
        .half_close(true)
        .serve_connection(TokioIo::new(Stalling::new(socket, limits.idle_time)), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        let _place = place;
        if let Err(cause) = connection.await {
            debug!(%peer, %cause, "connection ended");
        }
    });
}
