//! `ec2:DeleteSecurityGroup`: of a group that nobody uses.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html>.

use api::ec2::{DeleteSecurityGroup, DeleteSecurityGroupRequest, DeleteSecurityGroupResult};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, KeyPrefix, StoreError, View};

use super::record::{RulePeer, SecurityGroupRecord};
use super::{ALL, find};
use crate::instances::record::InstanceRecord;
use crate::instances::states::InstanceState;
use crate::{Ec2, Ec2Error, tags};

impl Operation<Ec2> for DeleteSecurityGroup {
    type Error = Ec2Error;

    fn needs(input: &DeleteSecurityGroupRequest, scope: &Scope) -> Vec<Need> {
        let id = input.group_id.as_deref().unwrap_or("*");
        vec![Need::on("ec2:DeleteSecurityGroup", scope.arn("ec2", &format!("security-group/{id}")))]
    }

    fn apply(
        input: &DeleteSecurityGroupRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<DeleteSecurityGroupResult>, Ec2Error> {
        let group = find::find(view, &cx.account, input.group_id.as_deref(), input.group_name.as_deref())?;
        if group.name == "default" {
            let text = format!("the specified group: \"{}\" name: \"default\" cannot be deleted by a user", group.id);
            return Err(Ec2Error::refused("CannotDelete", text));
        }
        if is_used(&group, view)? {
            let text = format!("resource {} has a dependent object", group.id);
            return Err(Ec2Error::refused("DependencyViolation", text));
        }
        let mut changes = Changes::new();
        changes.delete::<SecurityGroupRecord>(&(cx.account.clone(), group.id.clone()));
        tags::delete_tags_of(view, &mut changes, &cx.account, group.id.as_str())?;
        for rule in &group.rules {
            tags::delete_tags_of(view, &mut changes, &cx.account, rule.id.as_str())?;
        }
        let output = DeleteSecurityGroupResult { r#return: Some(true), group_id: Some(group.id.to_string()) };
        Ok(Applied::with(output, changes))
    }
}

/// Whether an instance is a member, or another group has a rule about this one. The account's instances are read, not
/// the index of the living ones: that spans all accounts, whose launches would then conflict with this call.
fn is_used(group: &SecurityGroupRecord, view: &View) -> Result<bool, StoreError> {
    let own = KeyPrefix::of(&group.account);
    let has_member = view.scan::<InstanceRecord>(&own, None, ALL)?.iter().any(|instance| {
        instance.status.state != InstanceState::Terminated && instance.spec.interface.groups.contains(&group.id)
    });
    let peer = RulePeer::Group(group.id.clone());
    let is_named = view
        .scan::<SecurityGroupRecord>(&own, None, ALL)?
        .iter()
        .any(|other| other.id != group.id && other.rules.iter().any(|rule| rule.peer == peer));
    Ok(has_member || is_named)
}
