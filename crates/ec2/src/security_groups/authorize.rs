//! `ec2:AuthorizeSecurityGroupIngress` and `ec2:AuthorizeSecurityGroupEgress`: add rules, all of them or none.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html>,
//! `API_AuthorizeSecurityGroupEgress.html`.

use api::ec2::{
    AuthorizeSecurityGroupEgress, AuthorizeSecurityGroupEgressRequest, AuthorizeSecurityGroupEgressResult,
    AuthorizeSecurityGroupIngress, AuthorizeSecurityGroupIngressRequest, AuthorizeSecurityGroupIngressResult,
    SecurityGroupRule, TagSpecification,
};
use ids::SecurityGroupRuleId;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, StoreError, View};

use super::given::{Flat, GivenRule};
use super::peer::peer_text;
use super::record::{RulePeer, RuleRecord, SecurityGroupRecord};
use super::{MAX_RULES, find, given, shown};
use crate::grounds::Grounds;
use crate::{Ec2, Ec2Error, tags};

impl Operation<Ec2> for AuthorizeSecurityGroupIngress {
    type Error = Ec2Error;

    fn needs(
        input: &AuthorizeSecurityGroupIngressRequest,
        view: &View,
        scope: &Scope,
    ) -> Result<Vec<Need>, Self::Error> {
        let specifications = input.tag_specifications.as_ref();
        let group = (input.group_id.as_deref(), input.group_name.as_deref());
        Ok(needs("ec2:AuthorizeSecurityGroupIngress", group, specifications, &Grounds::new(view, scope))?)
    }

    fn apply(
        input: &AuthorizeSecurityGroupIngressRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<AuthorizeSecurityGroupIngressResult>, Ec2Error> {
        let group = find::find(view, &cx.account, input.group_id.as_deref(), input.group_name.as_deref())?;
        let flat = Flat {
            cidr_ip: input.cidr_ip.as_deref(),
            from_port: input.from_port,
            to_port: input.to_port,
            ip_protocol: input.ip_protocol.as_deref(),
            source_group_name: input.source_security_group_name.as_deref(),
            source_group_owner: input.source_security_group_owner_id.as_deref(),
        };
        let rules = given::read(input.ip_permissions.as_ref(), &flat, &group, view)?;
        let (rules, changes) = add(group, rules, false, input.tag_specifications.as_ref(), cx)?;
        let output = AuthorizeSecurityGroupIngressResult { r#return: Some(true), security_group_rules: Some(rules) };
        Ok(Applied::with(output, changes))
    }
}

impl Operation<Ec2> for AuthorizeSecurityGroupEgress {
    type Error = Ec2Error;

    fn needs(
        input: &AuthorizeSecurityGroupEgressRequest,
        view: &View,
        scope: &Scope,
    ) -> Result<Vec<Need>, Self::Error> {
        let specifications = input.tag_specifications.as_ref();
        let group = (Some(&*input.group_id), None);
        Ok(needs("ec2:AuthorizeSecurityGroupEgress", group, specifications, &Grounds::new(view, scope))?)
    }

    fn apply(
        input: &AuthorizeSecurityGroupEgressRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<AuthorizeSecurityGroupEgressResult>, Ec2Error> {
        let group = find::by_id(view, &cx.account, &input.group_id)?;
        let flat = Flat {
            cidr_ip: input.cidr_ip.as_deref(),
            from_port: input.from_port,
            to_port: input.to_port,
            ip_protocol: input.ip_protocol.as_deref(),
            source_group_name: input.source_security_group_name.as_deref(),
            source_group_owner: input.source_security_group_owner_id.as_deref(),
        };
        let rules = given::read(input.ip_permissions.as_ref(), &flat, &group, view)?;
        let (rules, changes) = add(group, rules, true, input.tag_specifications.as_ref(), cx)?;
        let output = AuthorizeSecurityGroupEgressResult { r#return: Some(true), security_group_rules: Some(rules) };
        Ok(Applied::with(output, changes))
    }
}

fn needs(
    action: &'static str,
    (id, name): (Option<&str>, Option<&str>),
    specifications: Option<&Vec<TagSpecification>>,
    grounds: &Grounds<'_>,
) -> Result<Vec<Need>, StoreError> {
    let mut needs = vec![grounds.named_group(action, id, name)?];
    if specifications.is_some_and(|given| !given.is_empty()) {
        let rule = grounds.on(action, "security-group-rule/*");
        let operation = action.trim_start_matches("ec2:");
        needs.extend(grounds.making(rule, operation, "security-group-rule", specifications));
    }
    Ok(needs)
}

fn add(
    mut group: SecurityGroupRecord,
    given: Vec<GivenRule>,
    is_egress: bool,
    specifications: Option<&Vec<TagSpecification>>,
    cx: &Cx,
) -> Result<(Vec<SecurityGroupRule>, Changes), Ec2Error> {
    let [new_tags] = tags::read_tag_specifications(specifications, ["security-group-rule"])?;
    if let Some(twin) = given.iter().find(|new| group.rules.iter().any(|rule| new.is_same(rule, is_egress))) {
        let text = format!("the specified rule \"{}\" already exists", described(twin));
        return Err(Ec2Error::refused("InvalidPermission.Duplicate", text));
    }
    let first_new = group.rules.len();
    group.rules.extend(given.into_iter().map(|new| RuleRecord {
        id: SecurityGroupRuleId::from_random(cx.random()),
        is_egress,
        protocol: new.protocol,
        from_port: new.from_port,
        to_port: new.to_port,
        peer: new.peer,
        description: new.description,
    }));
    check_count(&group, is_egress)?;

    let mut changes = Changes::new();
    changes.put(&group)?;
    for rule in &group.rules[first_new..] {
        tags::put_tags(&mut changes, &cx.account, rule.id.as_str(), &new_tags)?;
    }
    let added = group.rules[first_new..].iter().map(|rule| shown::rule(rule, &group, &new_tags, cx)).collect();
    Ok((added, changes))
}

/// A rule about a group counts for both versions of IP.
fn check_count(group: &SecurityGroupRecord, is_egress: bool) -> Result<(), Ec2Error> {
    let rules = || group.rules.iter().filter(|rule| rule.is_egress == is_egress);
    let for_ipv4 = rules().filter(|rule| !matches!(rule.peer, RulePeer::Ipv6(_))).count();
    let for_ipv6 = rules().filter(|rule| !matches!(rule.peer, RulePeer::Ipv4(..))).count();
    if for_ipv4.max(for_ipv6) > MAX_RULES {
        let text = "The maximum number of rules per security group has been reached.";
        return Err(Ec2Error::refused("RulesPerSecurityGroupLimitExceeded", text));
    }
    Ok(())
}

/// A rule as AWS's refusal of its twin writes it, such as `peer: 0.0.0.0/0, TCP, from port: 22, to port: 22, ALLOW`.
fn described(rule: &GivenRule) -> String {
    let peer = peer_text(&rule.peer);
    let protocol = rule.protocol.to_ascii_uppercase();
    match rule.protocol.as_str() {
        "-1" => format!("peer: {peer}, ALL, ALLOW"),
        "tcp" | "udp" => {
            format!("peer: {peer}, {protocol}, from port: {}, to port: {}, ALLOW", rule.from_port, rule.to_port)
        }
        "icmp" | "icmpv6" => {
            format!("peer: {peer}, {protocol}, type: {}, code: {}, ALLOW", rule.from_port, rule.to_port)
        }
        _ => format!("peer: {peer}, {protocol}, ALLOW"),
    }
}
