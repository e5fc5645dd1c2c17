//! Instances, as stored: what is wanted (`spec`) and what was last seen (`status`).

use std::net::Ipv4Addr;

use ids::{AccountId, ImageId, InstanceId, NetworkInterfaceId, ReservationId, SecurityGroupId, SubnetId, VpcId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{IndexEntry, KeyBuf, Record};

use super::states::InstanceState;

/// One instance. It stays visible for an hour after it has terminated, as in AWS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceRecord {
    /// The account it belongs to.
    pub account: AccountId,
    /// Its id.
    pub id: InstanceId,
    /// What its owner wants.
    pub spec: InstanceSpec,
    /// What was last seen of it.
    pub status: InstanceStatus,
}

/// What an instance's owner wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceSpec {
    /// The call that launched it.
    pub reservation: ReservationId,
    /// Its place in that call, from 0.
    pub launch_index: u32,
    /// When that was.
    pub launch_time: Timestamp,
    /// What it boots.
    pub image: ImageId,
    /// Its instance type, such as `t3.micro`.
    pub instance_type: String,
    /// The availability zone.
    pub zone: String,
    /// The name and public key of its key pair, as they were at launch.
    pub key: Option<LaunchKey>,
    /// The decoded user data.
    pub user_data: Option<Vec<u8>>,
    /// Settings of its metadata service.
    pub metadata_options: MetadataOptions,
    /// The client's idempotency token.
    pub client_token: Option<String>,
    /// A digest of the launching call's parameters, which a later call with the same token must repeat.
    pub request_digest: u64,
    /// Its only network interface.
    pub interface: PrimaryInterface,
    /// `disableApiTermination`.
    pub is_termination_protected: bool,
    /// `instanceInitiatedShutdownBehavior`: `stop` or `terminate`.
    pub shutdown_behavior: String,
    /// Whether it has detailed monitoring; false until there are metrics.
    pub is_monitored: bool,
    /// True until somebody terminates it.
    pub is_wanted: bool,
    /// Counts the reboots asked for.
    pub reboots: u64,
}

/// The key pair of an instance, as it was at launch: deleting the pair later does not change the instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchKey {
    /// The name of the pair.
    pub name: String,
    /// The public key, as a line of `authorized_keys`.
    pub public_openssh: String,
}

/// The interface that an instance was launched with. Released when the instance has terminated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrimaryInterface {
    /// Its id.
    pub id: NetworkInterfaceId,
    /// The id of its attachment, `eni-attach-…`.
    pub attachment: String,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its subnet.
    pub subnet: SubnetId,
    /// Its MAC address.
    pub mac: String,
    /// Its private address.
    pub private_ip: Ipv4Addr,
    /// Its public address, if it has one.
    pub public_ip: Option<Ipv4Addr>,
    /// Its security groups.
    pub groups: Vec<SecurityGroupId>,
    /// Whether it drops packets that are not for its own address (`sourceDestCheck`).
    pub has_source_dest_check: bool,
}

/// Settings of the metadata service. Source: the EC2 type `InstanceMetadataOptionsRequest`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataOptions {
    /// `HttpTokens=required`.
    pub is_token_required: bool,
    /// `HttpPutResponseHopLimit`, 1 to 64.
    pub hop_limit: u8,
    /// `HttpEndpoint=enabled`.
    pub is_enabled: bool,
    /// `InstanceMetadataTags=enabled`.
    pub shows_tags: bool,
}

/// What was last seen of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceStatus {
    /// Where it is in its life.
    pub state: InstanceState,
    /// Why it is there, as AWS's `StateReason`: code and message.
    pub reason: Option<(String, String)>,
    /// AWS's `StateTransitionReason`, such as `User initiated (2026-11-21 08:00:00 GMT)`; empty until something ends it.
    pub transition_reason: String,
    /// When the state last changed.
    pub since: Timestamp,
}

impl Record for InstanceRecord {
    const TABLE: &'static str = "ec2/instance";
    const VERSION: u16 = 1;
    type Key = (AccountId, InstanceId);
    const INDEXES: &'static [&'static str] = &["live", "ended", "token"];

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.id.clone())
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        let mut entries = Vec::new();
        if self.status.state == InstanceState::Terminated {
            let since = u64::try_from(self.status.since.as_second()).unwrap_or_default();
            entries.push(IndexEntry::new("ended", KeyBuf::from(since)));
        } else {
            entries.push(IndexEntry::new("live", KeyBuf::from("")));
        }
        if let Some(token) = &self.spec.client_token {
            entries.push(IndexEntry::new("token", KeyBuf::from((self.account.clone(), token.clone()))));
        }
        entries
    }
}
