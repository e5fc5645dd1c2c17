//! Security groups and their rules, as stored.

use std::net::Ipv4Addr;

use ids::{AccountId, SecurityGroupId, SecurityGroupRuleId, VpcId};
use serde::{Deserialize, Serialize};
use store::{IndexEntry, KeyBuf, Record};

/// A security group with its rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupRecord {
    /// The account it belongs to.
    pub account: AccountId,
    /// Its id.
    pub id: SecurityGroupId,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its name, unique in the VPC.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its rules, in the order they were made.
    pub rules: Vec<RuleRecord>,
}

/// One rule of a security group: one protocol, one range of ports, one other end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRecord {
    /// Its id.
    pub id: SecurityGroupRuleId,
    /// Whether it permits outgoing traffic.
    pub is_egress: bool,
    /// `tcp`, `udp`, `icmp`, `-1` or a protocol number, as AWS writes it.
    pub protocol: String,
    /// First port or ICMP type; -1 for all.
    pub from_port: i32,
    /// Last port or ICMP code; -1 for all.
    pub to_port: i32,
    /// The other end.
    pub peer: RulePeer,
    /// What it is for.
    pub description: Option<String>,
}

/// The other end of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RulePeer {
    /// An IPv4 block.
    Ipv4(Ipv4Addr, u8),
    /// An IPv6 block, kept as AWS writes it. Nothing has an IPv6 address here yet, so it permits nothing.
    Ipv6(String),
    /// The members of a security group of the same VPC.
    Group(SecurityGroupId),
}

impl Record for SecurityGroupRecord {
    const TABLE: &'static str = "ec2/security-group";
    const VERSION: u16 = 1;
    type Key = (AccountId, SecurityGroupId);
    const INDEXES: &'static [&'static str] = &["name"];

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.id.clone())
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("name", KeyBuf::from((self.account.clone(), self.vpc.clone(), self.name.clone())))]
    }
}
