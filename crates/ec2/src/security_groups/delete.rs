//! `ec2:DeleteSecurityGroup`: of a group that nobody uses.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html>.

use api::ec2::{DeleteSecurityGroup, DeleteSecurityGroupRequest, DeleteSecurityGroupResult};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, KeyPrefix, StoreError, View};

use super::record::{RulePeer, SecurityGroupRecord};
use super::{ALL, find};
use crate::grounds::Grounds;
use crate::instances::record::InstanceRecord;
use crate::instances::states::InstanceState;
use crate::{Ec2, Ec2Error, tags};

impl Operation<Ec2> for DeleteSecurityGroup {
    type Error = Ec2Error;

    fn needs(input: &DeleteSecurityGroupRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        let (id, name) = (input.group_id.as_deref(), input.group_name.as_deref());
        Ok(vec![Grounds::new(view, scope).named_group("ec2:DeleteSecurityGroup", id, name)?])
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use ids::{AccountId, ImageId, InstanceId, NetworkInterfaceId, ReservationId, SecurityGroupId, SubnetId, VpcId};
    use jiff::Timestamp;
    use store::{Changes, Memory, Store};

    use super::is_used;
    use crate::instances::record::{InstanceRecord, InstanceSpec, InstanceStatus, MetadataOptions, PrimaryInterface};
    use crate::instances::states::InstanceState;
    use crate::security_groups::record::SecurityGroupRecord;

    const ACCOUNT: [u8; 8] = [1; 8];

    fn group(byte: u8) -> SecurityGroupRecord {
        SecurityGroupRecord {
            account: AccountId::from_random(ACCOUNT),
            id: SecurityGroupId::from_random([byte; 8]),
            vpc: VpcId::from_random([1; 8]),
            name: "web".to_owned(),
            description: String::new(),
            rules: Vec::new(),
        }
    }

    fn instance(account: [u8; 8], state: InstanceState) -> InstanceRecord {
        let interface = PrimaryInterface {
            id: NetworkInterfaceId::from_random([1; 8]),
            attachment: "eni-attach-1".to_owned(),
            vpc: VpcId::from_random([1; 8]),
            subnet: SubnetId::from_random([1; 8]),
            mac: "02:00:00:00:00:01".to_owned(),
            private_ip: Ipv4Addr::new(172, 31, 0, 4),
            public_ip: None,
            groups: vec![group(1).id],
            has_source_dest_check: true,
        };
        let spec = InstanceSpec {
            reservation: ReservationId::from_random([1; 8]),
            launch_index: 0,
            launch_time: Timestamp::UNIX_EPOCH,
            image: ImageId::from_random([1; 8]),
            instance_type: "t3.micro".to_owned(),
            zone: "us-east-1a".to_owned(),
            key: None,
            user_data: None,
            metadata_options: MetadataOptions {
                is_token_required: true,
                hop_limit: 2,
                is_enabled: true,
                shows_tags: false,
            },
            client_token: None,
            request_digest: 0,
            interface,
            is_termination_protected: false,
            shutdown_behavior: "stop".to_owned(),
            is_monitored: false,
            is_wanted: true,
            reboots: 0,
        };
        let status =
            InstanceStatus { state, reason: None, transition_reason: String::new(), since: Timestamp::UNIX_EPOCH };
        InstanceRecord { account: AccountId::from_random(account), id: InstanceId::from_random([1; 8]), spec, status }
    }

    async fn check(instance: InstanceRecord, group: SecurityGroupRecord, expected: bool) {
        let store = Store::new(Memory::new());
        let mut changes = Changes::new();
        changes.put(&instance).unwrap();
        changes.put(&group).unwrap();
        store.commit(None, changes).await.unwrap();
        let seen = is_used(&group, &store.view().unwrap()).unwrap();
        assert_eq!(seen, expected, "{:?} {}", instance.status.state, group.id);
    }

    #[tokio::test]
    async fn instances_use_their_groups_until_they_are_gone() {
        for state in [
            InstanceState::Pending,
            InstanceState::Running,
            InstanceState::ShuttingDown,
            InstanceState::Stopping,
            InstanceState::Stopped,
        ] {
            check(instance(ACCOUNT, state), group(1), true).await;
            check(instance(ACCOUNT, state), group(2), false).await;
        }
        check(instance(ACCOUNT, InstanceState::Terminated), group(1), false).await;
        check(instance([2; 8], InstanceState::Running), group(1), false).await;
    }
}
