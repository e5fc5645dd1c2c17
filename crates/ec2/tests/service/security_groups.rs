//! Security groups: made, filled, shown, emptied, deleted.

use crate::common::{World, code, filter, owner, stranger, text, user, world};
use api::ec2::{
    AuthorizeSecurityGroupEgressRequest, AuthorizeSecurityGroupIngressRequest, CreateSecurityGroupRequest,
    DeleteSecurityGroupRequest, DescribeSecurityGroupsRequest, Ec2Api, IpPermission, IpRange,
    RevokeSecurityGroupEgressRequest, RevokeSecurityGroupIngressRequest, SecurityGroup, UserIdGroupPair,
};

type Ingress = AuthorizeSecurityGroupIngressRequest;
type Revoke = RevokeSecurityGroupIngressRequest;

fn new_group(name: &str) -> CreateSecurityGroupRequest {
    CreateSecurityGroupRequest {
        group_name: name.to_owned(),
        description: "for a test".to_owned(),
        ..CreateSecurityGroupRequest::default()
    }
}

async fn made(world: &World, name: &str) -> String {
    world.ec2.create_security_group(owner(), new_group(name)).await.unwrap().group_id.unwrap()
}

fn tcp(port: i32, blocks: &[&str]) -> IpPermission {
    let range = |block: &&str| IpRange { cidr_ip: Some((*block).to_owned()), description: None };
    IpPermission {
        ip_protocol: Some("tcp".to_owned()),
        from_port: Some(port),
        to_port: Some(port),
        ip_ranges: Some(blocks.iter().map(range).collect()),
        ..IpPermission::default()
    }
}

fn from_group(id: &str) -> IpPermission {
    let pair = UserIdGroupPair { group_id: Some(id.to_owned()), ..UserIdGroupPair::default() };
    IpPermission {
        ip_protocol: Some("-1".to_owned()),
        user_id_group_pairs: Some(vec![pair]),
        ..IpPermission::default()
    }
}

fn open(group: &str, permissions: Vec<IpPermission>) -> Ingress {
    Ingress { group_id: Some(group.to_owned()), ip_permissions: Some(permissions), ..Ingress::default() }
}

fn close(group: &str, permissions: Vec<IpPermission>) -> Revoke {
    Revoke { group_id: Some(group.to_owned()), ip_permissions: Some(permissions), ..Revoke::default() }
}

async fn shown(world: &World, id: &str) -> SecurityGroup {
    let group_ids = Some(vec![id.to_owned()]);
    let input = DescribeSecurityGroupsRequest { group_ids, ..DescribeSecurityGroupsRequest::default() };
    world.ec2.describe_security_groups(owner(), input).await.unwrap().security_groups.unwrap().remove(0)
}

#[tokio::test]
async fn rules_of_the_same_ports_are_one_permission() {
    let world = world().await;
    let id = made(&world, "web").await;
    let rules = vec![tcp(22, &["10.0.0.0/8"]), tcp(80, &["0.0.0.0/0"]), tcp(22, &["192.168.7.9/16"])];
    let added = world.ec2.authorize_security_group_ingress(owner(), open(&id, rules)).await.unwrap();
    let added = added.security_group_rules.unwrap();
    assert_eq!(added.len(), 3);
    assert_eq!(added[2].cidr_ipv4.as_deref(), Some("192.168.0.0/16"));
    assert_eq!(added[2].is_egress, Some(false));
    let permissions = shown(&world, &id).await.ip_permissions.unwrap();
    let seen: Vec<(i32, Vec<String>)> = permissions
        .into_iter()
        .map(|permission| {
            let blocks = permission.ip_ranges.unwrap().into_iter().filter_map(|range| range.cidr_ip).collect();
            (permission.from_port.unwrap(), blocks)
        })
        .collect();
    let both = vec!["10.0.0.0/8".to_owned(), "192.168.0.0/16".to_owned()];
    assert_eq!(seen, [(22, both), (80, vec!["0.0.0.0/0".to_owned()])]);

    for (name, value, expected) in [
        ("ip-permission.from-port", "80", 1),
        ("ip-permission.cidr", "10.0.0.0/8", 1),
        ("ip-permission.protocol", "udp", 0),
        ("egress.ip-permission.cidr", "0.0.0.0/0", 2),
        ("ip-permission.group-name", "default", 1),
        ("group-name", "we?", 1),
    ] {
        let filters = filter(name, value);
        let input = DescribeSecurityGroupsRequest { filters, ..DescribeSecurityGroupsRequest::default() };
        let groups = world.ec2.describe_security_groups(owner(), input).await.unwrap().security_groups.unwrap();
        assert_eq!(groups.len(), expected, "{name} {value}");
    }
}

#[tokio::test]
async fn a_rule_is_there_once() {
    let world = world().await;
    let id = made(&world, "web").await;
    let input = open(&id, vec![tcp(22, &["0.0.0.0/0"])]);
    world.ec2.authorize_security_group_ingress(owner(), input.clone()).await.unwrap();
    let twice = world.ec2.authorize_security_group_ingress(owner(), input.clone()).await;
    assert_eq!(code(twice), "InvalidPermission.Duplicate");
    let flat = Ingress {
        group_name: Some("web".to_owned()),
        ip_protocol: Some("6".to_owned()),
        from_port: Some(22),
        to_port: Some(22),
        cidr_ip: Some("1.2.3.4/0".to_owned()),
        ..Ingress::default()
    };
    let refused = "the specified rule \"peer: 0.0.0.0/0, TCP, from port: 22, to port: 22, ALLOW\" already exists";
    assert_eq!(text(world.ec2.authorize_security_group_ingress(owner(), flat).await), refused);
    let same = open(&id, vec![tcp(23, &["10.0.0.1/8", "10.0.0.2/8"])]);
    assert_eq!(code(world.ec2.authorize_security_group_ingress(owner(), same).await), "InvalidParameterValue");
    assert_eq!(shown(&world, &id).await.ip_permissions.unwrap().len(), 1);
}

#[tokio::test]
async fn sixty_rules_and_no_more() {
    let world = world().await;
    let id = made(&world, "web").await;
    let rules = |range: std::ops::Range<i32>| range.map(|port| tcp(port, &["0.0.0.0/0"])).collect();
    let too_many = world.ec2.authorize_security_group_ingress(owner(), open(&id, rules(0..61))).await;
    assert_eq!(code(too_many), "RulesPerSecurityGroupLimitExceeded");
    world.ec2.authorize_security_group_ingress(owner(), open(&id, rules(0..60))).await.unwrap();
    let one_more = world.ec2.authorize_security_group_ingress(owner(), open(&id, rules(60..61))).await;
    assert_eq!(code(one_more), "RulesPerSecurityGroupLimitExceeded");
    let egress = AuthorizeSecurityGroupEgressRequest {
        group_id: id,
        ip_permissions: Some(rules(0..1)),
        ..AuthorizeSecurityGroupEgressRequest::default()
    };
    world.ec2.authorize_security_group_egress(owner(), egress).await.unwrap();
}

#[tokio::test]
async fn revoked_by_what_they_permit_or_by_id() {
    let world = world().await;
    let id = made(&world, "web").await;
    let rules = vec![tcp(22, &["0.0.0.0/0"]), tcp(80, &["0.0.0.0/0"])];
    let added = world.ec2.authorize_security_group_ingress(owner(), open(&id, rules)).await.unwrap();
    let ids: Vec<String> =
        added.security_group_rules.unwrap().into_iter().filter_map(|rule| rule.security_group_rule_id).collect();

    let both = close(&id, vec![tcp(22, &["0.0.0.0/0"]), tcp(443, &["0.0.0.0/0"])]);
    let outcome = world.ec2.revoke_security_group_ingress(owner(), both).await.unwrap();
    let revoked = outcome.revoked_security_group_rules.unwrap();
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0].security_group_rule_id.as_ref(), Some(&ids[0]));
    assert_eq!(outcome.unknown_ip_permissions.unwrap()[0].from_port, Some(443));

    let by_id = |rule: &str| Revoke {
        group_id: Some(id.clone()),
        security_group_rule_ids: Some(vec![rule.to_owned()]),
        ..Revoke::default()
    };
    let gone = world.ec2.revoke_security_group_ingress(owner(), by_id(&ids[0])).await;
    assert_eq!(code(gone), "InvalidSecurityGroupRuleId.NotFound");
    world.ec2.revoke_security_group_ingress(owner(), by_id(&ids[1])).await.unwrap();
    assert_eq!(shown(&world, &id).await.ip_permissions, Some(Vec::new()));

    let all = IpPermission { ip_protocol: Some("-1".into()), from_port: None, to_port: None, ..tcp(0, &["0.0.0.0/0"]) };
    let egress = RevokeSecurityGroupEgressRequest {
        group_id: id.clone(),
        ip_permissions: Some(vec![all]),
        ..RevokeSecurityGroupEgressRequest::default()
    };
    world.ec2.revoke_security_group_egress(owner(), egress).await.unwrap();
    assert_eq!(shown(&world, &id).await.ip_permissions_egress, Some(Vec::new()));
}

#[tokio::test]
async fn only_unused_groups_are_deleted() {
    let world = world().await;
    let (web, database) = (made(&world, "web").await, made(&world, "database").await);
    let duplicate = world.ec2.create_security_group(owner(), new_group("web")).await;
    assert_eq!(code(duplicate), "InvalidGroup.Duplicate");
    for (group, peer) in [(&database, &web), (&web, &web)] {
        let input = open(group, vec![from_group(peer)]);
        world.ec2.authorize_security_group_ingress(owner(), input).await.unwrap();
    }
    let delete = |id: &str| DeleteSecurityGroupRequest {
        group_id: Some(id.to_owned()),
        ..DeleteSecurityGroupRequest::default()
    };
    assert_eq!(code(world.ec2.delete_security_group(owner(), delete(&web)).await), "DependencyViolation");
    let default = delete(world.network.group.as_str());
    assert_eq!(code(world.ec2.delete_security_group(owner(), default).await), "CannotDelete");
    world.ec2.delete_security_group(owner(), delete(&database)).await.unwrap();
    world.ec2.delete_security_group(owner(), delete(&web)).await.unwrap();
    assert_eq!(code(world.ec2.delete_security_group(owner(), delete(&web)).await), "InvalidGroup.NotFound");
}

#[tokio::test]
async fn strangers_and_users_without_policies_are_refused() {
    let world = world().await;
    let id = made(&world, "web").await;
    let rules = vec![tcp(22, &["0.0.0.0/0"])];
    world.ec2.authorize_security_group_ingress(owner(), open(&id, rules.clone())).await.unwrap();
    let before = shown(&world, &id).await;
    for (caller, expected) in [(stranger(), "InvalidGroup.NotFound"), (user(), "UnauthorizedOperation")] {
        let describe = DescribeSecurityGroupsRequest {
            group_ids: Some(vec![id.clone()]),
            ..DescribeSecurityGroupsRequest::default()
        };
        assert_eq!(code(world.ec2.describe_security_groups(caller.clone(), describe).await), expected);
        let input = open(&id, vec![tcp(80, &["0.0.0.0/0"])]);
        assert_eq!(code(world.ec2.authorize_security_group_ingress(caller.clone(), input).await), expected);
        let input = AuthorizeSecurityGroupEgressRequest {
            group_id: id.clone(),
            ip_permissions: Some(rules.clone()),
            ..AuthorizeSecurityGroupEgressRequest::default()
        };
        assert_eq!(code(world.ec2.authorize_security_group_egress(caller.clone(), input).await), expected);
        let input = close(&id, rules.clone());
        assert_eq!(code(world.ec2.revoke_security_group_ingress(caller.clone(), input).await), expected);
        let input = RevokeSecurityGroupEgressRequest {
            group_id: id.clone(),
            ip_permissions: Some(rules.clone()),
            ..RevokeSecurityGroupEgressRequest::default()
        };
        assert_eq!(code(world.ec2.revoke_security_group_egress(caller.clone(), input).await), expected);
        let input = DeleteSecurityGroupRequest { group_id: Some(id.clone()), ..DeleteSecurityGroupRequest::default() };
        assert_eq!(code(world.ec2.delete_security_group(caller, input).await), expected);
    }
    assert_eq!(shown(&world, &id).await, before);
    let elsewhere =
        CreateSecurityGroupRequest { vpc_id: Some(world.foreign_network.vpc.to_string()), ..new_group("x") };
    assert_eq!(code(world.ec2.create_security_group(owner(), elsewhere).await), "InvalidVpcID.NotFound");
    assert_eq!(code(world.ec2.create_security_group(user(), new_group("x")).await), "UnauthorizedOperation");
    let foreign = open(&id, vec![from_group(world.foreign_network.group.as_str())]);
    assert_eq!(code(world.ec2.authorize_security_group_ingress(owner(), foreign).await), "InvalidGroup.NotFound");
}
