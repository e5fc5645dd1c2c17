//! A host of its own for each test (a network namespace that plays the machine's), and guests that are namespaces with
//! a whole Linux network stack: frames are copied between their device and the tap, as a virtual machine would.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::ioctl::{Setter, ioctl};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use socket2::{Domain, Protocol, Socket, Type};

/// Says why the tests cannot run here; nothing if they can.
pub fn cannot_run() -> Option<String> {
    let missing = host_linux::network::probe().into_iter().find(|check| !check.is_ok)?;
    Some(format!("{}: {}; {}", missing.name, missing.detail, missing.remedy))
}

pub fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let pid = std::process::id() & 0xf_ffff;
    format!("{prefix}{pid:x}{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

#[track_caller]
pub fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Does something on a thread inside a namespace.
pub fn inside<T: Send + 'static>(netns: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let file = File::open(format!("/run/netns/{netns}")).unwrap();
    let body = move || {
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        work()
    };
    std::thread::spawn(body).join().unwrap()
}

/// A namespace that is gone when this is.
pub struct Namespace(pub String);

impl Namespace {
    pub fn new(prefix: &str) -> Self {
        let name = unique(prefix);
        ip(&format!("netns add {name}"));
        ip(&format!("-n {name} link set lo up"));
        Self(name)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "delete", &self.0]).status();
    }
}

const TAP: i16 = 0x2;
const NO_PACKET_INFO: i16 = 0x1000;
const VNET_HEADER: i16 = 0x4000;
const VNET_HEADER_LENGTH: usize = 10;
const TUNSETIFF: u32 = 0x4004_54ca;

#[repr(C)]
struct InterfaceRequest {
    name: [u8; 16],
    flags: i16,
    rest: [u8; 22],
}

/// Opens a tap by name, as QEMU does.
#[allow(unsafe_code)]
fn open_tap(netns: &str, name: &str) -> File {
    let mut request = InterfaceRequest { name: [0; 16], flags: TAP | NO_PACKET_INFO | VNET_HEADER, rest: [0; 22] };
    request.name[..name.len()].copy_from_slice(name.as_bytes());
    inside(netns, move || {
        let file = OpenOptions::new().read(true).write(true).open("/dev/net/tun").unwrap();
        // SAFETY: TUNSETIFF reads a `struct ifreq`, which `InterfaceRequest` is in layout and size (40 bytes).
        unsafe { ioctl(&file, Setter::<{ TUNSETIFF }, InterfaceRequest>::new(request)) }.unwrap();
        file
    })
}

fn copy(mut from: File, mut to: File) {
    let mut frame = vec![0; 70_000];
    // Reading fails when the device is deleted: then the guest has lost its cable.
    while let Ok(length) = from.read(&mut frame) {
        if length > VNET_HEADER_LENGTH {
            let _ = to.write_all(&frame[..length]);
        }
    }
}

/// A guest: `eth0` with the interface's MAC address and, unless it is to use DHCP, its private address.
pub struct Guest {
    pub netns: Namespace,
}

impl Guest {
    pub fn boot(vpc_netns: &str, interface: &host::InterfaceSpec, address: Option<Ipv4Addr>) -> Self {
        let netns = Namespace::new("wktg");
        let name = &netns.0;
        ip(&format!("-n {name} tuntap add dev eth0 mode tap vnet_hdr"));
        ip(&format!("-n {name} link set dev eth0 address {}", interface.mac));
        let tap = open_tap(vpc_netns, &host_linux::names::tap_name(&interface.id));
        let own = open_tap(name, "eth0");
        let (tap_too, own_too) = (tap.try_clone().unwrap(), own.try_clone().unwrap());
        std::thread::spawn(move || copy(tap, own));
        std::thread::spawn(move || copy(own_too, tap_too));
        ip(&format!("-n {name} link set dev eth0 up"));
        let guest = Self { netns };
        if let Some(address) = address {
            guest.set_address(address);
        }
        guest
    }

    pub fn set_address(&self, address: Ipv4Addr) {
        let name = &self.netns.0;
        ip(&format!("-n {name} addr flush dev eth0"));
        ip(&format!("-n {name} addr add {address}/20 dev eth0"));
        ip(&format!("-n {name} route replace default via 172.31.0.1 dev eth0"));
    }

    pub fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        inside(&self.netns.0, work)
    }

    /// One echo request; true if its reply comes within a second.
    pub fn pings(&self, address: &str) -> bool {
        let to = SocketAddr::new(address.parse().unwrap(), 0);
        self.run(move || {
            let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).unwrap();
            let end = Instant::now() + Duration::from_secs(1);
            // Type 8, code 0, checksum, id 7, sequence 1.
            if socket.send_to(&[8, 0, 0xf7, 0xf7, 0, 7, 0, 1], &to.into()).is_err() {
                return false;
            }
            let socket = std::net::UdpSocket::from(socket);
            let mut packet = [0; 1500];
            while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
                socket.set_read_timeout(Some(left)).unwrap();
                let is_reply = |message: &[u8]| message.starts_with(&[0, 0]) && message.ends_with(&[0, 7, 0, 1]);
                if let Ok((length, from)) = socket.recv_from(&mut packet)
                    && from.ip() == to.ip()
                    && is_reply(&packet[20..length])
                {
                    return true;
                }
            }
            false
        })
    }
}
