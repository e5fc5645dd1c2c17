//! VPCs, subnets, zones and regions, as their describers show them, and the network each account begins with.
//! Not here yet: making VPCs and subnets of one's own, route tables, gateways.

mod default_network;
mod describe_subnets;
mod describe_vpcs;
mod describe_zones;
pub(crate) mod record;

use std::net::Ipv4Addr;

use ids::AccountId;
use store::{KeyPrefix, StoreError, View};

use self::record::VpcRecord;

pub use self::default_network::{DefaultNetwork, default_network};

/// More VPCs or subnets than an account may have.
const ALL: usize = 100_000;

/// The account's default VPC, if it still has one.
///
/// # Errors
/// The store's.
pub(crate) fn default_vpc(view: &View, account: &AccountId) -> Result<Option<VpcRecord>, StoreError> {
    Ok(view.scan::<VpcRecord>(&KeyPrefix::of(account), None, ALL)?.into_iter().find(|vpc| vpc.is_default))
}

/// A block as AWS writes it.
pub(crate) fn cidr_text((base, length): (Ipv4Addr, u8)) -> String {
    format!("{base}/{length}")
}
