//! `ec2:DescribeSecurityGroups`.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html>.

use std::collections::BTreeMap;

use api::ec2::{DescribeSecurityGroups, DescribeSecurityGroupsRequest, DescribeSecurityGroupsResult};
use ids::SecurityGroupId;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{KeyPrefix, View};

use super::record::{RulePeer, RuleRecord, SecurityGroupRecord};
use super::{ALL, find, shown};
use crate::filters::{Facts, Filters};
use crate::grounds::Grounds;
use crate::paging::Page;
use crate::{Ec2, Ec2Error, tags};

const FILTERS: &[&str] = &[
    "description",
    "egress.ip-permission.cidr",
    "egress.ip-permission.from-port",
    "egress.ip-permission.group-id",
    "egress.ip-permission.group-name",
    "egress.ip-permission.ipv6-cidr",
    "egress.ip-permission.prefix-list-id",
    "egress.ip-permission.protocol",
    "egress.ip-permission.to-port",
    "egress.ip-permission.user-id",
    "group-id",
    "group-name",
    "ip-permission.cidr",
    "ip-permission.from-port",
    "ip-permission.group-id",
    "ip-permission.group-name",
    "ip-permission.ipv6-cidr",
    "ip-permission.prefix-list-id",
    "ip-permission.protocol",
    "ip-permission.to-port",
    "ip-permission.user-id",
    "owner-id",
    "vpc-id",
];

struct Described<'a> {
    record: SecurityGroupRecord,
    names: &'a BTreeMap<SecurityGroupId, String>,
    tags: Vec<(String, String)>,
}

impl Described<'_> {
    /// What a filter on rules compares, of one rule.
    fn rule_value(&self, rule: &RuleRecord, name: &str) -> Option<String> {
        match (name, &rule.peer) {
            ("protocol", _) => Some(rule.protocol.clone()),
            ("from-port", _) => Some(rule.from_port.to_string()),
            ("to-port", _) => Some(rule.to_port.to_string()),
            ("cidr", RulePeer::Ipv4(base, length)) => Some(format!("{base}/{length}")),
            ("ipv6-cidr", RulePeer::Ipv6(block)) => Some(block.clone()),
            ("group-id", RulePeer::Group(id)) => Some(id.to_string()),
            ("group-name", RulePeer::Group(id)) => self.names.get(id).cloned(),
            ("user-id", RulePeer::Group(_)) => Some(self.record.account.to_string()),
            _ => None,
        }
    }
}

impl Facts for Described<'_> {
    fn values(&self, name: &str) -> Vec<String> {
        let of_rules = |is_egress: bool, name: &str| {
            let rules = self.record.rules.iter().filter(|rule| rule.is_egress == is_egress);
            rules.filter_map(|rule| self.rule_value(rule, name)).collect()
        };
        if let Some(name) = name.strip_prefix("egress.ip-permission.") {
            return of_rules(true, name);
        }
        if let Some(name) = name.strip_prefix("ip-permission.") {
            return of_rules(false, name);
        }
        vec![match name {
            "description" => self.record.description.clone(),
            "group-id" => self.record.id.to_string(),
            "group-name" => self.record.name.clone(),
            "owner-id" => self.record.account.to_string(),
            "vpc-id" => self.record.vpc.to_string(),
            _ => return Vec::new(),
        }]
    }

    fn tags(&self) -> &[(String, String)] {
        &self.tags
    }
}

/// Lists the account's security groups by id.
impl Operation<Ec2> for DescribeSecurityGroups {
    type Error = Ec2Error;

    fn needs(_input: &DescribeSecurityGroupsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![Grounds::new(view, scope).any("ec2:DescribeSecurityGroups")])
    }

    fn apply(
        input: &DescribeSecurityGroupsRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<DescribeSecurityGroupsResult>, Ec2Error> {
        let filters = Filters::read(input.filters.as_ref(), FILTERS)?;
        let names = input.group_names.as_deref().unwrap_or_default();
        let ids = input.group_ids.as_deref().unwrap_or_default();
        let is_named = !names.is_empty() || !ids.is_empty();
        let page = Page::read(
            cx.pages(),
            "DescribeSecurityGroups",
            &input.filters,
            input.max_results,
            input.next_token.as_deref(),
            is_named,
        )?;
        let mut asked = Vec::with_capacity(ids.len() + names.len());
        for id in ids {
            asked.push(find::by_id(view, &cx.account, id)?.id);
        }
        for name in names {
            asked.push(find::by_default_name(view, &cx.account, name)?.id);
        }
        let groups = view.scan::<SecurityGroupRecord>(&KeyPrefix::of(&cx.account), None, ALL)?;
        let group_names = groups.iter().map(|group| (group.id.clone(), group.name.clone())).collect();
        let mut found = Vec::with_capacity(groups.len());
        for record in groups.into_iter().filter(|group| !is_named || asked.contains(&group.id)) {
            let tags = tags::tags_of(view, &cx.account, record.id.as_str())?;
            let group = Described { record, names: &group_names, tags };
            if filters.matches(&group) {
                found.push(group);
            }
        }
        let (found, next_token) = page.cut(found, |group| group.record.id.to_string());
        let groups = found.into_iter().map(|group| shown::group(group.record, &group.tags, cx));
        Ok(Applied::read(DescribeSecurityGroupsResult { security_groups: Some(groups.collect()), next_token }))
    }
}
