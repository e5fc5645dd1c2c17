//! `ec2:CreateSecurityGroup`: a group that lets everything out and nothing in.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html>.

use std::net::Ipv4Addr;

use api::ec2::{CreateSecurityGroup, CreateSecurityGroupRequest, CreateSecurityGroupResult};
use ids::{SecurityGroupId, SecurityGroupRuleId, VpcId};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, KeyPrefix, View};

use super::record::{RulePeer, RuleRecord, SecurityGroupRecord};
use super::shown::group_arn;
use super::{MAX_GROUPS, find, is_description};
use crate::grounds::Grounds;
use crate::network::record::VpcRecord;
use crate::{Ec2, Ec2Error, network, tags};

impl Operation<Ec2> for CreateSecurityGroup {
    type Error = Ec2Error;

    fn needs(input: &CreateSecurityGroupRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        const ACTION: &str = "ec2:CreateSecurityGroup";
        let grounds = Grounds::new(view, scope);
        let default = match (&input.vpc_id, &scope.account) {
            (None, Some(account)) => network::default_vpc(view, account)?.map(|vpc| vpc.id.to_string()),
            _ => None,
        };
        let vpc = input.vpc_id.as_ref().or(default.as_ref());
        let group = grounds.on(ACTION, "security-group/*");
        let group = match vpc.and_then(|vpc| vpc.parse().ok()) {
            Some(vpc) => group.with("ec2:Vpc", grounds.vpc_arn(&vpc)),
            None => group,
        };
        let tags = input.tag_specifications.as_ref();
        let mut needs = grounds.making(group, "CreateSecurityGroup", "security-group", tags);
        needs.push(match vpc {
            Some(vpc) => grounds.vpc(ACTION, vpc)?,
            None => grounds.on(ACTION, "vpc/*"),
        });
        Ok(needs)
    }

    fn apply(
        input: &CreateSecurityGroupRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<CreateSecurityGroupResult>, Ec2Error> {
        check_names(&input.group_name, &input.description)?;
        let [new_tags] = tags::read_tag_specifications(input.tag_specifications.as_ref(), ["security-group"])?;
        let vpc = match &input.vpc_id {
            None => find::require_default_vpc(view, &cx.account)?,
            Some(id) => require_vpc(id, view, cx)?,
        };
        if find::by_name(view, &cx.account, &vpc, &input.group_name)?.is_some() {
            let text = format!("The security group '{}' already exists for VPC '{vpc}'", input.group_name);
            return Err(Ec2Error::refused("InvalidGroup.Duplicate", text));
        }
        let count = view.scan::<SecurityGroupRecord>(&KeyPrefix::of(&cx.account), None, MAX_GROUPS)?.len();
        if count >= MAX_GROUPS {
            let text = "The maximum number of security groups has been reached.";
            return Err(Ec2Error::refused("SecurityGroupLimitExceeded", text));
        }

        let group = SecurityGroupRecord {
            account: cx.account.clone(),
            id: SecurityGroupId::from_random(cx.random()),
            vpc,
            name: input.group_name.clone(),
            description: input.description.clone(),
            rules: vec![RuleRecord {
                id: SecurityGroupRuleId::from_random(cx.random()),
                is_egress: true,
                protocol: "-1".to_owned(),
                from_port: -1,
                to_port: -1,
                peer: RulePeer::Ipv4(Ipv4Addr::UNSPECIFIED, 0),
                description: None,
            }],
        };
        let mut changes = Changes::new();
        changes.put(&group)?;
        tags::put_tags(&mut changes, &cx.account, group.id.as_str(), &new_tags)?;
        let output = CreateSecurityGroupResult {
            security_group_arn: Some(group_arn(&group, cx)),
            group_id: Some(group.id.to_string()),
            tags: tags::shown(&new_tags),
        };
        Ok(Applied::with(output, changes))
    }
}

fn require_vpc(id: &str, view: &View, cx: &Cx) -> Result<VpcId, Ec2Error> {
    let missing = || Ec2Error::refused("InvalidVpcID.NotFound", format!("The vpc ID '{id}' does not exist"));
    let parsed: VpcId = id.parse().map_err(|_| missing())?;
    if view.contains::<VpcRecord>(&(cx.account.clone(), parsed.clone()))? { Ok(parsed) } else { Err(missing()) }
}

fn check_names(name: &str, description: &str) -> Result<(), Ec2Error> {
    const RULE: &str = "are strings less than 256 characters from the following set:  \
                        a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*";
    if name.trim().is_empty() {
        return Err(Ec2Error::missing("groupName"));
    }
    if description.is_empty() {
        return Err(Ec2Error::missing("groupDescription"));
    }
    if !is_description(name) {
        return Err(Ec2Error::invalid_value(format!("Invalid security group name. Valid names {RULE}")));
    }
    if !is_description(description) {
        let text = format!("Invalid security group description. Valid descriptions {RULE}");
        return Err(Ec2Error::invalid_value(text));
    }
    if name.starts_with("sg-") {
        return Err(Ec2Error::invalid_value("Group names may not be in the format sg-*."));
    }
    if name == "default" {
        return Err(Ec2Error::invalid_value("Cannot use reserved security group name: default"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_names;

    #[test]
    fn names() {
        let (longest, longer) = ("a".repeat(255), "a".repeat(256));
        for (name, description, is_good) in [
            ("web", "for the web", true),
            (longest.as_str(), longest.as_str(), true),
            (longer.as_str(), "x", false),
            ("web", longer.as_str(), false),
            ("", "x", false),
            ("web", "", false),
            ("sg-web", "x", false),
            ("sgweb", "x", true),
            ("default", "x", false),
            ("wäb", "x", false),
            ("web<1>", "x", false),
            ("web", "a > b", false),
            ("._-:/()#,@[]+=&;{}!$*", "._-:/()#,@[]+=&;{}!$*", true),
        ] {
            assert_eq!(check_names(name, description).is_ok(), is_good, "{name} {description}");
        }
    }
}
