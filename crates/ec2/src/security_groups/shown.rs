//! Groups and rules as the API shows them.

use api::ec2::{
    IpPermission, IpRange, Ipv6Range, ReferencedSecurityGroup, RevokedSecurityGroupRule, SecurityGroup,
    SecurityGroupRule, UserIdGroupPair,
};
use ids::Arn;
use service::Cx;

use super::given::GivenRule;
use super::record::{RulePeer, RuleRecord, SecurityGroupRecord};
use crate::tags;

/// The ARN of a group.
pub(super) fn group_arn(group: &SecurityGroupRecord, cx: &Cx) -> String {
    arn(&format!("security-group/{}", group.id), cx)
}

/// A group with its rules.
pub(super) fn group(group: SecurityGroupRecord, group_tags: &[(String, String)], cx: &Cx) -> SecurityGroup {
    SecurityGroup {
        ip_permissions: Some(permissions(&group, false)),
        ip_permissions_egress: Some(permissions(&group, true)),
        security_group_arn: Some(group_arn(&group, cx)),
        tags: tags::shown(group_tags),
        owner_id: Some(group.account.to_string()),
        vpc_id: Some(group.vpc.to_string()),
        group_id: Some(group.id.to_string()),
        group_name: Some(group.name),
        description: Some(group.description),
    }
}

/// The rules of one direction, those of the same protocol and ports as one permission.
pub(super) fn permissions(group: &SecurityGroupRecord, is_egress: bool) -> Vec<IpPermission> {
    let mut permissions: Vec<(&RuleRecord, IpPermission)> = Vec::new();
    for rule in group.rules.iter().filter(|rule| rule.is_egress == is_egress) {
        let is_alike = |first: &RuleRecord| {
            first.protocol == rule.protocol && (first.from_port, first.to_port) == (rule.from_port, rule.to_port)
        };
        let at = permissions.iter().position(|(first, _)| is_alike(first)).unwrap_or_else(|| {
            permissions.push((rule, empty_permission(&rule.protocol, rule.from_port, rule.to_port)));
            permissions.len() - 1
        });
        add_peer(&mut permissions[at].1, &rule.peer, rule.description.clone(), group.account.as_str());
    }
    permissions.into_iter().map(|(_, permission)| permission).collect()
}

/// A rule that was given, as a permission of its own.
pub(super) fn given_permission(rule: GivenRule, account: &str) -> IpPermission {
    let mut permission = empty_permission(&rule.protocol, rule.from_port, rule.to_port);
    add_peer(&mut permission, &rule.peer, rule.description, account);
    permission
}

/// A rule with its id.
pub(super) fn rule(
    rule: &RuleRecord,
    group: &SecurityGroupRecord,
    rule_tags: &[(String, String)],
    cx: &Cx,
) -> SecurityGroupRule {
    let (cidr_ipv4, cidr_ipv6, referenced) = peer_fields(&rule.peer);
    SecurityGroupRule {
        security_group_rule_id: Some(rule.id.to_string()),
        group_id: Some(group.id.to_string()),
        group_owner_id: Some(group.account.to_string()),
        is_egress: Some(rule.is_egress),
        ip_protocol: Some(rule.protocol.clone()),
        from_port: Some(rule.from_port),
        to_port: Some(rule.to_port),
        cidr_ipv4,
        cidr_ipv6,
        prefix_list_id: None,
        referenced_group_info: referenced.map(|id| ReferencedSecurityGroup {
            group_id: Some(id),
            user_id: Some(group.account.to_string()),
            ..ReferencedSecurityGroup::default()
        }),
        description: rule.description.clone(),
        tags: tags::shown(rule_tags),
        security_group_rule_arn: Some(arn(&format!("security-group-rule/{}", rule.id), cx)),
    }
}

/// A rule that is gone.
pub(super) fn revoked(rule: RuleRecord, group: &SecurityGroupRecord) -> RevokedSecurityGroupRule {
    let (cidr_ipv4, cidr_ipv6, referenced_group_id) = peer_fields(&rule.peer);
    RevokedSecurityGroupRule {
        security_group_rule_id: Some(rule.id.to_string()),
        group_id: Some(group.id.to_string()),
        is_egress: Some(rule.is_egress),
        ip_protocol: Some(rule.protocol),
        from_port: Some(rule.from_port),
        to_port: Some(rule.to_port),
        cidr_ipv4,
        cidr_ipv6,
        prefix_list_id: None,
        referenced_group_id,
        description: rule.description,
    }
}

fn arn(resource: &str, cx: &Cx) -> String {
    Arn::new("ec2", cx.region_name(), cx.account.as_str(), resource).to_string()
}

fn peer_fields(peer: &RulePeer) -> (Option<String>, Option<String>, Option<String>) {
    match peer {
        RulePeer::Ipv4(base, length) => (Some(format!("{base}/{length}")), None, None),
        RulePeer::Ipv6(block) => (None, Some(block.clone()), None),
        RulePeer::Group(id) => (None, None, Some(id.to_string())),
    }
}

/// A permission for nobody yet. Only protocols that have ports, or types, show them.
fn empty_permission(protocol: &str, from_port: i32, to_port: i32) -> IpPermission {
    let has_ports = matches!(protocol, "tcp" | "udp" | "icmp" | "icmpv6");
    IpPermission {
        ip_protocol: Some(protocol.to_owned()),
        from_port: has_ports.then_some(from_port),
        to_port: has_ports.then_some(to_port),
        user_id_group_pairs: Some(Vec::new()),
        ip_ranges: Some(Vec::new()),
        ipv6_ranges: Some(Vec::new()),
        prefix_list_ids: Some(Vec::new()),
    }
}

fn add_peer(permission: &mut IpPermission, peer: &RulePeer, description: Option<String>, account: &str) {
    match peer {
        RulePeer::Ipv4(base, length) => {
            let range = IpRange { cidr_ip: Some(format!("{base}/{length}")), description };
            permission.ip_ranges.get_or_insert_default().push(range);
        }
        RulePeer::Ipv6(block) => {
            let range = Ipv6Range { cidr_ipv6: Some(block.clone()), description };
            permission.ipv6_ranges.get_or_insert_default().push(range);
        }
        RulePeer::Group(id) => permission.user_id_group_pairs.get_or_insert_default().push(UserIdGroupPair {
            description,
            group_id: Some(id.to_string()),
            user_id: Some(account.to_owned()),
            ..UserIdGroupPair::default()
        }),
    }
}
