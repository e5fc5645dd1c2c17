//! The default network and its describers.

use crate::common::{account, code, filter, owner, stranger, text, user, world};
use api::ec2::{
    DescribeAvailabilityZonesRequest, DescribeRegionsRequest, DescribeSecurityGroupsRequest, DescribeSubnetsRequest,
    DescribeVpcsRequest, Ec2Api,
};

#[tokio::test]
async fn an_account_begins_with_a_network() {
    let world = world().await;
    let vpcs = world.ec2.describe_vpcs(owner(), DescribeVpcsRequest::default()).await.unwrap().vpcs.unwrap();
    assert_eq!(vpcs.len(), 1);
    assert_eq!(vpcs[0].vpc_id.as_deref(), Some(world.network.vpc.as_str()));
    assert_eq!(vpcs[0].cidr_block.as_deref(), Some("172.31.0.0/16"));
    assert_eq!(vpcs[0].is_default, Some(true));
    assert!(vpcs[0].dhcp_options_id.as_ref().unwrap().starts_with("dopt-"));

    let subnets = world.ec2.describe_subnets(owner(), DescribeSubnetsRequest::default()).await.unwrap();
    let mut seen: Vec<(String, String, i32)> = subnets
        .subnets
        .unwrap()
        .into_iter()
        .map(|subnet| {
            assert_eq!(subnet.map_public_ip_on_launch, Some(true));
            (
                subnet.availability_zone_id.unwrap(),
                subnet.cidr_block.unwrap(),
                subnet.available_ip_address_count.unwrap(),
            )
        })
        .collect();
    seen.sort();
    let expected = [
        ("use1-az1", "172.31.0.0/20", 4091),
        ("use1-az2", "172.31.16.0/20", 4091),
        ("use1-az3", "172.31.32.0/20", 4091),
    ];
    assert_eq!(seen, expected.map(|(zone, block, free)| (zone.to_owned(), block.to_owned(), free)));

    let groups = world.ec2.describe_security_groups(owner(), DescribeSecurityGroupsRequest::default()).await.unwrap();
    let group = groups.security_groups.unwrap().remove(0);
    assert_eq!(group.group_name.as_deref(), Some("default"));
    assert_eq!(group.description.as_deref(), Some("default VPC security group"));
    let ingress = &group.ip_permissions.unwrap()[0];
    let pair = &ingress.user_id_group_pairs.as_ref().unwrap()[0];
    assert_eq!(pair.group_id.as_deref(), Some(world.network.group.as_str()));
    assert_eq!(pair.user_id.as_deref(), Some(account(1).as_str()));
    let egress = &group.ip_permissions_egress.unwrap()[0];
    assert_eq!(egress.ip_ranges.as_ref().unwrap()[0].cidr_ip.as_deref(), Some("0.0.0.0/0"));
}

#[tokio::test]
async fn what_another_account_has_does_not_exist() {
    let world = world().await;
    let vpc_ids = Some(vec![world.network.vpc.to_string()]);
    let input = DescribeVpcsRequest { vpc_ids, ..DescribeVpcsRequest::default() };
    assert!(world.ec2.describe_vpcs(owner(), input.clone()).await.is_ok());
    let refused = format!("The vpc ID '{}' does not exist", world.network.vpc);
    assert_eq!(code(world.ec2.describe_vpcs(stranger(), input.clone()).await), "InvalidVpcID.NotFound");
    assert_eq!(text(world.ec2.describe_vpcs(stranger(), input.clone()).await), refused);
    assert_eq!(code(world.ec2.describe_vpcs(user(), input).await), "UnauthorizedOperation");

    let subnet_ids = Some(vec![world.network.subnets[0].to_string()]);
    let input = DescribeSubnetsRequest { subnet_ids, ..DescribeSubnetsRequest::default() };
    assert!(world.ec2.describe_subnets(owner(), input.clone()).await.is_ok());
    assert_eq!(code(world.ec2.describe_subnets(stranger(), input.clone()).await), "InvalidSubnetID.NotFound");
    assert_eq!(code(world.ec2.describe_subnets(user(), input).await), "UnauthorizedOperation");
}

#[tokio::test]
async fn filters_choose() {
    let world = world().await;
    for (name, value, expected) in [
        ("availability-zone", "us-east-1b", 1),
        ("availability-zone", "us-east-1*", 3),
        ("vpc-id", world.network.vpc.as_str(), 3),
        ("vpc-id", world.foreign_network.vpc.as_str(), 0),
        ("default-for-az", "true", 3),
        ("default-for-az", "false", 0),
        ("cidr-block", "172.31.16.0/20", 1),
    ] {
        let input = DescribeSubnetsRequest { filters: filter(name, value), ..DescribeSubnetsRequest::default() };
        let subnets = world.ec2.describe_subnets(owner(), input).await.unwrap().subnets.unwrap();
        assert_eq!(subnets.len(), expected, "{name} {value}");
    }
    for (name, value, expected) in [("is-default", "true", 1), ("isDefault", "false", 0), ("state", "available", 1)] {
        let input = DescribeVpcsRequest { filters: filter(name, value), ..DescribeVpcsRequest::default() };
        let vpcs = world.ec2.describe_vpcs(owner(), input).await.unwrap().vpcs.unwrap();
        assert_eq!(vpcs.len(), expected, "{name} {value}");
    }
    let input = DescribeVpcsRequest { filters: filter("nonsense", "x"), ..DescribeVpcsRequest::default() };
    assert_eq!(code(world.ec2.describe_vpcs(owner(), input).await), "InvalidParameterValue");
}

#[tokio::test]
async fn regions_and_zones() {
    let world = world().await;
    let regions = world.ec2.describe_regions(owner(), DescribeRegionsRequest::default()).await.unwrap();
    let regions = regions.regions.unwrap();
    assert_eq!(regions.len(), 1);
    assert_eq!(regions[0].region_name.as_deref(), Some("us-east-1"));
    assert_eq!(regions[0].opt_in_status.as_deref(), Some("opt-in-not-required"));
    let region_names = Some(vec!["mars-north-1".to_owned()]);
    let input = DescribeRegionsRequest { region_names, ..DescribeRegionsRequest::default() };
    assert_eq!(code(world.ec2.describe_regions(owner(), input.clone()).await), "InvalidParameterValue");
    assert_eq!(code(world.ec2.describe_regions(user(), input).await), "UnauthorizedOperation");

    let ask = |zone_names: &[&str], zone_ids: &[&str]| {
        let list = |given: &[&str]| Some(given.iter().map(|text| (*text).to_owned()).collect());
        DescribeAvailabilityZonesRequest {
            zone_names: list(zone_names),
            zone_ids: list(zone_ids),
            ..DescribeAvailabilityZonesRequest::default()
        }
    };
    for (input, expected) in [(ask(&[], &[]), 3), (ask(&["us-east-1b"], &[]), 1), (ask(&[], &["use1-az3"]), 1)] {
        let zones = world.ec2.describe_availability_zones(owner(), input).await.unwrap();
        assert_eq!(zones.availability_zones.unwrap().len(), expected);
    }
    let unknown = world.ec2.describe_availability_zones(owner(), ask(&["us-east-1z"], &[])).await;
    assert_eq!(code(unknown), "InvalidParameterValue");
    let refused = world.ec2.describe_availability_zones(user(), ask(&[], &[])).await;
    assert_eq!(code(refused), "UnauthorizedOperation");
}
