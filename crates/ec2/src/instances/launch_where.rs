//! Where a launch goes: its subnet and its security groups, from what the request names or from the default VPC.

use std::net::Ipv4Addr;

use ids::{AccountId, SecurityGroupId, SubnetId, VpcId};
use service::RegionFacts;
use store::{KeyBuf, KeyPrefix, StoreError, View};

use super::addresses::{self, InUse};
use super::launch_request::LaunchRequest;
use crate::Ec2Error;
use crate::network::record::{PrivateAddressRecord, PublicAddressRecord, SubnetRecord, VpcRecord};
use crate::scan::scan_all;
use crate::security_groups::record::SecurityGroupRecord;

/// The most security groups of an interface. Source: "Amazon VPC quotas".
const MAX_GROUPS: usize = 5;
/// The most subnets of a VPC that are looked through for the default one.
const MAX_SUBNETS: usize = 1000;

/// A subnet and security groups that go together.
#[derive(Debug)]
pub(crate) struct Where {
    /// The subnet.
    pub(crate) subnet: SubnetRecord,
    /// At least one group of the subnet's VPC, in the order of the request.
    pub(crate) groups: Vec<SecurityGroupId>,
}

impl Where {
    /// Finds the subnet and the groups of a request.
    ///
    /// # Errors
    /// AWS's, for what is not there or does not go together.
    pub(crate) fn find(
        view: &View,
        account: &AccountId,
        region: &RegionFacts,
        request: &LaunchRequest,
    ) -> Result<Self, Ec2Error> {
        if let Some(zone) = &request.zone
            && !region.zones.iter().any(|known| known.name == *zone)
        {
            return Err(Ec2Error::invalid_value(format!("Invalid availability zone: [{zone}]")));
        }
        let subnet = match &request.subnet {
            Some(text) => named_subnet(view, account, text)?,
            None => default_subnet(view, account, region, request.zone.as_deref())?,
        };
        if let Some(zone) = request.zone.as_ref().filter(|zone| **zone != subnet.zone) {
            let text = format!("The subnet '{}' is not in the availability zone '{zone}'.", subnet.id);
            return Err(Ec2Error::invalid_value(text));
        }
        let groups = groups(view, account, &subnet, request)?;
        if groups.len() > MAX_GROUPS {
            let text = "The maximum number of security groups for an interface has been reached.";
            return Err(Ec2Error::refused("SecurityGroupsPerInterfaceLimitExceeded", text));
        }
        Ok(Self { subnet, groups })
    }
}

fn named_subnet(view: &View, account: &AccountId, text: &str) -> Result<SubnetRecord, Ec2Error> {
    let missing = || Ec2Error::refused("InvalidSubnetID.NotFound", format!("The subnet ID '{text}' does not exist"));
    let id: SubnetId = text.parse().map_err(|_| missing())?;
    view.get(&(account.clone(), id))?.ok_or_else(missing)
}

fn default_subnet(
    view: &View,
    account: &AccountId,
    region: &RegionFacts,
    zone: Option<&str>,
) -> Result<SubnetRecord, Ec2Error> {
    let vpcs = scan_all::<VpcRecord>(view, &KeyPrefix::of(account))?;
    let vpc = vpcs.into_iter().find(|vpc| vpc.is_default).ok_or_else(|| {
        let text = "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.";
        Ec2Error::refused("VPCIdNotSpecified", text)
    })?;
    let key = KeyBuf::from((account.clone(), vpc.id.clone()));
    let subnets = view.by_index::<SubnetRecord>("vpc", key, None, MAX_SUBNETS)?;
    let zones: Vec<&str> = match zone {
        Some(zone) => vec![zone],
        None => region.zones.iter().map(|zone| zone.name.as_str()).collect(),
    };
    let of_zone = |zone: &&str| subnets.iter().find(|subnet| subnet.is_default && subnet.zone == *zone);
    zones.iter().find_map(of_zone).cloned().ok_or_else(|| {
        let text = format!("No subnets found for the default VPC '{}'. Please specify a subnet.", vpc.id);
        Ec2Error::refused("MissingInput", text)
    })
}

fn groups(
    view: &View,
    account: &AccountId,
    subnet: &SubnetRecord,
    request: &LaunchRequest,
) -> Result<Vec<SecurityGroupId>, Ec2Error> {
    let mut groups = Vec::new();
    for text in &request.group_ids {
        let group = group_by_id(view, account, text)?;
        if group.vpc != subnet.vpc {
            let text = format!("Security group {} and subnet {} belong to different networks.", group.id, subnet.id);
            return Err(Ec2Error::refused("InvalidParameter", text));
        }
        groups.push(group.id);
    }
    for name in &request.group_names {
        groups.push(group_by_name(view, account, &subnet.vpc, name)?);
    }
    if groups.is_empty() {
        groups.push(group_by_name(view, account, &subnet.vpc, "default")?);
    }
    let mut seen = std::collections::BTreeSet::new();
    groups.retain(|group| seen.insert(group.clone()));
    Ok(groups)
}

fn group_by_id(view: &View, account: &AccountId, text: &str) -> Result<SecurityGroupRecord, Ec2Error> {
    let id: SecurityGroupId = text.parse().map_err(|_| {
        let text = format!("Invalid id: \"{text}\" (expecting \"sg-...\")");
        Ec2Error::refused("InvalidGroupId.Malformed", text)
    })?;
    view.get(&(account.clone(), id))?.ok_or_else(|| {
        Ec2Error::refused("InvalidGroup.NotFound", format!("The security group '{text}' does not exist"))
    })
}

fn group_by_name(view: &View, account: &AccountId, vpc: &VpcId, name: &str) -> Result<SecurityGroupId, Ec2Error> {
    let key = KeyBuf::from((account.clone(), vpc.clone(), name.to_owned()));
    let found = view.by_index::<SecurityGroupRecord>("name", key, None, 1)?.into_iter().next();
    found.map(|group| group.id).ok_or_else(|| {
        let text = format!("The security group '{name}' does not exist in VPC '{vpc}'");
        Ec2Error::refused("InvalidGroup.NotFound", text)
    })
}

/// Checks that a private address that a request names may be used in a subnet.
///
/// # Errors
/// `InvalidParameterValue` outside the subnet's usable addresses, `InvalidIPAddress.InUse`.
pub(crate) fn check_private_ip(view: &View, subnet: &SubnetRecord, address: Ipv4Addr) -> Result<(), Ec2Error> {
    if !addresses::is_within(subnet.cidr, address) {
        let text = format!("Address {address} does not fall within the subnet's address range");
        return Err(Ec2Error::invalid_value(text));
    }
    let bits = address.to_bits();
    if !addresses::usable(subnet.cidr).is_some_and(|(first, last)| (first..=last).contains(&bits)) {
        return Err(Ec2Error::invalid_value(format!("Address {address} is in subnet's reserved address range")));
    }
    if view.contains::<PrivateAddressRecord>(&(subnet.id.clone(), u64::from(bits)))? {
        return Err(Ec2Error::refused("InvalidIPAddress.InUse", format!("Address {address} is in use.")));
    }
    Ok(())
}

/// The private addresses in use in a subnet.
pub(crate) struct PrivateInUse<'a>(pub(crate) &'a View, pub(crate) &'a SubnetId);

impl InUse for PrivateInUse<'_> {
    fn is_used(&self, address: u32) -> Result<bool, StoreError> {
        self.0.contains::<PrivateAddressRecord>(&(self.1.clone(), u64::from(address)))
    }

    fn used_from(&self, first: u32, limit: usize) -> Result<Vec<u32>, StoreError> {
        let after = first.checked_sub(1).map(|before| store::Position::after((self.1, u64::from(before))));
        let used = self.0.scan::<PrivateAddressRecord>(&KeyPrefix::of(self.1), after.as_ref(), limit)?;
        Ok(used.into_iter().map(|record| record.address.to_bits()).collect())
    }
}

/// The public addresses in use in the region.
pub(crate) struct PublicInUse<'a>(pub(crate) &'a View);

impl InUse for PublicInUse<'_> {
    fn is_used(&self, address: u32) -> Result<bool, StoreError> {
        self.0.contains::<PublicAddressRecord>(&u64::from(address))
    }

    fn used_from(&self, first: u32, limit: usize) -> Result<Vec<u32>, StoreError> {
        let after = first.checked_sub(1).map(|before| store::Position::after(u64::from(before)));
        let used = self.0.scan::<PublicAddressRecord>(&KeyPrefix::all(), after.as_ref(), limit)?;
        Ok(used.into_iter().map(|record| record.address.to_bits()).collect())
    }
}
