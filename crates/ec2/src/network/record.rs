//! VPCs, subnets and the addresses in use, as stored.

use std::net::Ipv4Addr;

use ids::{AccountId, NetworkInterfaceId, SubnetId, VpcId};
use serde::{Deserialize, Serialize};
use store::{IndexEntry, KeyBuf, Record};

/// A VPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcRecord {
    /// The account it belongs to.
    pub account: AccountId,
    /// Its id.
    pub id: VpcId,
    /// Its address block.
    pub cidr: (Ipv4Addr, u8),
    /// Whether it is the account's default VPC.
    pub is_default: bool,
    /// The id of its DHCP options, `dopt-…`.
    pub dhcp_options: String,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubnetRecord {
    /// The account it belongs to.
    pub account: AccountId,
    /// Its id.
    pub id: SubnetId,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its availability zone.
    pub zone: String,
    /// Its address block.
    pub cidr: (Ipv4Addr, u8),
    /// Whether it is the default subnet of its zone.
    pub is_default: bool,
    /// Whether instances in it get a public address unless they say otherwise.
    pub maps_public_ip: bool,
}

/// A private address in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivateAddressRecord {
    /// The subnet it is of.
    pub subnet: SubnetId,
    /// The address.
    pub address: Ipv4Addr,
    /// Whose it is.
    pub interface: NetworkInterfaceId,
}

/// A public address in use. Public addresses belong to the region's pool, so the table is not split by account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAddressRecord {
    /// The address.
    pub address: Ipv4Addr,
    /// The account that uses it.
    pub account: AccountId,
    /// Whose it is.
    pub interface: NetworkInterfaceId,
}

impl Record for VpcRecord {
    const TABLE: &'static str = "ec2/vpc";
    const VERSION: u16 = 1;
    type Key = (AccountId, VpcId);

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.id.clone())
    }
}

impl Record for SubnetRecord {
    const TABLE: &'static str = "ec2/subnet";
    const VERSION: u16 = 1;
    type Key = (AccountId, SubnetId);
    const INDEXES: &'static [&'static str] = &["vpc"];

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.id.clone())
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("vpc", KeyBuf::from((self.account.clone(), self.vpc.clone())))]
    }
}

impl Record for PrivateAddressRecord {
    const TABLE: &'static str = "ec2/private-address";
    const VERSION: u16 = 1;
    type Key = (SubnetId, u64);

    fn key(&self) -> Self::Key {
        (self.subnet.clone(), u64::from(self.address.to_bits()))
    }
}

impl Record for PublicAddressRecord {
    const TABLE: &'static str = "ec2/public-address";
    const VERSION: u16 = 1;
    type Key = u64;

    fn key(&self) -> u64 {
        u64::from(self.address.to_bits())
    }
}
