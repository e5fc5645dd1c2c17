//! What a group lets pass, in the terms of the host.

use host::{FirewallRule, Peer, Ports, Protocol};

use super::record::{RulePeer, RuleRecord, SecurityGroupRecord};

/// What a group permits to come in, and to go out. Rules for IPv6 are left out: nothing has an IPv6 address here.
#[cfg_attr(not(test), allow(dead_code, reason = "for the reconciler of instances"))]
pub(crate) fn firewall_rules(group: &SecurityGroupRecord) -> (Vec<FirewallRule>, Vec<FirewallRule>) {
    let of = |is_egress: bool| {
        let rules = group.rules.iter().filter(|rule| rule.is_egress == is_egress);
        rules.filter_map(rendered).collect()
    };
    (of(false), of(true))
}

fn rendered(rule: &RuleRecord) -> Option<FirewallRule> {
    let peer = match &rule.peer {
        RulePeer::Ipv4(base, length) => Peer::Cidr(*base, *length),
        RulePeer::Group(id) => Peer::Group(id.clone()),
        RulePeer::Ipv6(_) => return None,
    };
    let port_range = || match (u16::try_from(rule.from_port), u16::try_from(rule.to_port)) {
        (Ok(0), Ok(u16::MAX)) => Some(Ports::All),
        (Ok(first), Ok(last)) => Some(Ports::Range(first, last)),
        _ => None,
    };
    let (protocol, ports) = match rule.protocol.as_str() {
        "-1" => (Protocol::All, Ports::All),
        "tcp" => (Protocol::Tcp, port_range()?),
        "udp" => (Protocol::Udp, port_range()?),
        "icmp" => match u8::try_from(rule.from_port) {
            Ok(kind) => (Protocol::Icmp, Ports::Icmp(kind, u8::try_from(rule.to_port).ok())),
            Err(_) => (Protocol::Icmp, Ports::All),
        },
        "icmpv6" => return None,
        number => (Protocol::Other(number.parse().ok()?), Ports::All),
    };
    Some(FirewallRule { protocol, ports, peer })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use host::{Peer, Ports, Protocol};
    use ids::{AccountId, SecurityGroupId, SecurityGroupRuleId, VpcId};

    use super::firewall_rules;
    use crate::security_groups::record::{RulePeer, RuleRecord, SecurityGroupRecord};

    fn check(protocol: &str, ports: (i32, i32), peer: RulePeer, expected: Option<(Protocol, Ports)>) {
        let rule = |is_egress| RuleRecord {
            id: SecurityGroupRuleId::from_random([1; 8]),
            is_egress,
            protocol: protocol.to_owned(),
            from_port: ports.0,
            to_port: ports.1,
            peer: peer.clone(),
            description: None,
        };
        let mut group = SecurityGroupRecord {
            account: AccountId::from_random([1; 8]),
            id: SecurityGroupId::from_random([1; 8]),
            vpc: VpcId::from_random([1; 8]),
            name: String::new(),
            description: String::new(),
            rules: vec![rule(false)],
        };
        let (ingress, egress) = firewall_rules(&group);
        assert!(egress.is_empty());
        group.rules = vec![rule(true)];
        assert_eq!(firewall_rules(&group), (Vec::new(), ingress.clone()));
        let seen = ingress.first().map(|rule| (rule.protocol, rule.ports));
        assert_eq!(seen, expected, "{protocol} {ports:?} {peer:?}");
    }

    #[test]
    fn rules_become_permissions() {
        let world = RulePeer::Ipv4(Ipv4Addr::UNSPECIFIED, 0);
        check("-1", (-1, -1), world.clone(), Some((Protocol::All, Ports::All)));
        check("tcp", (22, 22), world.clone(), Some((Protocol::Tcp, Ports::Range(22, 22))));
        check("tcp", (0, 65535), world.clone(), Some((Protocol::Tcp, Ports::All)));
        check("udp", (53, 54), world.clone(), Some((Protocol::Udp, Ports::Range(53, 54))));
        check("icmp", (-1, -1), world.clone(), Some((Protocol::Icmp, Ports::All)));
        check("icmp", (8, -1), world.clone(), Some((Protocol::Icmp, Ports::Icmp(8, None))));
        check("icmp", (3, 4), world.clone(), Some((Protocol::Icmp, Ports::Icmp(3, Some(4)))));
        check("50", (-1, -1), world.clone(), Some((Protocol::Other(50), Ports::All)));
        check("icmpv6", (-1, -1), world, None);
        check("-1", (-1, -1), RulePeer::Ipv6("::/0".to_owned()), None);
    }

    #[test]
    fn peers_stay_what_they_are() {
        let id = SecurityGroupId::from_random([7; 8]);
        for (peer, expected) in [
            (RulePeer::Ipv4(Ipv4Addr::new(10, 0, 0, 0), 8), Peer::Cidr(Ipv4Addr::new(10, 0, 0, 0), 8)),
            (RulePeer::Group(id.clone()), Peer::Group(id)),
        ] {
            let rule = RuleRecord {
                id: SecurityGroupRuleId::from_random([1; 8]),
                is_egress: false,
                protocol: "-1".to_owned(),
                from_port: -1,
                to_port: -1,
                peer,
                description: None,
            };
            assert_eq!(super::rendered(&rule).map(|rule| rule.peer), Some(expected));
        }
    }
}
