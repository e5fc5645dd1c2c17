//! An instance as EC2 shows it. A terminated one has lost its addresses, groups and VPC, as in AWS.

use std::collections::HashMap;

use api::ec2::{
    CapacityReservationSpecificationResponse, CpuOptions, EnclaveOptions, GroupIdentifier, HibernationOptions,
    IamInstanceProfile, Instance, InstanceMetadataOptionsResponse, InstanceNetworkInterface,
    InstanceNetworkInterfaceAssociation, InstanceNetworkInterfaceAttachment, InstancePrivateIpAddress, Monitoring,
    Placement, PrivateDnsNameOptionsResponse, StateReason,
};
use ids::{AccountId, ImageId, InstanceId, SecurityGroupId};
use service::RegionFacts;
use store::{KeyPrefix, StoreError, View};

use super::profiles::AssociationRecord;
use super::record::{InstanceRecord, MetadataOptions};
use super::states::InstanceState;
use super::terminate::state_output;
use super::types;
use crate::images::record::ImageRecord;
use crate::scan::scan_all;
use crate::security_groups::record::SecurityGroupRecord;
use crate::text::{private_dns_name, public_dns_name};

/// Shows instances of one view, looking each group and image up once.
pub(crate) struct Presenter<'a> {
    view: &'a View,
    region: &'a RegionFacts,
    groups: HashMap<SecurityGroupId, String>,
    architectures: HashMap<ImageId, Option<(String, bool)>>,
    profiles: HashMap<InstanceId, IamInstanceProfile>,
    profiles_read: ProfilesRead,
}

/// What has been read of the profiles of the account's instances.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ProfilesRead {
    Nothing,
    /// That of one instance: most calls are about one.
    One,
    /// All of them, at once, as soon as there is a second one.
    All,
}

impl<'a> Presenter<'a> {
    /// A presenter over a view.
    pub(crate) fn new(view: &'a View, region: &'a RegionFacts) -> Self {
        Self {
            view,
            region,
            groups: HashMap::new(),
            architectures: HashMap::new(),
            profiles: HashMap::new(),
            profiles_read: ProfilesRead::Nothing,
        }
    }

    /// Takes note of a profile that the view does not have yet.
    pub(crate) fn launched(&mut self, association: &AssociationRecord) {
        self.profiles.insert(association.instance.clone(), association.shown());
    }

    fn profile(&mut self, record: &InstanceRecord) -> Result<Option<IamInstanceProfile>, StoreError> {
        if let Some(known) = self.profiles.get(&record.id) {
            return Ok(Some(known.clone()));
        }
        match self.profiles_read {
            ProfilesRead::Nothing => {
                self.profiles_read = ProfilesRead::One;
                let found = self.view.get::<AssociationRecord>(&(record.account.clone(), record.id.clone()))?;
                Ok(found.map(|association| association.shown()))
            }
            ProfilesRead::One => {
                self.profiles_read = ProfilesRead::All;
                for association in scan_all::<AssociationRecord>(self.view, &KeyPrefix::of(&record.account))? {
                    let shown = association.shown();
                    // What is noted of this very call is newer.
                    self.profiles.entry(association.instance).or_insert(shown);
                }
                Ok(self.profiles.get(&record.id).cloned())
            }
            ProfilesRead::All => Ok(None),
        }
    }

    /// One instance with its tags.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn instance(
        &mut self,
        record: &InstanceRecord,
        tags: &[(String, String)],
    ) -> Result<Instance, StoreError> {
        let (spec, status) = (&record.spec, &record.status);
        let image = self.image(&spec.image)?;
        let mut instance = Instance {
            instance_id: Some(record.id.to_string()),
            image_id: Some(spec.image.to_string()),
            state: Some(state_output(status.state)),
            state_reason: status
                .reason
                .as_ref()
                .map(|(code, message)| StateReason { code: Some(code.clone()), message: Some(message.clone()) }),
            state_transition_reason: Some(status.transition_reason.clone()),
            private_dns_name: Some(String::new()),
            public_dns_name: Some(String::new()),
            key_name: spec.key.as_ref().map(|key| key.name.clone()),
            ami_launch_index: Some(i32::try_from(spec.launch_index).unwrap_or(i32::MAX)),
            product_codes: Some(Vec::new()),
            instance_type: Some(spec.instance_type.clone()),
            launch_time: Some(spec.launch_time),
            placement: Some(self.placement(&spec.zone)),
            monitoring: Some(Monitoring {
                state: Some(if spec.is_monitored { "enabled" } else { "disabled" }.to_owned()),
                ..Monitoring::default()
            }),
            architecture: image.as_ref().map(|(architecture, _)| architecture.clone()),
            block_device_mappings: Some(Vec::new()),
            client_token: Some(spec.client_token.clone().unwrap_or_default()),
            ebs_optimized: Some(false),
            ena_support: Some(false),
            hypervisor: Some("xen".to_owned()),
            iam_instance_profile: self.profile(record)?,
            network_interfaces: Some(Vec::new()),
            root_device_name: image.filter(|(_, has_root)| *has_root).map(|_| super::ROOT_DEVICE.to_owned()),
            root_device_type: Some("instance-store".to_owned()),
            security_groups: Some(Vec::new()),
            tags: crate::tags::shown(tags),
            virtualization_type: Some("hvm".to_owned()),
            cpu_options: types::find(&spec.instance_type).map(|known| CpuOptions {
                core_count: Some(i32::from(known.vcpus)),
                threads_per_core: Some(1),
                ..CpuOptions::default()
            }),
            capacity_reservation_specification: Some(CapacityReservationSpecificationResponse {
                capacity_reservation_preference: Some("none".to_owned()),
                ..CapacityReservationSpecificationResponse::default()
            }),
            hibernation_options: Some(HibernationOptions { configured: Some(false) }),
            enclave_options: Some(EnclaveOptions { enabled: Some(false) }),
            metadata_options: Some(metadata_options(&spec.metadata_options, status.state)),
            platform_details: Some("Linux/UNIX".to_owned()),
            usage_operation: Some("RunInstances".to_owned()),
            usage_operation_update_time: Some(spec.launch_time),
            ..Instance::default()
        };
        if status.state != InstanceState::Terminated {
            self.add_network(record, &mut instance)?;
        }
        Ok(instance)
    }

    fn add_network(&mut self, record: &InstanceRecord, instance: &mut Instance) -> Result<(), StoreError> {
        let interface = &record.spec.interface;
        let private_name = private_dns_name(&self.region.name, interface.private_ip);
        let public_name = interface.public_ip.map(|address| public_dns_name(&self.region.name, address));
        let groups = self.groups(&record.account, &interface.groups)?;
        instance.private_dns_name = Some(private_name.clone());
        instance.public_dns_name = Some(public_name.unwrap_or_default());
        instance.private_ip_address = Some(interface.private_ip.to_string());
        instance.public_ip_address = interface.public_ip.map(|address| address.to_string());
        instance.subnet_id = Some(interface.subnet.to_string());
        instance.vpc_id = Some(interface.vpc.to_string());
        instance.source_dest_check = Some(interface.has_source_dest_check);
        instance.security_groups = Some(groups.clone());
        instance.private_dns_name_options = Some(PrivateDnsNameOptionsResponse {
            hostname_type: Some("ip-name".to_owned()),
            enable_resource_name_dns_a_record: Some(false),
            enable_resource_name_dns_aaaa_record: Some(false),
        });
        let association = self.association(record);
        instance.network_interfaces = Some(vec![InstanceNetworkInterface {
            association: association.clone(),
            attachment: Some(InstanceNetworkInterfaceAttachment {
                attach_time: Some(record.spec.launch_time),
                attachment_id: Some(interface.attachment.clone()),
                delete_on_termination: Some(true),
                device_index: Some(0),
                status: Some(attachment_state(record.status.state).to_owned()),
                network_card_index: Some(0),
                ..InstanceNetworkInterfaceAttachment::default()
            }),
            description: Some(String::new()),
            groups: Some(groups),
            ipv6_addresses: Some(Vec::new()),
            mac_address: Some(interface.mac.clone()),
            network_interface_id: Some(interface.id.to_string()),
            owner_id: Some(record.account.to_string()),
            private_dns_name: Some(private_name.clone()),
            private_ip_address: Some(interface.private_ip.to_string()),
            private_ip_addresses: Some(vec![InstancePrivateIpAddress {
                association,
                primary: Some(true),
                private_dns_name: Some(private_name),
                private_ip_address: Some(interface.private_ip.to_string()),
            }]),
            source_dest_check: Some(interface.has_source_dest_check),
            status: Some("in-use".to_owned()),
            subnet_id: Some(interface.subnet.to_string()),
            vpc_id: Some(interface.vpc.to_string()),
            interface_type: Some("interface".to_owned()),
            ..InstanceNetworkInterface::default()
        }]);
        Ok(())
    }

    fn association(&self, record: &InstanceRecord) -> Option<InstanceNetworkInterfaceAssociation> {
        let address = record.spec.interface.public_ip?;
        Some(InstanceNetworkInterfaceAssociation {
            ip_owner_id: Some("amazon".to_owned()),
            public_dns_name: Some(public_dns_name(&self.region.name, address)),
            public_ip: Some(address.to_string()),
            ..InstanceNetworkInterfaceAssociation::default()
        })
    }

    fn placement(&self, zone: &str) -> Placement {
        let known = self.region.zones.iter().find(|known| known.name == zone);
        Placement {
            availability_zone: Some(zone.to_owned()),
            availability_zone_id: known.map(|known| known.id.clone()),
            group_name: Some(String::new()),
            tenancy: Some("default".to_owned()),
            ..Placement::default()
        }
    }

    fn groups(&mut self, account: &AccountId, ids: &[SecurityGroupId]) -> Result<Vec<GroupIdentifier>, StoreError> {
        let mut groups = Vec::with_capacity(ids.len());
        for id in ids {
            if !self.groups.contains_key(id) {
                let found = self.view.get::<SecurityGroupRecord>(&(account.clone(), id.clone()))?;
                self.groups.insert(id.clone(), found.map(|found| found.name).unwrap_or_default());
            }
            groups.push(GroupIdentifier { group_id: Some(id.to_string()), group_name: self.groups.get(id).cloned() });
        }
        Ok(groups)
    }

    /// The image's architecture, and whether it has a root disk; none if the image is gone.
    fn image(&mut self, id: &ImageId) -> Result<Option<(String, bool)>, StoreError> {
        if let Some(known) = self.architectures.get(id) {
            return Ok(known.clone());
        }
        let image = self.view.get::<ImageRecord>(id)?;
        let found = image.map(|image| (image.architecture, image.source.root.is_some()));
        self.architectures.insert(id.clone(), found.clone());
        Ok(found)
    }
}

fn metadata_options(options: &MetadataOptions, state: InstanceState) -> InstanceMetadataOptionsResponse {
    let word = |is_so: bool| Some(if is_so { "enabled" } else { "disabled" }.to_owned());
    InstanceMetadataOptionsResponse {
        state: Some(if state == InstanceState::Pending { "pending" } else { "applied" }.to_owned()),
        http_tokens: Some(if options.is_token_required { "required" } else { "optional" }.to_owned()),
        http_put_response_hop_limit: Some(i32::from(options.hop_limit)),
        http_endpoint: word(options.is_enabled),
        http_protocol_ipv6: word(false),
        instance_metadata_tags: word(options.shows_tags),
    }
}

fn attachment_state(state: InstanceState) -> &'static str {
    match state {
        InstanceState::Pending => "attaching",
        InstanceState::Running | InstanceState::Stopping | InstanceState::Stopped => "attached",
        InstanceState::ShuttingDown => "detaching",
        InstanceState::Terminated => "detached",
    }
}
