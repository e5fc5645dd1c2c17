//! Accepts connections, bounds their number, and drains them at the end.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tracing::{debug, warn};

use crate::activity::Activity;
use crate::answering::Answering;
use crate::connection;
use crate::front::Edge;
use crate::phase::{FIRST_REQUEST, Phase};
use crate::places::{Place, Places};
use crate::source::Source;
use crate::tls::{Tls, TlsMode};

/// Connections that the kernel may hold for us before it lets new ones wait outside. It takes less if
/// `net.core.somaxconn` says so.
const BACKLOG: i32 = 4096;

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
    /// The socket that we were handed is none that we can listen on.
    #[error("cannot listen on the socket that was handed over: {0}")]
    Inherited(#[source] std::io::Error),
}

/// A listening socket.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: TlsMode,
}

impl Server {
    /// Binds the address; port 0 takes any free one. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ServerError::Listen`].
    pub async fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let bind = || {
            let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
            // A restart need not wait until the kernel has forgotten the connections of the last run.
            socket.set_reuse_address(true)?;
            socket.bind(&address.into())?;
            socket.listen(BACKLOG)?;
            Ok(std::net::TcpListener::from(socket))
        };
        let failed = |cause| ServerError::Listen { address, cause };
        Self::new(bind().map_err(failed)?).map_err(failed)
    }

    /// Serves on a socket that listens already: one that a service manager made, or that this process had before it
    /// became another program. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ServerError::Inherited`].
    pub fn inherit(listener: std::net::TcpListener) -> Result<Self, ServerError> {
        Self::new(listener).map_err(ServerError::Inherited)
    }

    fn new(listener: std::net::TcpListener) -> std::io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, tls: TlsMode::Off })
    }

    /// The same server, speaking TLS; plain HTTP on the same port is answered only if `is_plain_allowed`, and else told
    /// to use https.
    #[must_use]
    pub fn with_tls(self, tls: Tls, is_plain_allowed: bool) -> Self {
        Self { tls: TlsMode::On { tls, is_plain_allowed }, ..self }
    }

    /// The address, with the port that was really taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same socket once more: as long as somebody has it, the kernel takes connections, whether anybody accepts
    /// them or not.
    ///
    /// # Errors
    /// The kernel's.
    pub fn socket(&self) -> std::io::Result<std::net::TcpListener> {
        use std::os::fd::AsFd;
        Ok(self.listener.as_fd().try_clone_to_owned()?.into())
    }

    /// Serves until `phase` is another, then parts or drains as it says; returns when all connections have ended, or
    /// when the limits' drain time is over.
    pub async fn serve(self, edge: Arc<Edge>, mut phase: watch::Receiver<Phase>) {
        let limits = *edge.limits();
        let places = Places::new(&limits);
        let answering = Answering {
            edge,
            peer: self.address,
            tls: None,
            is_refused: false,
            activity: Activity::new(),
            phase: phase.clone(),
            places: Arc::new(Semaphore::new(limits.requests)),
        };
        {
            let phases = phase.clone();
            let mut over = pin!(is_over(&mut phase));
            loop {
                let accepted = tokio::select! {
                    () = &mut over => break,
                    accepted = self.listener.accept() => accepted,
                };
                match accepted {
                    Ok((socket, peer)) => {
                        let activity = Activity::new();
                        // Who has been accepted is served, whatever comes meanwhile: the kernel waits for nobody who has
                        // left its queue, and dropping the socket would reset the connection.
                        let entering = places.enter(Source::of(Some(peer.ip())), &activity);
                        let mut phases = phases.clone();
                        let patience = async {
                            is_over(&mut phases).await;
                            tokio::time::sleep(limits.part_time * FIRST_REQUEST).await;
                        };
                        let place = tokio::select! {
                            biased;
                            place = entering => place,
                            () = patience => break,
                        };
                        let Some(place) = place else {
                            debug!(%peer, "refused: its address has its share of the connections");
                            continue;
                        };
                        let answering = Answering { peer, activity, ..answering.clone() };
                        open(socket, answering, self.tls.clone(), place);
                    }
                    Err(cause) => {
                        // Out of descriptors, mostly: without a pause this loop would spin until one is free.
                        warn!(%cause, "cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            }
        }
        drop(self.listener);
        drop(answering);
        if tokio::time::timeout(limits.drain_time, places.empty()).await.is_err() {
            warn!("some requests did not end in time and were cut off");
        }
    }
}

/// Returns when the server is to accept nobody any more.
async fn is_over(phase: &mut watch::Receiver<Phase>) {
    // A phase whose sender is gone is the last one.
    drop(phase.wait_for(|phase| *phase != Phase::Serving).await);
}

fn open(socket: TcpStream, answering: Answering, tls: TlsMode, place: Place) {
    // Answers are small and whole: waiting to fill a packet only delays them.
    if let Err(cause) = socket.set_nodelay(true) {
        debug!(%cause, "no TCP_NODELAY");
    }
    let place = (place, answering.edge.watching.metrics.connection());
    tokio::spawn(async move {
        let _place = place;
        let activity = Arc::clone(&answering.activity);
        let mut serving = pin!(connection::serve(socket, answering, tls));
        tokio::select! {
            () = &mut serving => return,
            () = activity.dismissed() => {}
        }
        // Who has asked nothing yet loses nothing; others are given what is on its way to them.
        if activity.quiet().1 {
            serving.await;
        }
    });
}
