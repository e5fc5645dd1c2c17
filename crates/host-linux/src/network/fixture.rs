//! Specifications that several tests of this folder read.
#![allow(clippy::unwrap_used, dead_code, reason = "the ids are written here, and not every build has every test")]

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use host::{FirewallRule, InterfaceSpec, MetadataSpec, NetworkSpec, Peer, Ports, Protocol, SubnetSpec};

pub const POOL: (Ipv4Addr, u8) = (Ipv4Addr::new(198, 18, 37, 0), 24);

pub fn empty() -> NetworkSpec {
    NetworkSpec {
        vpc: "vpc-0123456789abcdef0".parse().unwrap(),
        cidr: ([172, 31, 0, 0].into(), 16),
        subnets: Vec::new(),
        interfaces: Vec::new(),
        members: BTreeMap::new(),
    }
}

pub fn interface(n: u8) -> InterfaceSpec {
    InterfaceSpec {
        id: format!("eni-000000000000000{n:02x}").parse().unwrap(),
        subnet: "subnet-00000000000000001".parse().unwrap(),
        mac: format!("02:00:00:00:00:{n:02x}"),
        private_ip: [172, 31, 0, n].into(),
        public_ip: None,
        host_name: format!("ip-172-31-0-{n}.ec2.internal"),
        ingress: Vec::new(),
        egress: vec![rule(Protocol::All, Ports::All, Peer::Cidr([0, 0, 0, 0].into(), 0))],
        metadata: MetadataSpec {
            instance: format!("i-000000000000000{n:02x}").parse().unwrap(),
            leaves: BTreeMap::new(),
            user_data: None,
            token_required: true,
            hop_limit: 1,
            is_enabled: true,
        },
    }
}

pub fn rule(protocol: Protocol, ports: Ports, peer: Peer) -> FirewallRule {
    FirewallRule { protocol, ports, peer }
}

pub fn pair() -> NetworkSpec {
    let group: ids::SecurityGroupId = "sg-0123456789abcdef0".parse().unwrap();
    let mut first = interface(10);
    first.public_ip = Some([198, 18, 37, 10].into());
    first.ingress = vec![
        rule(Protocol::Tcp, Ports::Range(22, 22), Peer::Cidr([198, 18, 0, 0].into(), 16)),
        rule(Protocol::Icmp, Ports::Icmp(8, None), Peer::Cidr([0, 0, 0, 0].into(), 0)),
        rule(Protocol::All, Ports::All, Peer::Group(group.clone())),
    ];
    let mut second = interface(11);
    second.ingress = vec![rule(Protocol::Udp, Ports::Range(5000, 6000), Peer::Group(group.clone()))];
    NetworkSpec {
        subnets: vec![SubnetSpec { id: first.subnet.clone(), cidr: ([172, 31, 0, 0].into(), 20) }],
        members: BTreeMap::from([(group, vec![first.private_ip, second.private_ip])]),
        interfaces: vec![first, second],
        ..empty()
    }
}
