//! The servers of one VPC: their sockets are opened inside its namespace, their tasks run on the common runtime.
//! Dropping them ends all tasks and closes all sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use host::metadata::TokenKey;
use host::{HostError, InterfaceSpec, NetworkSpec};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use super::address::{METADATA, RESOLVER, resolver};
use super::{dhcp, dns, imds, namespace};
use crate::names::tap_name;

/// What the servers answer from: the specification, and its interfaces by private address.
#[derive(Debug)]
pub struct Served {
    /// The VPC.
    pub spec: NetworkSpec,
    by_address: BTreeMap<Ipv4Addr, usize>,
}

impl Served {
    /// Indexes a specification.
    pub fn new(spec: &NetworkSpec) -> Arc<Self> {
        let by_address = spec.interfaces.iter().enumerate().map(|(n, interface)| (interface.private_ip, n)).collect();
        Arc::new(Self { spec: spec.clone(), by_address })
    }

    /// The interface that has this private address.
    pub fn interface(&self, address: Ipv4Addr) -> Option<&InterfaceSpec> {
        self.spec.interfaces.get(*self.by_address.get(&address)?)
    }
}

/// Running servers of one VPC.
pub struct Servers {
    tasks: JoinSet<()>,
    leases: BTreeMap<String, AbortHandle>,
    served: watch::Sender<Arc<Served>>,
}

impl Servers {
    /// Opens DNS and metadata sockets in the namespace and serves them; DHCP comes with [`Servers::update`].
    ///
    /// # Errors
    /// [`HostError::Failed`] if an address or port is taken: by another process of ours for the same region.
    pub async fn start(
        netns: &str,
        spec: &NetworkSpec,
        upstream: Arc<[SocketAddr]>,
        key: Arc<TokenKey>,
    ) -> Result<Self, HostError> {
        let resolvers = [RESOLVER, resolver(spec.cidr)];
        let open = move || {
            let udp = resolvers.map(|address| udp((address, 53).into(), None));
            let tcp = resolvers.map(|address| listen((address, 53).into()));
            let metadata = listen((METADATA, 80).into())?;
            let udp = udp.into_iter().collect::<io::Result<Vec<_>>>()?;
            let tcp = tcp.into_iter().collect::<io::Result<Vec<_>>>()?;
            Ok((udp, tcp, metadata))
        };
        let (udp, tcp, metadata) = namespace::enter(Some(netns), "open DNS and metadata sockets", open).await?;
        let (served, receiver) = watch::channel(Served::new(spec));
        let mut tasks = JoinSet::new();
        let dns = dns::Resolver::new(receiver.clone(), upstream);
        for socket in udp {
            tasks.spawn(dns.clone().serve_udp(adopt_udp(socket)?));
        }
        for socket in tcp {
            tasks.spawn(dns.clone().serve_tcp(adopt_listener(socket)?));
        }
        tasks.spawn(imds::serve(adopt_listener(metadata)?, receiver, key));
        Ok(Self { tasks, leases: BTreeMap::new(), served })
    }

    /// Answers from this specification from now on. Opens DHCP sockets of new taps (`made`: those that replace a tap
    /// of the same name) and closes those of taps that are gone.
    pub async fn update(&mut self, netns: &str, spec: &NetworkSpec, made: &BTreeSet<String>) -> Result<(), HostError> {
        self.served.send_replace(Served::new(spec));
        let wanted: BTreeMap<String, Ipv4Addr> =
            spec.interfaces.iter().map(|interface| (tap_name(&interface.id), interface.private_ip)).collect();
        self.leases.retain(|tap, task| {
            let stays = wanted.contains_key(tap) && !made.contains(tap) && !task.is_finished();
            if !stays {
                task.abort();
            }
            stays
        });
        // Ended tasks are taken out as they come, or the set would only grow.
        while self.tasks.try_join_next().is_some() {}
        let new: Vec<(String, Ipv4Addr)> =
            wanted.into_iter().filter(|(tap, _)| !self.leases.contains_key(tap)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let open = move || {
            new.into_iter()
                .map(|(tap, address)| {
                    let socket = udp((Ipv4Addr::UNSPECIFIED, 67).into(), Some(&tap))?;
                    Ok((tap, address, socket))
                })
                .collect::<io::Result<Vec<_>>>()
        };
        for (tap, address, socket) in namespace::enter(Some(netns), "open DHCP sockets", open).await? {
            let task = dhcp::serve(adopt_udp(socket)?, address, self.served.subscribe());
            self.leases.insert(tap, self.tasks.spawn(task));
        }
        Ok(())
    }

    /// Ends all tasks and returns when their sockets are closed.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

fn udp(address: SocketAddr, device: Option<&str>) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    if let Some(device) = device {
        socket.bind_device(Some(device.as_bytes()))?;
        socket.set_broadcast(true)?;
        // The socket of a tap that was replaced may still be closing; it is bound to another device of this name.
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

fn listen(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(128)?;
    Ok(socket)
}

fn adopt_udp(socket: Socket) -> Result<UdpSocket, HostError> {
    UdpSocket::from_std(socket.into()).map_err(|error| HostError::failed("serve a socket", error))
}

fn adopt_listener(socket: Socket) -> Result<TcpListener, HostError> {
    TcpListener::from_std(socket.into()).map_err(|error| HostError::failed("serve a socket", error))
}
