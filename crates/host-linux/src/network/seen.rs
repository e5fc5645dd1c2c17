//! What a namespace has now, read from `/proc/thread-self/net`: no program to start, a quarter of a millisecond.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::{fs, io};

use super::address::Cidr;

/// Links, routes and neighbours of one namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Names of the network devices.
    pub links: BTreeSet<String>,
    /// Device by destination; a destination with several routes counts for its last. Routes that refuse have no device.
    pub routes: BTreeMap<Cidr, Option<String>>,
    /// MAC address and device by address, permanent entries only.
    pub neighbours: BTreeMap<Ipv4Addr, (String, String)>,
}

/// Reads the namespace that the calling thread is in.
pub fn look() -> io::Result<Seen> {
    let read = |name: &str| fs::read_to_string(format!("/proc/thread-self/net/{name}"));
    Ok(Seen { links: links(&read("dev")?), routes: routes(&read("route")?), neighbours: neighbours(&read("arp")?) })
}

impl Seen {
    /// The device of the route to exactly this block.
    pub fn route(&self, cidr: Cidr) -> Option<&str> {
        self.routes.get(&cidr)?.as_deref()
    }

    /// Single addresses that are routed to this device.
    pub fn hosts_on(&self, device: &str) -> impl Iterator<Item = Ipv4Addr> {
        let is_on = move |via: &Option<String>| via.as_deref() == Some(device);
        self.routes.iter().filter(move |((_, length), via)| *length == 32 && is_on(via)).map(|((base, _), _)| *base)
    }
}

fn links(text: &str) -> BTreeSet<String> {
    text.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim().to_owned()).collect()
}

fn routes(text: &str) -> BTreeMap<Cidr, Option<String>> {
    let route = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [device, destination, _, _, _, _, _, mask, ..] = fields[..] else { return None };
        let length = address(mask)?.to_bits().leading_ones() as u8;
        Some(((address(destination)?, length), Some(device.to_owned()).filter(|device| device != "*")))
    };
    text.lines().skip(1).filter_map(route).collect()
}

/// The kernel prints the four bytes as one number in the machine's own order.
fn address(hex: &str) -> Option<Ipv4Addr> {
    u32::from_str_radix(hex, 16).ok().map(|number| Ipv4Addr::from(number.to_ne_bytes()))
}

fn neighbours(text: &str) -> BTreeMap<Ipv4Addr, (String, String)> {
    const PERMANENT: u32 = 4;
    let neighbour = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [address, _, flags, mac, _, device] = fields[..] else { return None };
        let flags = u32::from_str_radix(flags.trim_start_matches("0x"), 16).ok()?;
        if flags & PERMANENT == 0 {
            return None;
        }
        Some((address.parse().ok()?, (mac.to_owned(), device.to_owned())))
    };
    text.lines().skip(1).filter_map(neighbour).collect()
}

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use super::{links, neighbours, routes};

    #[test]
    fn proc_files() {
        let dev = "Inter-|   Receive\n face |bytes    packets\n    lo:       0       0\n    t1:       0       0\n";
        assert_eq!(links(dev).into_iter().collect::<Vec<_>>(), ["lo", "t1"]);
        let route = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
                     t1\t0A001FAC\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n\
                     *\t00001FAC\t00000000\t0200\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
        let routes = routes(route);
        assert_eq!(routes[&([172, 31, 0, 10].into(), 32)].as_deref(), Some("t1"));
        assert_eq!(routes[&([172, 31, 0, 0].into(), 16)], None);
        let arp = "IP address       HW type     Flags       HW address            Mask     Device\n\
                   172.31.0.10      0x1         0x6         02:00:00:00:00:0a     *        t1\n\
                   169.254.0.1      0x1         0x2         02:00:00:00:00:0b     *        uplink\n";
        let neighbours = neighbours(arp);
        assert_eq!(neighbours.len(), 1);
        assert_eq!(neighbours[&[172, 31, 0, 10].into()], ("02:00:00:00:00:0a".to_owned(), "t1".to_owned()));
    }
}
