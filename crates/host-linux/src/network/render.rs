//! The packet filter of one VPC's namespace as `nft` text: anti-spoofing, security groups, one-to-one translation.
//! Pure: the same specification gives the same bytes. The text replaces the tables whole, in one transaction.
//! Not here: checks of the specification (`check.rs` did them), and IPv6, of which no packet passes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::Ipv4Addr;

use host::{FirewallRule, InterfaceSpec, NetworkSpec, Peer, Ports, Protocol};
use ids::SecurityGroupId;

use super::address::{METADATA, RESOLVER, UPLINK, gateway, resolver};
use crate::names::tap_name;

/// The text for `nft -f -`. Adding a table before deleting it makes the deletion succeed the first time too.
pub fn rule_set(spec: &NetworkSpec) -> String {
    let mut interfaces: Vec<&InterfaceSpec> = spec.interfaces.iter().collect();
    interfaces.sort_by(|a, b| a.id.cmp(&b.id));
    let senders = interfaces.iter().map(|i| format!("\"{}\" . {} . {}", tap_name(&i.id), i.mac, i.private_ip));
    let stations = interfaces.iter().map(|i| format!("\"{}\" . {}", tap_name(&i.id), i.mac));

    let mut text = String::from(
        "table arp welkin\ndelete table arp welkin\ntable inet welkin\ndelete table inet welkin\n\ntable arp welkin {\n",
    );
    set(&mut text, "set senders", "ifname . ether_addr . ipv4_addr", senders.clone());
    set(&mut text, "set stations", "ifname . ether_addr", stations.clone());
    text.push_str(
        "\tchain input {\n\
         \t\ttype filter hook input priority filter; policy drop;\n\
         \t\tiifname \"uplink\" accept\n\
         \t\tiifname . arp saddr ether . arp saddr ip @senders accept\n\
         \t\tarp saddr ip 0.0.0.0 iifname . arp saddr ether @stations accept\n\
         \t}\n}\n\ntable inet welkin {\n",
    );
    set(&mut text, "set senders", "ifname . ether_addr . ipv4_addr", senders);
    set(&mut text, "set stations", "ifname . ether_addr", stations);
    for (group, members) in groups(spec, &interfaces) {
        set(&mut text, &format!("set {}", set_name(group)), "ipv4_addr", members.iter().map(Ipv4Addr::to_string));
    }
    let translated: Vec<(Ipv4Addr, Ipv4Addr)> =
        interfaces.iter().filter_map(|i| i.public_ip.map(|public| (public, i.private_ip))).collect();
    set(&mut text, "set translated", "ipv4_addr", translated.iter().map(|(_, private)| private.to_string()));
    let inward = translated.iter().map(|(public, private)| format!("{public} : {private}"));
    set(&mut text, "map public_to_private", "ipv4_addr : ipv4_addr", inward);
    let outward = translated.iter().map(|(public, private)| format!("{private} : {public}"));
    set(&mut text, "map private_to_public", "ipv4_addr : ipv4_addr", outward);

    base_chains(&mut text, spec, &interfaces);
    for interface in &interfaces {
        let tap = tap_name(&interface.id);
        chain(&mut text, &format!("out_{tap}"), &interface.egress, "daddr", "goto deliver");
        chain(&mut text, &format!("in_{tap}"), &interface.ingress, "saddr", "accept");
    }
    text.push_str("}\n");
    text
}

/// Every group that a rule names, with its members: a group that the specification forgot has none.
fn groups<'a>(
    spec: &'a NetworkSpec,
    interfaces: &[&'a InterfaceSpec],
) -> BTreeMap<&'a SecurityGroupId, BTreeSet<Ipv4Addr>> {
    let rules = interfaces.iter().flat_map(|i| i.ingress.iter().chain(&i.egress));
    rules
        .filter_map(|rule| match &rule.peer {
            Peer::Group(group) => {
                Some((group, spec.members.get(group).into_iter().flatten().copied().collect::<BTreeSet<_>>()))
            }
            Peer::Cidr(..) => None,
        })
        .collect()
}

fn set_name(group: &SecurityGroupId) -> String {
    group.as_str().replace('-', "_")
}

fn set(text: &mut String, kind_and_name: &str, of: &str, elements: impl Iterator<Item = String>) {
    let _ = write!(text, "\t{kind_and_name} {{\n\t\ttype {of}\n");
    let elements: Vec<String> = elements.collect();
    if !elements.is_empty() {
        let _ = writeln!(text, "\t\telements = {{ {} }}", elements.join(",\n\t\t\t"));
    }
    text.push_str("\t}\n");
}

/// A verdict map from interface name to the interface's chain; nothing if there are no interfaces.
fn dispatch(interfaces: &[&InterfaceSpec], key: &str, prefix: &str) -> String {
    if interfaces.is_empty() {
        return String::new();
    }
    let elements: Vec<String> = interfaces
        .iter()
        .map(|i| {
            let tap = tap_name(&i.id);
            format!("\"{tap}\" : goto {prefix}_{tap}")
        })
        .collect();
    format!("\t\t{key} vmap {{ {} }}\n", elements.join(",\n\t\t\t"))
}

fn base_chains(text: &mut String, spec: &NetworkSpec, interfaces: &[&InterfaceSpec]) {
    let gateways: BTreeSet<String> = spec.subnets.iter().map(|subnet| gateway(subnet.cidr).to_string()).collect();
    let ping = if gateways.is_empty() {
        String::new()
    } else {
        let gateways = gateways.into_iter().collect::<Vec<_>>().join(", ");
        format!("\t\tip daddr {{ {gateways} }} icmp type echo-request accept\n")
    };
    let resolvers = format!("{}, {RESOLVER}", resolver(spec.cidr));
    let from = dispatch(interfaces, "iifname", "out");
    let to = dispatch(interfaces, "oifname", "in");
    // Sources are checked before connection tracking, so that a forged packet leaves no entry behind.
    let _ = write!(
        text,
        "\tchain source {{\n\
         \t\ttype filter hook prerouting priority raw; policy drop;\n\
         \t\tiifname {{ \"lo\", \"{UPLINK}\" }} meta nfproto ipv4 accept\n\
         \t\tiifname . ether saddr . ip saddr @senders accept\n\
         \t\tip saddr 0.0.0.0 udp sport 68 udp dport 67 iifname . ether saddr @stations accept\n\
         \t}}\n\
         \tchain translate_in {{\n\
         \t\ttype nat hook prerouting priority dstnat; policy accept;\n\
         \t\tiifname \"{UPLINK}\" dnat ip to ip daddr map @public_to_private\n\
         \t}}\n\
         \tchain translate_out {{\n\
         \t\ttype nat hook postrouting priority srcnat; policy accept;\n\
         \t\toifname \"{UPLINK}\" snat ip to ip saddr map @private_to_public\n\
         \t}}\n\
         \tchain input {{\n\
         \t\ttype filter hook input priority filter; policy drop;\n\
         \t\tiifname \"lo\" accept\n\
         \t\tiifname \"{UPLINK}\" drop\n\
         \t\tct state established,related accept\n\
         \t\tudp sport 68 udp dport 67 accept\n\
         \t\tip daddr {METADATA} tcp dport 80 accept\n\
         \t\tip daddr {{ {resolvers} }} meta l4proto {{ tcp, udp }} th dport 53 accept\n\
         {ping}\
         \t}}\n\
         \tchain forward {{\n\
         \t\ttype filter hook forward priority filter; policy drop;\n\
         \t\tct state established,related accept\n\
         \t\tct state invalid drop\n\
         \t\tip daddr 169.254.0.0/16 drop\n\
         {from}\
         \t\tiifname \"{UPLINK}\" ct status dnat goto deliver\n\
         \t}}\n\
         \tchain deliver {{\n\
         \t\toifname \"{UPLINK}\" ip saddr @translated accept\n\
         {to}\
         \t}}\n",
    );
}

fn chain(text: &mut String, name: &str, rules: &[FirewallRule], peer_field: &str, verdict: &str) {
    let _ = writeln!(text, "\tchain {name} {{");
    let lines: BTreeSet<String> = rules.iter().filter_map(|rule| matches(rule, peer_field)).collect();
    for line in lines {
        let _ = writeln!(text, "\t\t{line}{verdict}");
    }
    text.push_str("\t}\n");
}

/// What a packet must look like for the rule; nothing if no packet can, such as ports of a protocol without ports.
fn matches(rule: &FirewallRule, peer_field: &str) -> Option<String> {
    let peer = match &rule.peer {
        Peer::Cidr(_, 0) => String::new(),
        Peer::Cidr(base, length) => format!("ip {peer_field} {base}/{length} "),
        Peer::Group(group) => format!("ip {peer_field} @{} ", set_name(group)),
    };
    let what = match (rule.protocol, rule.ports) {
        (Protocol::All, _) => String::new(),
        (Protocol::Tcp, Ports::All) => "meta l4proto tcp ".to_owned(),
        (Protocol::Udp, Ports::All) => "meta l4proto udp ".to_owned(),
        (Protocol::Tcp, Ports::Range(first, last)) => format!("tcp dport {} ", range(first, last)?),
        (Protocol::Udp, Ports::Range(first, last)) => format!("udp dport {} ", range(first, last)?),
        (Protocol::Icmp, Ports::All) => "meta l4proto icmp ".to_owned(),
        (Protocol::Icmp, Ports::Icmp(kind, None)) => format!("icmp type {kind} "),
        (Protocol::Icmp, Ports::Icmp(kind, Some(code))) => format!("icmp type {kind} icmp code {code} "),
        (Protocol::Other(number), _) => format!("meta l4proto {number} "),
        (Protocol::Tcp | Protocol::Udp, Ports::Icmp(..)) | (Protocol::Icmp, Ports::Range(..)) => return None,
    };
    Some(format!("{peer}{what}"))
}

fn range(first: u16, last: u16) -> Option<String> {
    match first.cmp(&last) {
        std::cmp::Ordering::Less => Some(format!("{first}-{last}")),
        std::cmp::Ordering::Equal => Some(first.to_string()),
        std::cmp::Ordering::Greater => None,
    }
}

#[cfg(test)]
mod tests {
    use host::{FirewallRule, Peer, Ports, Protocol};

    use super::{matches, rule_set};
    use crate::network::fixture;

    #[test]
    fn an_empty_vpc() {
        assert_eq!(rule_set(&fixture::empty()), include_str!("golden/empty.nft"));
    }

    #[test]
    fn two_interfaces_one_public() {
        let mut spec = fixture::pair();
        assert_eq!(rule_set(&spec), include_str!("golden/pair.nft"));
        spec.interfaces.reverse();
        assert_eq!(rule_set(&spec), include_str!("golden/pair.nft"), "the order of the specification changed the text");
    }

    #[track_caller]
    fn check(protocol: Protocol, ports: Ports, peer: Peer, expected: Option<&str>) {
        assert_eq!(matches(&FirewallRule { protocol, ports, peer }, "saddr").as_deref(), expected);
    }

    #[test]
    fn rules() {
        let any = || Peer::Cidr([0, 0, 0, 0].into(), 0);
        check(Protocol::All, Ports::All, any(), Some(""));
        check(Protocol::All, Ports::All, Peer::Cidr([10, 0, 0, 0].into(), 8), Some("ip saddr 10.0.0.0/8 "));
        check(Protocol::Tcp, Ports::Range(0, 65535), any(), Some("tcp dport 0-65535 "));
        check(Protocol::Udp, Ports::Range(53, 53), any(), Some("udp dport 53 "));
        check(Protocol::Icmp, Ports::Icmp(3, Some(4)), any(), Some("icmp type 3 icmp code 4 "));
        check(Protocol::Other(47), Ports::All, any(), Some("meta l4proto 47 "));
        check(Protocol::Tcp, Ports::Range(2, 1), any(), None);
        check(Protocol::Tcp, Ports::Icmp(8, None), any(), None);
        check(Protocol::Icmp, Ports::Range(1, 2), any(), None);
    }
}
