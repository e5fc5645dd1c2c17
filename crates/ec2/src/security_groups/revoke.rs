//! `ec2:RevokeSecurityGroupIngress` and `ec2:RevokeSecurityGroupEgress`: take rules away, by what they permit or by id.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html>: what does not
//! match is shown in the answer where the group is of the default VPC, and refused elsewhere.

use api::ec2::{
    IpPermission, RevokeSecurityGroupEgress, RevokeSecurityGroupEgressRequest, RevokeSecurityGroupEgressResult,
    RevokeSecurityGroupIngress, RevokeSecurityGroupIngressRequest, RevokeSecurityGroupIngressResult,
    RevokedSecurityGroupRule,
};
use ids::SecurityGroupRuleId;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::given::Flat;
use super::record::{RuleRecord, SecurityGroupRecord};
use super::{find, given, shown};
use crate::grounds::Grounds;
use crate::{Ec2, Ec2Error, network, tags};

impl Operation<Ec2> for RevokeSecurityGroupIngress {
    type Error = Ec2Error;

    fn needs(input: &RevokeSecurityGroupIngressRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        let (id, name) = (input.group_id.as_deref(), input.group_name.as_deref());
        Ok(vec![Grounds::new(view, scope).named_group("ec2:RevokeSecurityGroupIngress", id, name)?])
    }

    fn apply(
        input: &RevokeSecurityGroupIngressRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<RevokeSecurityGroupIngressResult>, Ec2Error> {
        let group = find::find(view, &cx.account, input.group_id.as_deref(), input.group_name.as_deref())?;
        let flat = Flat {
            cidr_ip: input.cidr_ip.as_deref(),
            from_port: input.from_port,
            to_port: input.to_port,
            ip_protocol: input.ip_protocol.as_deref(),
            source_group_name: input.source_security_group_name.as_deref(),
            source_group_owner: input.source_security_group_owner_id.as_deref(),
        };
        let wanted = Wanted {
            rule_ids: input.security_group_rule_ids.as_deref().unwrap_or_default(),
            permissions: input.ip_permissions.as_ref(),
            flat,
        };
        let outcome = take(group, &wanted, false, view, cx)?;
        let output = RevokeSecurityGroupIngressResult {
            r#return: Some(true),
            unknown_ip_permissions: outcome.unknown,
            revoked_security_group_rules: Some(outcome.revoked),
        };
        Ok(Applied::with(output, outcome.changes))
    }
}

impl Operation<Ec2> for RevokeSecurityGroupEgress {
    type Error = Ec2Error;

    fn needs(input: &RevokeSecurityGroupEgressRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![Grounds::new(view, scope).group("ec2:RevokeSecurityGroupEgress", &input.group_id)?])
    }

    fn apply(
        input: &RevokeSecurityGroupEgressRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<RevokeSecurityGroupEgressResult>, Ec2Error> {
        let group = find::by_id(view, &cx.account, &input.group_id)?;
        let flat = Flat {
            cidr_ip: input.cidr_ip.as_deref(),
            from_port: input.from_port,
            to_port: input.to_port,
            ip_protocol: input.ip_protocol.as_deref(),
            source_group_name: input.source_security_group_name.as_deref(),
            source_group_owner: input.source_security_group_owner_id.as_deref(),
        };
        let wanted = Wanted {
            rule_ids: input.security_group_rule_ids.as_deref().unwrap_or_default(),
            permissions: input.ip_permissions.as_ref(),
            flat,
        };
        let outcome = take(group, &wanted, true, view, cx)?;
        let output = RevokeSecurityGroupEgressResult {
            r#return: Some(true),
            unknown_ip_permissions: outcome.unknown,
            revoked_security_group_rules: Some(outcome.revoked),
        };
        Ok(Applied::with(output, outcome.changes))
    }
}

struct Wanted<'a> {
    rule_ids: &'a [String],
    permissions: Option<&'a Vec<IpPermission>>,
    flat: Flat<'a>,
}

struct Outcome {
    revoked: Vec<RevokedSecurityGroupRule>,
    unknown: Option<Vec<IpPermission>>,
    changes: Changes,
}

fn take(
    mut group: SecurityGroupRecord,
    wanted: &Wanted<'_>,
    is_egress: bool,
    view: &View,
    cx: &Cx,
) -> Result<Outcome, Ec2Error> {
    let (ids, unknown) = if wanted.rule_ids.is_empty() {
        by_permission(&group, wanted, is_egress, view)?
    } else {
        if wanted.permissions.is_some_and(|given| !given.is_empty()) {
            let text = "The parameter securityGroupRuleIds cannot be used with the parameter ipPermissions";
            return Err(Ec2Error::combination(text));
        }
        (by_id(&group, wanted.rule_ids, is_egress)?, Vec::new())
    };
    let (gone, kept): (Vec<RuleRecord>, Vec<RuleRecord>) =
        std::mem::take(&mut group.rules).into_iter().partition(|rule| ids.contains(&rule.id));
    group.rules = kept;
    let mut changes = Changes::new();
    if !gone.is_empty() {
        changes.put(&group)?;
    }
    for rule in &gone {
        tags::delete_tags_of(view, &mut changes, &cx.account, rule.id.as_str())?;
    }
    let revoked = gone.into_iter().map(|rule| shown::revoked(rule, &group)).collect();
    Ok(Outcome { revoked, unknown: (!unknown.is_empty()).then_some(unknown), changes })
}

fn by_permission(
    group: &SecurityGroupRecord,
    wanted: &Wanted<'_>,
    is_egress: bool,
    view: &View,
) -> Result<(Vec<SecurityGroupRuleId>, Vec<IpPermission>), Ec2Error> {
    let (mut ids, mut unknown) = (Vec::new(), Vec::new());
    for given in given::read(wanted.permissions, &wanted.flat, group, view)? {
        // A description is compared only where one is given.
        let is_it = |rule: &&RuleRecord| {
            given.is_same(rule, is_egress) && (given.description.is_none() || given.description == rule.description)
        };
        match group.rules.iter().find(is_it) {
            Some(rule) => ids.push(rule.id.clone()),
            None => unknown.push(shown::given_permission(given, group.account.as_str())),
        }
    }
    let is_lenient =
        unknown.is_empty() || network::default_vpc(view, &group.account)?.is_some_and(|vpc| vpc.id == group.vpc);
    if !is_lenient {
        let text = "The specified rule does not exist in this security group.";
        return Err(Ec2Error::refused("InvalidPermission.NotFound", text));
    }
    Ok((ids, unknown))
}

fn by_id(group: &SecurityGroupRecord, given: &[String], is_egress: bool) -> Result<Vec<SecurityGroupRuleId>, Ec2Error> {
    let find = |text: &String| {
        let id: SecurityGroupRuleId = text.parse().map_err(|_| {
            let text = format!("The security group rule ID '{text}' is malformed");
            Ec2Error::refused("InvalidSecurityGroupRuleId.Malformed", text)
        })?;
        if group.rules.iter().any(|rule| rule.id == id && rule.is_egress == is_egress) {
            return Ok(id);
        }
        let text = format!("The security group rule ID '{text}' does not exist");
        Err(Ec2Error::refused("InvalidSecurityGroupRuleId.NotFound", text))
    };
    given.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use api::ec2::{IpPermission, UserIdGroupPair};
    use ids::{AccountId, SecurityGroupId, VpcId};
    use store::{Changes, Memory, Store};

    use super::{Flat, SecurityGroupRecord, Wanted, by_permission};
    use crate::network::record::VpcRecord;

    fn group(byte: u8, vpc: u8) -> SecurityGroupRecord {
        SecurityGroupRecord {
            account: AccountId::from_random([1; 8]),
            id: SecurityGroupId::from_random([byte; 8]),
            vpc: VpcId::from_random([vpc; 8]),
            name: format!("group{byte}"),
            description: String::new(),
            rules: Vec::new(),
        }
    }

    /// Asks the group 1 to revoke a rule that it doesn't have, about the group 2 of the VPC `peer_vpc`; gives how many
    /// permissions were unknown, or the code of the refusal.
    async fn check(is_default: bool, peer_vpc: u8, expected: Result<usize, &str>) {
        let store = Store::new(Memory::new());
        let mut changes = Changes::new();
        let vpc = VpcRecord {
            account: AccountId::from_random([1; 8]),
            id: VpcId::from_random([1; 8]),
            cidr: (std::net::Ipv4Addr::new(10, 0, 0, 0), 16),
            is_default,
            dhcp_options: String::new(),
        };
        changes.put(&vpc).unwrap();
        changes.put(&group(1, 1)).unwrap();
        changes.put(&group(2, peer_vpc)).unwrap();
        store.commit(None, changes).await.unwrap();
        let view = store.view().unwrap();
        let pair = UserIdGroupPair { group_id: Some(group(2, 1).id.to_string()), ..UserIdGroupPair::default() };
        let permissions = vec![IpPermission {
            ip_protocol: Some("-1".to_owned()),
            user_id_group_pairs: Some(vec![pair]),
            ..IpPermission::default()
        }];
        let wanted = Wanted { rule_ids: &[], permissions: Some(&permissions), flat: Flat::default() };
        let outcome = by_permission(&group(1, 1), &wanted, false, &view);
        let seen = outcome.map(|(_, unknown)| unknown.len()).map_err(|error| error.to_string());
        match (seen, expected) {
            (Ok(seen), Ok(expected)) => assert_eq!(seen, expected),
            (Err(seen), Err(expected)) => assert!(seen.starts_with(expected), "{seen}"),
            (seen, expected) => panic!("{seen:?} instead of {expected:?}"),
        }
    }

    #[tokio::test]
    async fn only_the_default_vpc_forgives_unknown_rules() {
        check(true, 1, Ok(1)).await;
        check(false, 1, Err("InvalidPermission.NotFound")).await;
        check(true, 2, Err("InvalidGroup.NotFound: You have specified two resources")).await;
    }
}
