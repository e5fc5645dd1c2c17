//! `ec2:DescribeSubnets`. Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html>.

use api::ec2::{DescribeSubnets, DescribeSubnetsRequest, DescribeSubnetsResult, PrivateDnsNameOptionsOnLaunch, Subnet};
use ids::Arn;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{KeyPrefix, StoreError, View};

use super::record::{PrivateAddressRecord, SubnetRecord};
use super::{ALL, cidr_text};
use crate::filters::{Facts, Filters};
use crate::grounds::Grounds;
use crate::paging::Page;
use crate::{Ec2, Ec2Error, tags};

/// Addresses of each subnet that nobody gets: network, router, DNS, one in reserve, broadcast.
/// Source: <https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>.
const RESERVED_ADDRESSES: usize = 5;

const FILTERS: &[&str] = &[
    "availability-zone",
    "availabilityZone",
    "availability-zone-id",
    "availabilityZoneId",
    "available-ip-address-count",
    "cidr-block",
    "cidr",
    "cidrBlock",
    "default-for-az",
    "defaultForAz",
    "map-public-ip-on-launch",
    "owner-id",
    "state",
    "subnet-arn",
    "subnet-id",
    "vpc-id",
];

struct Described {
    record: SubnetRecord,
    zone_id: String,
    arn: Arn,
    free: usize,
    tags: Vec<(String, String)>,
}

impl Facts for Described {
    fn values(&self, name: &str) -> Vec<String> {
        vec![match name {
            "availability-zone" | "availabilityZone" => self.record.zone.clone(),
            "availability-zone-id" | "availabilityZoneId" => self.zone_id.clone(),
            "available-ip-address-count" => self.free.to_string(),
            "cidr-block" | "cidr" | "cidrBlock" => cidr_text(self.record.cidr),
            "default-for-az" | "defaultForAz" => self.record.is_default.to_string(),
            "map-public-ip-on-launch" => self.record.maps_public_ip.to_string(),
            "owner-id" => self.record.account.to_string(),
            "state" => "available".to_owned(),
            "subnet-arn" => self.arn.to_string(),
            "subnet-id" => self.record.id.to_string(),
            "vpc-id" => self.record.vpc.to_string(),
            _ => return Vec::new(),
        }]
    }

    fn tags(&self) -> &[(String, String)] {
        &self.tags
    }
}

/// Lists the account's subnets by id.
impl Operation<Ec2> for DescribeSubnets {
    type Error = Ec2Error;

    fn needs(_input: &DescribeSubnetsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![Grounds::new(view, scope).any("ec2:DescribeSubnets")])
    }

    fn apply(input: &DescribeSubnetsRequest, view: &View, cx: &Cx) -> Result<Applied<DescribeSubnetsResult>, Ec2Error> {
        let ids = input.subnet_ids.as_deref().unwrap_or_default();
        let filters = Filters::read(input.filters.as_ref(), FILTERS)?;
        let page = Page::read(
            cx.pages(),
            "DescribeSubnets",
            &input.filters,
            input.max_results,
            input.next_token.as_deref(),
            !ids.is_empty(),
        )?;
        let mut subnets = view.scan::<SubnetRecord>(&KeyPrefix::of(&cx.account), None, ALL)?;
        if let Some(id) = ids.iter().find(|id| !subnets.iter().any(|subnet| subnet.id.as_str() == id.as_str())) {
            return Err(Ec2Error::refused("InvalidSubnetID.NotFound", format!("The subnet ID '{id}' does not exist")));
        }
        subnets.retain(|subnet| ids.is_empty() || ids.iter().any(|id| id == subnet.id.as_str()));
        let mut found = Vec::with_capacity(subnets.len());
        for record in subnets {
            let subnet = described(record, view, cx)?;
            if filters.matches(&subnet) {
                found.push(subnet);
            }
        }
        let (found, next_token) = page.cut(found, |subnet| subnet.record.id.to_string());
        let subnets = Some(found.into_iter().map(shown).collect());
        Ok(Applied::read(DescribeSubnetsResult { subnets, next_token }))
    }
}

fn described(record: SubnetRecord, view: &View, cx: &Cx) -> Result<Described, StoreError> {
    let zone = cx.region.zones.iter().find(|zone| zone.name == record.zone);
    Ok(Described {
        zone_id: zone.map_or_else(String::new, |zone| zone.id.clone()),
        arn: Arn::new("ec2", cx.region_name(), cx.account.as_str(), &format!("subnet/{}", record.id)),
        free: free_addresses(&record, view)?,
        tags: tags::tags_of(view, &cx.account, record.id.as_str())?,
        record,
    })
}

/// The addresses of a subnet that a new interface could get.
fn free_addresses(subnet: &SubnetRecord, view: &View) -> Result<usize, StoreError> {
    let size = 1usize << (32 - u32::from(subnet.cidr.1));
    let used = view.scan::<PrivateAddressRecord>(&KeyPrefix::of(&subnet.id), None, size)?.len();
    Ok(size.saturating_sub(RESERVED_ADDRESSES + used))
}

fn shown(subnet: Described) -> Subnet {
    Subnet {
        assign_ipv6_address_on_creation: Some(false),
        availability_zone: Some(subnet.record.zone),
        availability_zone_id: Some(subnet.zone_id),
        available_ip_address_count: Some(i32::try_from(subnet.free).unwrap_or(i32::MAX)),
        cidr_block: Some(cidr_text(subnet.record.cidr)),
        default_for_az: Some(subnet.record.is_default),
        enable_dns64: Some(false),
        ipv6_native: Some(false),
        map_customer_owned_ip_on_launch: Some(false),
        map_public_ip_on_launch: Some(subnet.record.maps_public_ip),
        owner_id: Some(subnet.record.account.to_string()),
        private_dns_name_options_on_launch: Some(PrivateDnsNameOptionsOnLaunch {
            hostname_type: Some("ip-name".to_owned()),
            enable_resource_name_dns_a_record: Some(false),
            enable_resource_name_dns_aaaa_record: Some(false),
        }),
        state: Some("available".to_owned()),
        subnet_arn: Some(subnet.arn.to_string()),
        subnet_id: Some(subnet.record.id.to_string()),
        tags: tags::shown(&subnet.tags),
        vpc_id: Some(subnet.record.vpc.to_string()),
        ..Subnet::default()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use ids::{AccountId, NetworkInterfaceId, SubnetId, VpcId};
    use store::{Changes, Memory, Store};

    use super::free_addresses;
    use crate::network::record::{PrivateAddressRecord, SubnetRecord};

    #[tokio::test]
    async fn addresses_in_use_are_not_free() {
        let store = Store::new(Memory::new());
        let subnet = |byte: u8, length: u8| SubnetRecord {
            account: AccountId::from_random([1; 8]),
            id: SubnetId::from_random([byte; 8]),
            vpc: VpcId::from_random([1; 8]),
            zone: "us-east-1a".to_owned(),
            cidr: (Ipv4Addr::new(10, byte, 0, 0), length),
            is_default: false,
            maps_public_ip: false,
        };
        let mut changes = Changes::new();
        for host in 4..7 {
            let address = PrivateAddressRecord {
                subnet: subnet(1, 28).id,
                address: Ipv4Addr::new(10, 1, 0, host),
                interface: NetworkInterfaceId::from_random([host; 8]),
            };
            changes.put(&address).unwrap();
        }
        store.commit(None, changes).await.unwrap();
        let view = store.view().unwrap();
        for (subnet, expected) in
            [(subnet(1, 28), 8), (subnet(2, 28), 11), (subnet(3, 20), 4091), (subnet(4, 16), 65531)]
        {
            assert_eq!(free_addresses(&subnet, &view).unwrap(), expected, "{:?}", subnet.cidr);
        }
    }
}
