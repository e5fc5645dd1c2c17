//! Real namespaces, taps, filters and servers, seen from the guests' and the host's side.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what went wrong")]

mod support;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use dhcproto::v4::{DhcpOption, Message, MessageType, OptionCode};
use dhcproto::{Decodable, Decoder, Encodable, Encoder};
use host::conformance;
use host::{FirewallRule, InterfaceSpec, MetadataSpec, NetworkSpec, Networks, Peer, Ports, Protocol, SubnetSpec};
use host_linux::names::{netns_name, tap_name};
use host_linux::network::{LinuxNetworks, NetworkConfig};
use socket2::{Domain, Socket, Type};
use support::{Guest, Namespace, cannot_run, inside, ip, unique};

const ANY: Peer = Peer::Cidr(Ipv4Addr::UNSPECIFIED, 0);
/// Long enough for an answer on a busy machine; what must arrive arrives in far less.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long is waited for what must not arrive.
const SILENCE: Duration = Duration::from_millis(400);

struct Region {
    host: Namespace,
    tag: String,
    networks: LinuxNetworks,
}

impl Region {
    fn netns(&self, spec: &NetworkSpec) -> String {
        netns_name(&self.tag, &spec.vpc)
    }

    fn guest(&self, spec: &NetworkSpec, n: usize) -> Guest {
        let interface = &spec.interfaces[n];
        Guest::boot(&self.netns(spec), interface, Some(interface.private_ip))
    }

    fn on_host<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        inside(&self.host.0, work)
    }
}

/// Removes what a failed test left.
struct Cleanup(String);

impl Drop for Cleanup {
    fn drop(&mut self) {
        let own = format!("welkin-{}", self.0);
        for name in ip("netns list").lines().filter_map(|line| line.split_whitespace().next()) {
            if name == own || name.starts_with(&format!("{own}-")) {
                let _ = std::process::Command::new("ip").args(["netns", "delete", name]).status();
            }
        }
    }
}

fn open(tag: &str) -> LinuxNetworks {
    LinuxNetworks::open(NetworkConfig {
        tag: tag.to_owned(),
        public_pool: ([198, 18, 37, 0].into(), 24),
        dns_upstream: Vec::new(),
        token_key: [7; 32],
    })
    .unwrap()
}

fn on_a_host_of_its_own(test: impl AsyncFnOnce(Region) + Send + 'static) {
    if let Some(reason) = cannot_run() {
        eprintln!("SKIPPED: this test needs the kernel's networking. {reason}");
        return;
    }
    let host = Namespace::new("wkth");
    let tag = unique("t");
    let _cleanup = Cleanup(tag.clone());
    inside(&host.0.clone(), move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(test(Region { host, networks: open(&tag), tag }));
    });
}

fn rule(protocol: Protocol, ports: Ports, peer: Peer) -> FirewallRule {
    FirewallRule { protocol, ports, peer }
}

fn interface(n: u8, public_ip: Option<u8>, ingress: Vec<FirewallRule>) -> InterfaceSpec {
    let instance = format!("i-000000000000000{n:02x}");
    InterfaceSpec {
        id: format!("eni-000000000000000{n:02x}").parse().unwrap(),
        subnet: "subnet-00000000000000001".parse().unwrap(),
        mac: format!("02:00:00:00:00:{n:02x}"),
        private_ip: [172, 31, 0, n].into(),
        public_ip: public_ip.map(|last| [198, 18, 37, last].into()),
        host_name: format!("ip-172-31-0-{n}.ec2.internal"),
        ingress,
        egress: vec![rule(Protocol::All, Ports::All, ANY)],
        metadata: MetadataSpec {
            instance: instance.parse().unwrap(),
            leaves: BTreeMap::from([("meta-data/instance-id".to_owned(), instance)]),
            user_data: None,
            token_required: true,
            hop_limit: 1,
            is_enabled: true,
        },
    }
}

fn network(interfaces: Vec<InterfaceSpec>) -> NetworkSpec {
    let group = "sg-00000000000000001".parse().unwrap();
    NetworkSpec {
        vpc: "vpc-0123456789abcdef0".parse().unwrap(),
        cidr: ([172, 31, 0, 0].into(), 16),
        subnets: vec![SubnetSpec {
            id: "subnet-00000000000000001".parse().unwrap(),
            cidr: ([172, 31, 0, 0].into(), 20),
        }],
        members: BTreeMap::from([(group, vec![[172, 31, 0, 10].into()])]),
        interfaces,
    }
}

fn serve(guest: &Guest, port: u16) -> TcpListener {
    guest.run(move || TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap())
}

fn connect(to: &str, limit: Duration) -> Option<TcpStream> {
    TcpStream::connect_timeout(&to.parse::<SocketAddr>().unwrap(), limit).ok()
}

#[test]
fn the_host_gets_one_link_and_one_route_and_has_neither_after_purge() {
    on_a_host_of_its_own(async |region| {
        let look = |what: &str| {
            let text = ip(&format!("-n {} -o {what}", region.host.0));
            // Counters of time and the peer's index are not what is compared.
            text.lines().map(|line| line.split_whitespace().take(8).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
        };
        let all = || ["link show", "route show", "-6 route show", "addr show"].map(look);
        let before = all();
        let spec = network(vec![interface(10, Some(10), vec![])]);
        let start = Instant::now();
        region.networks.apply(&spec).await.unwrap();
        let first = start.elapsed();
        let [links, routes, routes_6, _] = all();
        assert_eq!(links.len(), before[0].len() + 1, "{links:?}");
        assert_eq!(routes.len(), before[1].len() + 1, "{routes:?}");
        assert!(routes.last().unwrap().starts_with(&format!("198.18.37.0/24 via 169.254.0.1 dev wk-{}", region.tag)));
        assert_eq!(routes_6, before[2]);
        let mut more = spec.clone();
        more.interfaces.push(interface(11, None, vec![]));
        let start = Instant::now();
        region.networks.apply(&more).await.unwrap();
        println!("region, VPC and first interface: {first:?}; one interface more: {:?}", start.elapsed());
        assert_eq!(region.networks.list().await.unwrap(), std::slice::from_ref(&spec.vpc));
        region.networks.purge().await.unwrap();
        assert_eq!(all(), before);
        assert_eq!(region.networks.list().await.unwrap(), []);
        region.networks.purge().await.unwrap();
        region.networks.apply(&spec).await.unwrap();
        region.networks.remove(&spec.vpc).await.unwrap();
        assert_eq!(region.networks.list().await.unwrap(), []);
        region.networks.purge().await.unwrap();
    });
}

#[test]
fn security_groups_decide_between_guests_and_from_the_host() {
    on_a_host_of_its_own(async |region| {
        let group = Peer::Group("sg-00000000000000001".parse().unwrap());
        let from_host = Peer::Cidr([198, 18, 37, 0].into(), 32);
        let as_public = Peer::Cidr([198, 18, 37, 10].into(), 32);
        let ingress = vec![
            rule(Protocol::Tcp, Ports::Range(80, 80), group),
            rule(Protocol::Tcp, Ports::Range(22, 22), from_host),
            rule(Protocol::Tcp, Ports::Range(8080, 8080), as_public),
        ];
        let mut spec = network(vec![interface(10, Some(10), vec![]), interface(11, Some(11), ingress)]);
        region.networks.apply(&spec).await.unwrap();
        let (first, second) = (region.guest(&spec, 0), region.guest(&spec, 1));
        let _listeners = [80, 22, 8080].map(|port| serve(&second, port));
        let reaches = |to: &'static str, limit| first.run(move || connect(to, limit)).map(|_| ());
        assert!(reaches("172.31.0.11:80", PATIENCE).is_some(), "a member of the group is let in");
        assert!(reaches("172.31.0.11:22", SILENCE).is_none(), "the host's port is not a guest's");
        assert!(reaches("198.18.37.11:8080", PATIENCE).is_some(), "a public address sees the asker's public address");
        assert!(reaches("198.18.37.11:80", SILENCE).is_none(), "through public addresses nobody is a member");
        assert!(region.on_host(|| connect("198.18.37.11:22", PATIENCE)).is_some());
        assert!(region.on_host(|| connect("198.18.37.11:80", SILENCE)).is_none());
        assert!(!first.pings("172.31.0.11"), "no rule lets ICMP in");
        assert!(first.pings("172.31.0.1") && !first.pings("169.254.0.1"), "the gateway answers, the uplink does not");
        assert!(reaches("172.31.0.1:53", SILENCE).is_none() && reaches("172.31.0.2:53", PATIENCE).is_some());

        spec.interfaces[0].egress = vec![rule(Protocol::Tcp, Ports::Range(443, 443), ANY)];
        region.networks.apply(&spec).await.unwrap();
        assert!(reaches("172.31.0.11:80", SILENCE).is_none(), "the asker's egress decides too");
    });
}

#[test]
fn a_forged_source_goes_nowhere() {
    on_a_host_of_its_own(async |region| {
        let open = vec![rule(Protocol::All, Ports::All, ANY)];
        let spec = network(vec![interface(10, None, open.clone()), interface(11, None, open)]);
        region.networks.apply(&spec).await.unwrap();
        let (first, second) = (region.guest(&spec, 0), region.guest(&spec, 1));
        let ears = second.run(|| UdpSocket::bind("0.0.0.0:5000").unwrap());
        let arrives = |limit| {
            // A forger needs no ARP: it knows the router's MAC address.
            ip(&format!("-n {} neigh replace 172.31.0.11 lladdr 0a:57:4b:00:00:01 dev eth0", first.netns.0));
            first.run(|| UdpSocket::bind("0.0.0.0:0").unwrap().send_to(b"hello", "172.31.0.11:5000").unwrap());
            ears.set_read_timeout(Some(limit)).unwrap();
            ears.recv(&mut [0; 16]).is_ok()
        };
        assert!(arrives(PATIENCE));
        let knows_the_router = || {
            let name = &first.netns.0;
            ip(&format!("-n {name} neigh flush dev eth0"));
            let answered = first.pings("172.31.0.1");
            (answered, ip(&format!("-n {name} neigh show 172.31.0.1")).contains("lladdr"))
        };
        first.set_address([172, 31, 0, 12].into());
        assert!(!arrives(SILENCE), "an address that is nobody's");
        assert_eq!(knows_the_router(), (false, false), "ARP answers an address that is nobody's");
        first.set_address([172, 31, 0, 10].into());
        assert!(arrives(PATIENCE));
        assert_eq!(knows_the_router(), (true, true));
        ip(&format!("-n {} link set dev eth0 address 02:00:00:00:00:99", first.netns.0));
        assert!(!arrives(SILENCE), "another MAC address");
        first.set_address([172, 31, 0, 11].into());
        assert!(!first.pings("172.31.0.1"), "the neighbour's address");
        assert!(second.pings("172.31.0.1"), "the neighbour was cut off");
    });
}

#[test]
fn dhcp_gives_the_interface_its_address() {
    on_a_host_of_its_own(async |region| {
        let spec = network(vec![interface(10, None, vec![]), interface(11, None, vec![])]);
        region.networks.apply(&spec).await.unwrap();
        let guest = Guest::boot(&region.netns(&spec), &spec.interfaces[1], None);
        let ask = |mac: u8, limit: Duration| {
            guest.run(move || {
                let none = Ipv4Addr::UNSPECIFIED;
                let mut discover = Message::new_with_id(7, none, none, none, none, &[2, 0, 0, 0, 0, mac]);
                discover.opts_mut().insert(DhcpOption::MessageType(MessageType::Discover));
                let mut bytes = Vec::new();
                discover.encode(&mut Encoder::new(&mut bytes)).unwrap();
                let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
                socket.bind_device(Some(b"eth0")).unwrap();
                socket.set_broadcast(true).unwrap();
                socket.bind(&SocketAddr::from((none, 68)).into()).unwrap();
                let socket = UdpSocket::from(socket);
                // Datagrams get lost, and clients ask again.
                socket.set_read_timeout(Some(limit.min(Duration::from_secs(1)))).unwrap();
                let until = Instant::now() + limit;
                let mut buffer = [0; 1500];
                let (length, from) = loop {
                    socket.send_to(&bytes, "255.255.255.255:67").unwrap();
                    match socket.recv_from(&mut buffer) {
                        Ok(answer) => break answer,
                        Err(_) if Instant::now() < until => {}
                        Err(_) => return None,
                    }
                };
                Some((Message::decode(&mut Decoder::new(&buffer[..length])).unwrap(), from.to_string()))
            })
        };
        let (offer, from) = ask(11, PATIENCE).unwrap();
        assert_eq!(offer.yiaddr(), Ipv4Addr::new(172, 31, 0, 11));
        assert_eq!(from, "172.31.0.1:67");
        assert_eq!(
            offer.opts().get(OptionCode::DomainNameServer),
            Some(&DhcpOption::DomainNameServer(vec![[172, 31, 0, 2].into()]))
        );
        assert!(ask(10, SILENCE).is_none(), "a tap got another interface's lease");
    });
}

/// One HTTP exchange, and nothing if it did not come about.
fn http(guest: &Guest, request: String) -> String {
    guest.run(move || {
        let mut stream = connect("169.254.169.254:80", PATIENCE).expect("metadata service");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(format!("{request}Host: 169.254.169.254\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    })
}

#[test]
fn credentials_come_rotate_and_go() {
    on_a_host_of_its_own(async |region| {
        let mut network = network(vec![interface(10, None, vec![])]);
        network.interfaces[0].metadata.token_required = false;
        region.networks.apply(&network).await.unwrap();
        let guest = region.guest(&network, 0);
        for (network, expected) in conformance::rotation(&network) {
            region.networks.apply(&network).await.unwrap();
            let reply = http(&guest, format!("GET /latest/{} HTTP/1.1\r\n", conformance::CREDENTIALS));
            match expected {
                Some(text) => assert!(reply.ends_with(&format!("\r\n\r\n{text}")), "{reply}"),
                None => assert!(reply.starts_with("HTTP/1.1 404 "), "{reply}"),
            }
        }
    });
}

/// The time-to-live of the first TCP packet whose payload begins so.
fn time_to_live(wire: Socket, payload: &[u8]) -> u8 {
    let wire = UdpSocket::from(wire);
    wire.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut packet = [0; 2000];
    loop {
        let length = wire.recv(&mut packet).expect("no such packet came");
        if packet[..length].windows(payload.len()).any(|part| part == payload) {
            return packet[8];
        }
    }
}

#[test]
fn metadata_knows_who_asks_and_dns_who_is_there() {
    on_a_host_of_its_own(async |region| {
        let spec = network(vec![interface(10, None, vec![]), interface(11, None, vec![])]);
        region.networks.apply(&spec).await.unwrap();
        let guests = [region.guest(&spec, 0), region.guest(&spec, 1)];
        let get = "GET /latest/meta-data/instance-id HTTP/1.1\r\n";
        assert!(http(&guests[0], get.into()).starts_with("HTTP/1.1 401 Unauthorized\r\n"));
        let put = "PUT /latest/api/token HTTP/1.1\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n";
        let wire = guests[0].run(|| Socket::new(Domain::IPV4, Type::RAW, Some(socket2::Protocol::TCP)).unwrap());
        let reply = http(&guests[0], put.into());
        assert_eq!(time_to_live(wire, b"HTTP/1.1 200"), 1, "the token may travel as far as the hop limit says");
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.contains("server: EC2ws\r\n"), "{reply}");
        let token = reply.rsplit("\r\n").next().unwrap().to_owned();
        let with_token = format!("{get}X-aws-ec2-metadata-token: {token}\r\n");
        assert!(http(&guests[0], with_token.clone()).ends_with("\r\n\r\ni-0000000000000000a"));
        assert!(http(&guests[1], with_token).starts_with("HTTP/1.1 401 "), "a token of another instance");

        // Name `ip-172-31-0-11.ec2.internal`, type A, class IN.
        let question = b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\x0eip-172-31-0-11\x03ec2\x08internal\0\0\x01\0\x01";
        for server in ["172.31.0.2:53", "169.254.169.253:53"] {
            let answer = guests[0].run(move || {
                let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
                socket.set_read_timeout(Some(PATIENCE)).unwrap();
                socket.connect(server).unwrap();
                socket.send(question).unwrap();
                let mut buffer = vec![0; 512];
                let length = socket.recv(&mut buffer).unwrap();
                buffer.truncate(length);
                buffer
            });
            assert!(answer.ends_with(&[172, 31, 0, 11]), "{server}: {answer:?}");
        }
    });
}

#[test]
fn a_new_process_takes_over_without_a_guest_noticing() {
    on_a_host_of_its_own(async |region| {
        let spec = network(vec![interface(10, Some(10), vec![rule(Protocol::Tcp, Ports::Range(80, 80), ANY)])]);
        region.networks.apply(&spec).await.unwrap();
        let guest = region.guest(&spec, 0);
        let listener = serve(&guest, 80);
        let mut host_side = region.on_host(|| connect("198.18.37.10:80", PATIENCE)).unwrap();
        let mut guest_side = listener.accept().unwrap().0;
        let link = || ip(&format!("-n {} -o link show {}", region.netns(&spec), tap_name(&spec.interfaces[0].id)));
        let before = link();

        let Region { networks, tag, .. } = &region;
        networks.release().await;
        let next = open(tag);
        next.apply(&spec).await.unwrap();
        assert_eq!(link(), before);
        guest_side.set_read_timeout(Some(PATIENCE)).unwrap();
        host_side.write_all(b"still here").unwrap();
        let mut buffer = [0; 10];
        guest_side.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"still here");
        assert!(http(&guest, "GET / HTTP/1.1\r\n".into()).starts_with("HTTP/1.1 401 "));
    });
}

#[test]
fn an_address_with_a_new_owner_forgets_the_old_ones_connections() {
    on_a_host_of_its_own(async |region| {
        let udp = rule(Protocol::Udp, Ports::All, ANY);
        let mut spec = network(vec![interface(10, Some(10), vec![udp])]);
        region.networks.apply(&spec).await.unwrap();
        let ears = |guest: &Guest| guest.run(|| UdpSocket::bind("0.0.0.0:5000").unwrap());
        let hears = |socket: &UdpSocket, limit| {
            socket.set_read_timeout(Some(limit)).unwrap();
            socket.recv_from(&mut [0; 16]).ok().map(|(_, from)| from)
        };
        let old = region.guest(&spec, 0);
        let old_ears = ears(&old);
        let voice = region.on_host(|| UdpSocket::bind("198.18.37.0:6000").unwrap());
        voice.send_to(b"first", "198.18.37.10:5000").unwrap();
        let from = hears(&old_ears, PATIENCE).unwrap();
        old_ears.send_to(b"answer", from).unwrap();
        assert!(hears(&voice, PATIENCE).is_some());

        let mut owner = interface(20, Some(10), vec![]);
        owner.private_ip = spec.interfaces[0].private_ip;
        spec.interfaces = vec![owner];
        region.networks.apply(&spec).await.unwrap();
        let new = region.guest(&spec, 0);
        let new_ears = ears(&new);
        voice.send_to(b"second", "198.18.37.10:5000").unwrap();
        assert!(hears(&new_ears, SILENCE).is_none(), "the old owner's connection let it in");
        new_ears.send_to(b"out", "198.18.37.0:6000").unwrap();
        assert!(hears(&voice, PATIENCE).is_some(), "the new owner is not connected at all");
    });
}

#[test]
fn whatever_is_missing_is_made_again() {
    on_a_host_of_its_own(async |region| {
        let spec = network(vec![interface(10, Some(10), vec![rule(Protocol::Tcp, Ports::Range(80, 80), ANY)])]);
        let (netns, tag, host) = (region.netns(&spec), &region.tag, &region.host.0);
        let tap = tap_name(&spec.interfaces[0].id);
        region.networks.apply(&spec).await.unwrap();
        let mut guest = region.guest(&spec, 0);
        for breakage in [
            format!("-n {netns} link delete dev {tap}"),
            format!("-n {netns} route delete 172.31.0.10/32"),
            format!("-n {netns} neigh delete 172.31.0.10 dev {tap}"),
            format!("-n {netns} link delete dev uplink"),
            format!("-n welkin-{tag} route delete 198.18.37.10/32"),
            format!("-n {host} link delete dev wk-{tag}"),
            format!("-n {host} route delete 198.18.37.0/24"),
            format!("netns delete welkin-{tag}"),
            format!("netns delete {netns}"),
            format!("netns delete {netns} "),
        ] {
            ip(&breakage);
            if breakage.ends_with(' ') {
                // What a crash in the middle of `ip netns add` leaves.
                std::fs::write(format!("/run/netns/{netns}"), "").unwrap();
            }
            // A deleted namespace goes when the kernel comes to it; until then its links may be in the way.
            let end = Instant::now() + PATIENCE;
            while let Err(error) = region.networks.apply(&spec).await {
                assert!(Instant::now() < end, "{breakage}: {error}");
            }
            if breakage.contains(&format!("delete dev {tap}")) || breakage.trim_end().ends_with(&netns) {
                drop(guest);
                guest = region.guest(&spec, 0);
            }
            let _listener = serve(&guest, 80);
            assert!(region.on_host(|| connect("198.18.37.10:80", PATIENCE)).is_some(), "after: ip {breakage}");
            assert!(http(&guest, "GET / HTTP/1.1\r\n".into()).starts_with("HTTP/1.1 401 "), "after: ip {breakage}");
        }
    });
}
