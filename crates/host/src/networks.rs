//! VPC networks as a host sees them: a layer-3 router a VPC, an interface each with its own address.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use async_trait::async_trait;
use ids::{InstanceId, NetworkInterfaceId, SecurityGroupId, SubnetId, VpcId};
use serde::{Deserialize, Serialize};

use crate::HostError;

/// All that one node must know of one VPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkSpec {
    /// The VPC.
    pub vpc: VpcId,
    /// Its address block: base address and prefix length.
    pub cidr: (Ipv4Addr, u8),
    /// Its subnets on this node.
    pub subnets: Vec<SubnetSpec>,
    /// Interfaces on this node, in the order of their ids.
    pub interfaces: Vec<InterfaceSpec>,
    /// The members of each security group that a rule of these interfaces names: private addresses in the whole VPC.
    pub members: BTreeMap<SecurityGroupId, Vec<Ipv4Addr>>,
}

/// A subnet: a block of addresses. Its first address plus one is the router's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubnetSpec {
    /// The subnet.
    pub id: SubnetId,
    /// Base address and prefix length.
    pub cidr: (Ipv4Addr, u8),
}

/// One elastic network interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceSpec {
    /// The interface.
    pub id: NetworkInterfaceId,
    /// The subnet its address is of.
    pub subnet: SubnetId,
    /// MAC address as `02:xx:xx:xx:xx:xx`.
    pub mac: String,
    /// Its private address.
    pub private_ip: Ipv4Addr,
    /// Its public address out of the region's pool, if it has one: translated one to one.
    pub public_ip: Option<Ipv4Addr>,
    /// The host name that DHCP hands out and DNS resolves, such as `ip-172-31-0-5.ec2.internal`.
    pub host_name: String,
    /// What may come in, as the union of its groups' rules. All else is dropped; answers always pass.
    pub ingress: Vec<FirewallRule>,
    /// What may go out.
    pub egress: Vec<FirewallRule>,
    /// What the metadata service answers to this interface.
    pub metadata: MetadataSpec,
}

/// One permission of a security group. Source: the EC2 type `IpPermission`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FirewallRule {
    /// Which protocol.
    pub protocol: Protocol,
    /// Which ports, or which ICMP type and code.
    pub ports: Ports,
    /// The other end.
    pub peer: Peer,
}

/// The protocol of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Protocol {
    /// Any protocol (`-1`).
    All,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP for IPv4.
    Icmp,
    /// Another IP protocol by its number.
    Other(u8),
}

/// Ports of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Ports {
    /// Every port, or every ICMP type.
    All,
    /// TCP or UDP ports from the first to the last, both included.
    Range(u16, u16),
    /// An ICMP type, and a code unless any will do.
    Icmp(u8, Option<u8>),
}

/// The other end of a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Peer {
    /// An IPv4 block: base address and prefix length.
    Cidr(Ipv4Addr, u8),
    /// The members of a security group, see [`NetworkSpec::members`].
    Group(SecurityGroupId),
}

/// What the metadata service at 169.254.169.254 knows for one interface. The meaning of the paths is EC2's business;
/// the host only serves them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataSpec {
    /// The instance that asks.
    pub instance: InstanceId,
    /// Leaves below `/latest/`, such as `meta-data/instance-id` and `dynamic/instance-identity/document`. Folders
    /// are listed from them: a line a child, `/` behind those that have children. A key that ends in `/` is the
    /// listing of that folder where it must read otherwise: `meta-data/public-keys/` holds `0=my-key`, a line a key.
    pub leaves: BTreeMap<String, String>,
    /// The bytes of `/latest/user-data`, if there are any.
    pub user_data: Option<Vec<u8>>,
    /// True if requests without a session token are refused (`HttpTokens=required`).
    pub token_required: bool,
    /// How many hops an answer to a token request may travel (`HttpPutResponseHopLimit`, 1 to 64).
    pub hop_limit: u8,
    /// False if the service answers 403 to everything (`HttpEndpoint=disabled`).
    pub is_enabled: bool,
}

/// Without what the leaves and the user data say: credentials are among it, and this goes to logs.
impl std::fmt::Debug for MetadataSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MetadataSpec")
            .field("instance", &self.instance)
            .field("leaves", &self.leaves.len())
            .field("token_required", &self.token_required)
            .field("hop_limit", &self.hop_limit)
            .field("is_enabled", &self.is_enabled)
            .finish_non_exhaustive()
    }
}

/// Effects on networks. Each is idempotent.
#[async_trait]
pub trait Networks: Send + Sync {
    /// The VPCs of which this host has anything at all.
    async fn list(&self) -> Result<Vec<VpcId>, HostError>;

    /// Makes the VPC's network on this host equal to the specification: namespace, a tap for each interface, routes,
    /// filter and translation rules (swapped in one atomic step), DHCP, DNS and metadata. Interfaces that are no
    /// longer named are removed.
    async fn apply(&self, spec: &NetworkSpec) -> Result<(), HostError>;

    /// Removes all that this host has of a VPC.
    async fn remove(&self, vpc: &VpcId) -> Result<(), HostError>;

    /// Removes all that this host has of every network of this region, the link and the route to it included.
    async fn purge(&self) -> Result<(), HostError>;
}
