//! The tables of this crate: brought to the present shape when a region starts, and their shapes pinned.

use store::{CommitError, Store};

use crate::images::record::ImageRecord;
use crate::instances::profiles::{AssociationRecord, InstanceCredentialsRecord};
use crate::instances::record::InstanceRecord;
use crate::key_pairs::record::KeyPairRecord;
use crate::network::record::{PrivateAddressRecord, PublicAddressRecord, SubnetRecord, VpcRecord};
use crate::security_groups::record::SecurityGroupRecord;
use crate::tags::record::TagRecord;

/// Brings the tables of EC2 to the shapes and indexes of this program. On a store that has them already it reads one
/// key a table.
///
/// # Errors
/// See [`Store::prepare`].
pub async fn prepare(store: &Store) -> Result<(), CommitError> {
    let prepared = tokio::try_join!(
        store.prepare::<ImageRecord>(),
        store.prepare::<InstanceRecord>(),
        store.prepare::<AssociationRecord>(),
        store.prepare::<InstanceCredentialsRecord>(),
        store.prepare::<KeyPairRecord>(),
        store.prepare::<PrivateAddressRecord>(),
        store.prepare::<PublicAddressRecord>(),
        store.prepare::<SubnetRecord>(),
        store.prepare::<VpcRecord>(),
        store.prepare::<SecurityGroupRecord>(),
        store.prepare::<TagRecord>(),
    );
    prepared.map(drop)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use ids::{
        AccountId, ImageId, InstanceId, KeyPairId, NetworkInterfaceId, ReservationId, SecurityGroupId,
        SecurityGroupRuleId, SubnetId, VpcId,
    };
    use jiff::Timestamp;
    use store::conformance::check_shapes;

    use super::{
        ImageRecord, InstanceRecord, KeyPairRecord, PrivateAddressRecord, PublicAddressRecord, SecurityGroupRecord,
        SubnetRecord, TagRecord, VpcRecord,
    };
    use crate::images::record::ImageSource;
    use crate::instances::profiles::{AssociationRecord, InstanceCredentialsRecord, IssuedCredentials};
    use crate::instances::record::{InstanceSpec, InstanceStatus, LaunchKey, MetadataOptions, PrimaryInterface};
    use crate::instances::states::InstanceState;
    use crate::security_groups::record::{RulePeer, RuleRecord};

    const SHAPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shapes");
    const THEN: Timestamp = Timestamp::constant(1_795_248_000, 0);

    fn account() -> AccountId {
        "111111111111".parse().unwrap()
    }

    #[test]
    fn stored_shapes_of_profiles() {
        let instance = InstanceId::from_random([1; 8]);
        let association = AssociationRecord {
            account: account(),
            instance: instance.clone(),
            id: "iip-assoc-1".into(),
            profile_arn: "arn:aws:iam::111111111111:instance-profile/web".into(),
            profile_id: "AIPA1".into(),
            since: THEN,
        };
        check_shapes(SHAPES, &[(1, association)]);
        let issued = IssuedCredentials {
            access_key: "ASIA1".into(),
            secret: "secret".into(),
            token: "token".into(),
            expires: THEN,
        };
        assert!(!format!("{issued:?}").contains("token"), "secrets are not for logs");
        let credentials = InstanceCredentialsRecord {
            account: account(),
            instance,
            profile_id: "AIPA1".into(),
            role_id: "AROA1".into(),
            role: "web".into(),
            updated: THEN,
            issued: Some(issued),
        };
        check_shapes(SHAPES, &[(1, credentials)]);
    }

    fn instance() -> InstanceRecord {
        let interface = PrimaryInterface {
            id: NetworkInterfaceId::from_random([4; 8]),
            attachment: "eni-attach-1".into(),
            vpc: VpcId::from_random([2; 8]),
            subnet: SubnetId::from_random([3; 8]),
            mac: "02:00:00:00:00:01".into(),
            private_ip: Ipv4Addr::new(172, 31, 0, 5),
            public_ip: Some(Ipv4Addr::new(203, 0, 113, 7)),
            groups: vec![SecurityGroupId::from_random([5; 8])],
            has_source_dest_check: true,
        };
        let spec = InstanceSpec {
            reservation: ReservationId::from_random([6; 8]),
            launch_index: 1,
            launch_time: THEN,
            image: ImageId::from_random([7; 8]),
            instance_type: "t3.nano".into(),
            zone: "us-east-1a".into(),
            key: Some(LaunchKey { name: "mine".into(), public_openssh: "ssh-ed25519 AAAA".into() }),
            user_data: Some(b"hi".to_vec()),
            metadata_options: MetadataOptions {
                is_token_required: true,
                hop_limit: 2,
                is_enabled: true,
                shows_tags: false,
            },
            client_token: Some("token".into()),
            request_digest: u64::MAX,
            interface,
            is_termination_protected: false,
            shutdown_behavior: "terminate".into(),
            is_monitored: false,
            is_wanted: true,
            reboots: 3,
        };
        let status = InstanceStatus {
            state: InstanceState::ShuttingDown,
            reason: Some(("code".into(), "message".into())),
            transition_reason: "reason".into(),
            since: THEN,
        };
        InstanceRecord { account: account(), id: InstanceId::from_random([1; 8]), spec, status }
    }

    fn group() -> SecurityGroupRecord {
        let rule = |number: u8, peer| RuleRecord {
            id: SecurityGroupRuleId::from_random([number; 8]),
            is_egress: number == 1,
            protocol: "tcp".into(),
            from_port: -1,
            to_port: 80,
            peer,
            description: (number == 1).then(|| "what for".to_owned()),
        };
        let rules = vec![
            rule(1, RulePeer::Ipv4(Ipv4Addr::UNSPECIFIED, 0)),
            rule(2, RulePeer::Ipv6("::/0".into())),
            rule(3, RulePeer::Group(SecurityGroupId::from_random([5; 8]))),
        ];
        SecurityGroupRecord {
            account: account(),
            id: SecurityGroupId::from_random([5; 8]),
            vpc: VpcId::from_random([2; 8]),
            name: "web".into(),
            description: "d".into(),
            rules,
        }
    }

    #[test]
    fn stored_shapes() {
        check_shapes(SHAPES, &[(1, instance())]);
        check_shapes(SHAPES, &[(1, group())]);
        let (vpc, subnet) = (VpcId::from_random([2; 8]), SubnetId::from_random([3; 8]));
        let (interface, address) = (NetworkInterfaceId::from_random([4; 8]), Ipv4Addr::new(172, 31, 0, 5));
        let image = ImageRecord {
            id: ImageId::from_random([7; 8]),
            owner: Some(account()),
            name: "tiny".into(),
            description: "d".into(),
            architecture: "x86_64".into(),
            created: THEN,
            is_public: true,
            source: ImageSource {
                kernel: Some("vmlinuz".into()),
                initrd: Some("initrd".into()),
                command_line: "console=ttyS0".into(),
                root: Some("root.raw".into()),
                root_bytes: 1 << 30,
            },
        };
        check_shapes(SHAPES, &[(1, image)]);
        let key = KeyPairRecord {
            account: account(),
            name: "mine".into(),
            id: KeyPairId::from_random([8; 8]),
            key_type: "ed25519".into(),
            fingerprint: "f".into(),
            public_openssh: "ssh-ed25519 AAAA".into(),
            created: THEN,
        };
        check_shapes(SHAPES, &[(1, key)]);
        let network = VpcRecord {
            account: account(),
            id: vpc.clone(),
            cidr: (Ipv4Addr::new(172, 31, 0, 0), 16),
            is_default: true,
            dhcp_options: "dopt-1".into(),
        };
        check_shapes(SHAPES, &[(1, network)]);
        let part = SubnetRecord {
            account: account(),
            id: subnet.clone(),
            vpc,
            zone: "us-east-1a".into(),
            cidr: (Ipv4Addr::new(172, 31, 0, 0), 20),
            is_default: true,
            maps_public_ip: true,
        };
        check_shapes(SHAPES, &[(1, part)]);
        check_shapes(SHAPES, &[(1, PrivateAddressRecord { subnet, address, interface: interface.clone() })]);
        check_shapes(SHAPES, &[(1, PublicAddressRecord { address, account: account(), interface })]);
        let tag = TagRecord { account: account(), resource: "i-1".into(), key: "k".into(), value: "v".into() };
        check_shapes(SHAPES, &[(1, tag)]);
    }

    /// The words that a golden file, which has but one of each, does not show.
    #[test]
    fn stored_words() {
        let states = [
            (InstanceState::Pending, "pending"),
            (InstanceState::Running, "running"),
            (InstanceState::ShuttingDown, "shutting-down"),
            (InstanceState::Terminated, "terminated"),
            (InstanceState::Stopping, "stopping"),
            (InstanceState::Stopped, "stopped"),
        ];
        for (state, word) in states {
            assert_eq!(serde_json::to_value(state).unwrap(), word);
        }
    }
}
