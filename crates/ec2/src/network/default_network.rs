//! The network that every account begins with.
//! Source: <https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html>.

use std::net::Ipv4Addr;

use ids::{AccountId, SecurityGroupId, SecurityGroupRuleId, SubnetId, VpcId};
use service::RegionFacts;
use store::{Changes, StoreError};

use super::record::{SubnetRecord, VpcRecord};
use crate::security_groups::record::{RulePeer, RuleRecord, SecurityGroupRecord};

/// The block of a default VPC, and the length of its subnets: sixteen of them have room.
const BLOCK: (Ipv4Addr, u8) = (Ipv4Addr::new(172, 31, 0, 0), 16);
const SUBNET_LENGTH: u8 = 20;
const MAX_SUBNETS: usize = 1 << (SUBNET_LENGTH - BLOCK.1);

/// The ids of what an account begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultNetwork {
    /// The default VPC.
    pub vpc: VpcId,
    /// The default subnet of each zone, in the order of the zones.
    pub subnets: Vec<SubnetId>,
    /// The default security group of the VPC.
    pub group: SecurityGroupId,
}

/// The default VPC with a subnet a zone (of the first sixteen) and its default security group, to be committed together
/// with the account. `random` gives the bytes of the ids.
///
/// # Errors
/// Only what the store says of a record.
pub fn default_network(
    account: &AccountId,
    region: &RegionFacts,
    random: &mut impl FnMut() -> [u8; 8],
) -> Result<(Changes, DefaultNetwork), StoreError> {
    let mut changes = Changes::new();
    let vpc = VpcId::from_random(random());
    changes.put(&VpcRecord {
        account: account.clone(),
        id: vpc.clone(),
        cidr: BLOCK,
        is_default: true,
        dhcp_options: VpcId::from_random(random()).as_str().replacen(VpcId::PREFIX, "dopt", 1),
    })?;
    let bases = (BLOCK.0.to_bits()..).step_by(1 << (32 - SUBNET_LENGTH));
    let mut subnets = Vec::new();
    for (zone, base) in region.zones.iter().take(MAX_SUBNETS).zip(bases) {
        let id = SubnetId::from_random(random());
        subnets.push(id.clone());
        changes.put(&SubnetRecord {
            account: account.clone(),
            id,
            vpc: vpc.clone(),
            zone: zone.name.clone(),
            cidr: (Ipv4Addr::from_bits(base), SUBNET_LENGTH),
            is_default: true,
            maps_public_ip: true,
        })?;
    }
    let group = SecurityGroupId::from_random(random());
    let rule = |is_egress, peer, random: &mut dyn FnMut() -> [u8; 8]| RuleRecord {
        id: SecurityGroupRuleId::from_random(random()),
        is_egress,
        protocol: "-1".to_owned(),
        from_port: -1,
        to_port: -1,
        peer,
        description: None,
    };
    changes.put(&SecurityGroupRecord {
        account: account.clone(),
        id: group.clone(),
        vpc: vpc.clone(),
        name: "default".to_owned(),
        description: "default VPC security group".to_owned(),
        rules: vec![
            rule(false, RulePeer::Group(group.clone()), random),
            rule(true, RulePeer::Ipv4(Ipv4Addr::UNSPECIFIED, 0), random),
        ],
    })?;
    Ok((changes, DefaultNetwork { vpc, subnets, group }))
}
