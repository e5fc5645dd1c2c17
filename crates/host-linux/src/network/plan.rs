//! From what is seen to what is wanted, as lines for `ip -batch -`. Pure.
//! Within each object the line that is looked for later comes last, so that a crash in between is completed by the
//! next round and never taken for done.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::Ipv4Addr;

use host::{NetworkSpec, SubnetSpec};

use super::address::{Cidr, HOST, METADATA, RESOLVER, ROUTER_MAC, UPLINK, UPLINK_SIDE, VPC_SIDE, gateway, resolver};
use super::seen::Seen;
use crate::names::{tap_name, uplink_veth_name};

/// Where the default route is found.
const DEFAULT: Cidr = (Ipv4Addr::UNSPECIFIED, 0);

/// The device group of all taps of a VPC: by it they are deleted in one step, which takes as long as a single one.
pub const TAP_GROUP: u32 = 87;

/// Lines for the host's own namespace: the one link and the one route.
pub fn host(seen: &Seen, link: &str, uplink_netns: &str, pool: Cidr, has_ipv6: bool) -> String {
    let mut lines = String::new();
    let (base, length) = pool;
    if !seen.links.contains(link) {
        let _ = writeln!(lines, "link add dev {link} type veth peer name {HOST} netns {uplink_netns}");
    }
    if seen.route(pool) != Some(link) {
        if has_ipv6 {
            let _ = writeln!(lines, "link set dev {link} addrgenmode none");
        }
        let _ = writeln!(lines, "addr replace {base}/32 dev {link}");
        let _ = writeln!(lines, "link set dev {link} up");
        let _ = writeln!(lines, "route replace {base}/{length} via {UPLINK_SIDE} dev {link} onlink src {base}");
    }
    lines
}

/// Lines for the region's uplink namespace, VPCs aside.
pub fn uplink(seen: &Seen, pool: Cidr) -> String {
    if seen.route(DEFAULT) == Some(HOST) {
        return String::new();
    }
    let (base, length) = pool;
    format!(
        "addr replace {UPLINK_SIDE}/32 dev lo\nlink set dev lo up\nlink set dev {HOST} up\n\
         route replace unreachable {base}/{length}\nroute replace {base}/32 dev {HOST}\n\
         route replace default via {base} dev {HOST} onlink\n"
    )
}

/// Lines for the uplink namespace that connect one VPC: its veth pair and a route a public address.
pub fn connect(uplink: &Seen, vpc: &Seen, vpc_netns: &str, spec: &NetworkSpec) -> String {
    let veth = uplink_veth_name(&spec.vpc);
    let mut lines = String::new();
    let is_connected = uplink.links.contains(&veth) && vpc.links.contains(UPLINK);
    if !is_connected {
        if uplink.links.contains(&veth) {
            let _ = writeln!(lines, "link delete dev {veth}");
        }
        let _ = writeln!(lines, "link add dev {veth} type veth peer name {UPLINK} netns {vpc_netns}");
        let _ = writeln!(lines, "link set dev {veth} up");
    }
    let wanted: BTreeSet<Ipv4Addr> = spec.interfaces.iter().filter_map(|interface| interface.public_ip).collect();
    let routed: BTreeSet<Ipv4Addr> = if is_connected { uplink.hosts_on(&veth).collect() } else { BTreeSet::new() };
    for address in routed.difference(&wanted) {
        let _ = writeln!(lines, "route delete {address}/32 dev {veth}");
    }
    for address in wanted.difference(&routed) {
        let _ = writeln!(lines, "route replace {address}/32 via {VPC_SIDE} dev {veth} onlink");
    }
    lines
}

/// Lines for the VPC's namespace, and the taps that they make.
pub fn vpc(seen: &Seen, spec: &NetworkSpec) -> (String, BTreeSet<String>) {
    let mut lines = String::new();
    let mut made = BTreeSet::new();
    if seen.route(DEFAULT) != Some(UPLINK) {
        let (base, length) = spec.cidr;
        let resolver = resolver(spec.cidr);
        let _ = write!(
            lines,
            "addr replace {METADATA}/32 dev lo\naddr replace {RESOLVER}/32 dev lo\naddr replace {resolver}/32 dev lo\n\
             link set dev lo up\naddr replace {VPC_SIDE}/32 dev {UPLINK}\nlink set dev {UPLINK} up\n\
             route replace unreachable {base}/{length}\nroute replace default via {UPLINK_SIDE} dev {UPLINK} onlink\n"
        );
    }
    let subnets: BTreeMap<_, &SubnetSpec> = spec.subnets.iter().map(|subnet| (&subnet.id, subnet)).collect();
    let wanted: BTreeSet<String> = spec.interfaces.iter().map(|interface| tap_name(&interface.id)).collect();
    for tap in seen.links.iter().filter(|link| is_tap(link) && !wanted.contains(*link)) {
        let _ = writeln!(lines, "link delete dev {tap}");
    }
    for interface in &spec.interfaces {
        let tap = tap_name(&interface.id);
        let address = interface.private_ip;
        for old in seen.hosts_on(&tap).filter(|old| *old != address) {
            let _ = writeln!(lines, "route delete {old}/32 dev {tap}");
        }
        let has_neighbour =
            seen.neighbours.get(&address).is_some_and(|(mac, device)| *mac == interface.mac && *device == tap);
        if has_neighbour && seen.route((address, 32)) == Some(tap.as_str()) {
            continue;
        }
        // `check` refuses an interface without its subnet.
        let Some(subnet) = subnets.get(&interface.subnet) else { continue };
        let gateway = gateway(subnet.cidr);
        if !seen.links.contains(&tap) {
            let _ = writeln!(lines, "tuntap add dev {tap} mode tap vnet_hdr");
            made.insert(tap.clone());
        }
        let _ = write!(
            lines,
            "link set dev {tap} address {ROUTER_MAC} group {TAP_GROUP}\naddr replace {gateway}/32 dev {tap}\nlink set dev {tap} up\n\
             neigh replace {address} lladdr {} dev {tap} nud permanent\nroute replace {address}/32 dev {tap} src {gateway}\n",
            interface.mac
        );
    }
    (lines, made)
}

/// Private addresses whose interface goes away or changes: what connection tracking knows of them is void.
pub fn vacated(seen: &Seen, spec: &NetworkSpec) -> BTreeSet<Ipv4Addr> {
    let stays = |address: Ipv4Addr, tap: &str| {
        spec.interfaces.iter().any(|i| i.private_ip == address && tap_name(&i.id) == tap)
    };
    let routed = seen.routes.iter().filter(|((_, length), _)| *length == 32);
    routed
        .filter_map(|((base, _), device)| device.as_deref().map(|device| (*base, device)))
        .filter(|(base, device)| is_tap(device) && !stays(*base, device))
        .map(|(base, _)| base)
        .collect()
}

/// True for names that [`tap_name`] makes.
pub fn is_tap(link: &str) -> bool {
    link.strip_prefix('t').is_some_and(|digits| digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::{connect, host, uplink, vacated, vpc};
    use crate::network::fixture;
    use crate::network::seen::Seen;

    const FIRST: &str = "t0000000000000a";
    const SECOND: &str = "t0000000000000b";

    fn complete() -> Seen {
        let mut seen = Seen::default();
        seen.links.extend(["lo", "uplink", FIRST, SECOND].map(str::to_owned));
        seen.routes.insert(([0, 0, 0, 0].into(), 0), Some("uplink".to_owned()));
        for (n, tap) in [(10, FIRST), (11, SECOND)] {
            seen.routes.insert(([172, 31, 0, n].into(), 32), Some(tap.to_owned()));
            seen.neighbours.insert([172, 31, 0, n].into(), (format!("02:00:00:00:00:{n:02x}"), tap.to_owned()));
        }
        seen
    }

    #[test]
    fn what_is_complete_needs_nothing() {
        assert_eq!(vpc(&complete(), &fixture::pair()).0, "");
        assert!(vacated(&complete(), &fixture::pair()).is_empty());
    }

    #[test]
    fn one_interface_more_touches_no_other() {
        let mut seen = complete();
        seen.links.remove(SECOND);
        seen.routes.remove(&([172, 31, 0, 11].into(), 32));
        seen.neighbours.remove(&[172, 31, 0, 11].into());
        let (lines, made) = vpc(&seen, &fixture::pair());
        assert!(lines.starts_with(&format!("tuntap add dev {SECOND} mode tap vnet_hdr\n")), "{lines}");
        assert!(lines.ends_with(&format!("route replace 172.31.0.11/32 dev {SECOND} src 172.31.0.1\n")), "{lines}");
        assert!(!lines.contains(FIRST), "{lines}");
        assert_eq!(made.into_iter().collect::<Vec<_>>(), [SECOND]);
    }

    #[test]
    fn an_interface_less_goes_and_vacates_its_address() {
        let mut spec = fixture::pair();
        spec.interfaces.pop();
        assert_eq!(vpc(&complete(), &spec).0, format!("link delete dev {SECOND}\n"));
        assert_eq!(vacated(&complete(), &spec), [std::net::Ipv4Addr::new(172, 31, 0, 11)].into());
    }

    #[test]
    fn a_crash_before_the_route_is_completed_without_a_second_tap() {
        let mut seen = complete();
        seen.routes.remove(&([172, 31, 0, 11].into(), 32));
        let (lines, made) = vpc(&seen, &fixture::pair());
        assert!(!lines.contains("tuntap") && lines.contains("route replace 172.31.0.11/32"), "{lines}");
        assert!(made.is_empty());
    }

    #[test]
    fn the_host_gets_one_link_and_one_route() {
        let lines = host(&Seen::default(), "wk-t", "welkin-t", fixture::POOL, true);
        assert_eq!(
            lines,
            "link add dev wk-t type veth peer name host netns welkin-t\nlink set dev wk-t addrgenmode none\n\
             addr replace 198.18.37.0/32 dev wk-t\nlink set dev wk-t up\n\
             route replace 198.18.37.0/24 via 169.254.0.1 dev wk-t onlink src 198.18.37.0\n"
        );
        let mut seen = Seen::default();
        seen.links.insert("wk-t".to_owned());
        seen.routes.insert(fixture::POOL, Some("wk-t".to_owned()));
        assert_eq!(host(&seen, "wk-t", "welkin-t", fixture::POOL, true), "");
        assert!(
            uplink(&Seen::default(), fixture::POOL)
                .ends_with("route replace default via 198.18.37.0 dev host onlink\n")
        );
    }

    #[test]
    fn public_addresses_are_routed_to_their_vpc() {
        let spec = fixture::pair();
        let veth = "v3456789abcdef0";
        let mut seen = Seen::default();
        let lines = connect(&seen, &Seen::default(), "n", &spec);
        assert_eq!(
            lines,
            format!(
                "link add dev {veth} type veth peer name uplink netns n\nlink set dev {veth} up\n\
                 route replace 198.18.37.10/32 via 169.254.0.2 dev {veth} onlink\n"
            )
        );
        seen.links.insert(veth.to_owned());
        assert!(connect(&seen, &Seen::default(), "n", &spec).starts_with(&format!("link delete dev {veth}\n")));
        seen.routes.insert(([198, 18, 37, 9].into(), 32), Some(veth.to_owned()));
        seen.routes.insert(([198, 18, 37, 10].into(), 32), Some(veth.to_owned()));
        assert_eq!(connect(&seen, &complete(), "n", &spec), format!("route delete 198.18.37.9/32 dev {veth}\n"));
    }
}
