//! What a call of `RunInstances` asks for, checked as far as that needs no look at the store. Every parameter is
//! named here: one whose meaning is not built yet is refused rather than ignored.

use std::net::Ipv4Addr;

use api::ec2::{
    IamInstanceProfileSpecification, InstanceMetadataOptionsRequest, InstanceNetworkInterfaceSpecification, Placement,
    RunInstancesRequest,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::profiles::{Profile, Resolved};
use super::record::MetadataOptions;
use super::types::{self, InstanceType};
use crate::Ec2Error;
use crate::tags::{Tags, read_tag_specifications};

/// The most bytes of user data. Source: the EC2 user guide, "Run commands at launch".
const MAX_USER_DATA: usize = 16_384;
/// The most characters of a client token. Source: the EC2 API reference, "Ensuring idempotency".
const MAX_TOKEN: usize = 64;

/// A checked request.
#[derive(Debug)]
pub(crate) struct LaunchRequest {
    /// At least and at most so many instances.
    pub(crate) counts: (u32, u32),
    /// The image's id, not yet looked at.
    pub(crate) image: String,
    /// The type.
    pub(crate) instance_type: &'static InstanceType,
    /// The key pair's name.
    pub(crate) key_name: Option<String>,
    /// The subnet's id, not yet looked at.
    pub(crate) subnet: Option<String>,
    /// The availability zone.
    pub(crate) zone: Option<String>,
    /// Ids of security groups.
    pub(crate) group_ids: Vec<String>,
    /// Names of security groups of the default VPC.
    pub(crate) group_names: Vec<String>,
    /// The private address.
    pub(crate) private_ip: Option<Ipv4Addr>,
    /// Whether there should be a public address; as the subnet says if none.
    pub(crate) wants_public_ip: Option<bool>,
    /// The decoded user data.
    pub(crate) user_data: Option<Vec<u8>>,
    /// Tags of each instance.
    pub(crate) tags: Tags,
    /// Tags of each network interface.
    pub(crate) interface_tags: Tags,
    /// Settings of the metadata service.
    pub(crate) metadata_options: MetadataOptions,
    /// The instance profile.
    pub(crate) profile: Option<Profile>,
    /// `DisableApiTermination`.
    pub(crate) is_termination_protected: bool,
    /// The idempotency token.
    pub(crate) client_token: Option<String>,
    /// A digest of all parameters.
    pub(crate) digest: u64,
}

impl LaunchRequest {
    /// Checks a request.
    ///
    /// # Errors
    /// AWS's for a wrong value, `UnsupportedOperation` for a parameter whose meaning is not built.
    pub(crate) fn read(input: &RunInstancesRequest) -> Result<Self, Ec2Error> {
        let digest = crate::digest::fnv1a(format!("{:?}", as_given(input)).as_bytes());
        refuse_unbuilt(input)?;
        let counts = counts(input.min_count, input.max_count)?;
        let type_name = input.instance_type.as_deref().unwrap_or(types::DEFAULT);
        let instance_type = types::find(type_name)
            .ok_or_else(|| Ec2Error::invalid_value(format!("Invalid value '{type_name}' for InstanceType.")))?;
        let given = |texts: &Option<Vec<String>>| texts.clone().unwrap_or_default();
        let mut request = Self {
            counts,
            image: input.image_id.clone().ok_or_else(|| Ec2Error::missing("ImageId"))?,
            instance_type,
            key_name: input.key_name.clone(),
            subnet: input.subnet_id.clone(),
            zone: zone(input.placement.as_ref())?,
            group_ids: given(&input.security_group_ids),
            group_names: given(&input.security_groups),
            private_ip: input.private_ip_address.as_deref().map(address).transpose()?,
            wants_public_ip: None,
            user_data: input.user_data.as_deref().map(user_data).transpose()?,
            tags: Tags::new(),
            interface_tags: Tags::new(),
            metadata_options: metadata_options(input.metadata_options.as_ref())?,
            profile: input.iam_instance_profile.as_ref().map(Resolved::read).transpose()?,
            is_termination_protected: input.disable_api_termination == Some(true),
            client_token: client_token(input.client_token.as_deref())?,
            digest,
        };
        request.read_tags(input)?;
        request.read_interface(input.network_interfaces.as_deref().unwrap_or_default())?;
        if !request.group_ids.is_empty() && !request.group_names.is_empty() {
            let text = "The parameter groupName cannot be used with the parameter groupId";
            return Err(Ec2Error::combination(text));
        }
        if !request.group_names.is_empty() && request.subnet.is_some() {
            return Err(Ec2Error::combination("The parameter groupName cannot be used with the parameter subnet"));
        }
        if request.private_ip.is_some() && request.counts.1 > 1 {
            let text = "The parameter privateIpAddress cannot be used with more than one instance";
            return Err(Ec2Error::combination(text));
        }
        Ok(request)
    }

    fn read_tags(&mut self, input: &RunInstancesRequest) -> Result<(), Ec2Error> {
        let given = input.tag_specifications.as_ref();
        if given.into_iter().flatten().any(|tags| tags.resource_type.as_deref() == Some("volume")) {
            return Err(Ec2Error::unsupported("TagSpecification for volume"));
        }
        [self.tags, self.interface_tags] = read_tag_specifications(given, ["instance", "network-interface"])?;
        Ok(())
    }

    fn read_interface(&mut self, given: &[InstanceNetworkInterfaceSpecification]) -> Result<(), Ec2Error> {
        let interface = match given {
            [] => return Ok(()),
            [one] => one,
            _ => return Err(Ec2Error::unsupported("More than one network interface")),
        };
        refuse_unbuilt_interface(interface)?;
        let twice =
            |what| format!("Network interfaces and an instance-level {what} may not be specified on the same request");
        if !self.group_ids.is_empty() || !self.group_names.is_empty() {
            return Err(Ec2Error::combination(twice("security groups")));
        }
        if self.subnet.is_some() {
            return Err(Ec2Error::combination(twice("subnet ID")));
        }
        if self.private_ip.is_some() {
            return Err(Ec2Error::combination(twice("private IP address")));
        }
        self.subnet.clone_from(&interface.subnet_id);
        self.group_ids = interface.groups.clone().unwrap_or_default();
        self.wants_public_ip = interface.associate_public_ip_address;
        let listed = interface.private_ip_addresses.as_deref().unwrap_or_default();
        let text =
            interface.private_ip_address.as_ref().or(listed.first().and_then(|own| own.private_ip_address.as_ref()));
        self.private_ip = text.map(|text| address(text)).transpose()?;
        Ok(())
    }
}

/// The request without what IAM said of the profile beside its ARN: a role may get a tag between a call and its
/// repetition.
fn as_given(input: &RunInstancesRequest) -> RunInstancesRequest {
    let profile = input.iam_instance_profile.as_ref();
    let named = profile.map(|given| IamInstanceProfileSpecification { arn: Resolved::arn(given), name: None });
    RunInstancesRequest { iam_instance_profile: named, ..input.clone() }
}

/// Names every parameter of the request, so that one that AWS adds is not overlooked: the compiler asks for it here.
fn refuse_unbuilt(input: &RunInstancesRequest) -> Result<(), Ec2Error> {
    let RunInstancesRequest {
        block_device_mappings,
        image_id: _,
        instance_type: _,
        ipv6_address_count,
        ipv6_addresses,
        kernel_id,
        key_name: _,
        max_count: _,
        min_count: _,
        monitoring,
        placement: _,
        ramdisk_id,
        security_group_ids: _,
        security_groups: _,
        subnet_id: _,
        user_data: _,
        elastic_gpu_specification,
        elastic_inference_accelerators,
        tag_specifications: _,
        launch_template,
        instance_market_options,
        credit_specification,
        cpu_options,
        capacity_reservation_specification,
        hibernation_options,
        license_specifications,
        metadata_options: _,
        enclave_options,
        private_dns_name_options,
        maintenance_options,
        disable_api_stop,
        enable_primary_ipv6,
        network_performance_options,
        operator,
        secondary_interfaces,
        dry_run: _,
        disable_api_termination: _,
        instance_initiated_shutdown_behavior,
        private_ip_address: _,
        client_token: _,
        additional_info,
        network_interfaces: _,
        iam_instance_profile: _,
        ebs_optimized,
    } = input;
    let is_not = |word: &Option<String>, built: &str| word.as_deref().is_some_and(|word| word != built);
    let names = private_dns_name_options.as_ref();
    first_unbuilt(&[
        ("BlockDeviceMapping", has_any(block_device_mappings)),
        ("Ipv6AddressCount", ipv6_address_count.is_some_and(|count| count != 0)),
        ("Ipv6Address", has_any(ipv6_addresses)),
        ("KernelId", kernel_id.is_some()),
        ("RamdiskId", ramdisk_id.is_some()),
        ("ElasticGpuSpecification", has_any(elastic_gpu_specification)),
        ("ElasticInferenceAccelerator", has_any(elastic_inference_accelerators)),
        // There is no CloudWatch yet that could show a metric a minute.
        ("Monitoring", monitoring.as_ref().is_some_and(|given| given.enabled || has_any(&given.metric_category_ids))),
        ("LaunchTemplate", launch_template.is_some()),
        ("InstanceMarketOptions", instance_market_options.is_some()),
        ("CreditSpecification", credit_specification.is_some()),
        ("CpuOptions", cpu_options.is_some()),
        (
            "CapacityReservationSpecification",
            capacity_reservation_specification.as_ref().is_some_and(|given| {
                given.capacity_reservation_target.is_some()
                    || !matches!(given.capacity_reservation_preference.as_deref(), None | Some("open" | "none"))
            }),
        ),
        ("HibernationOptions", hibernation_options.as_ref().is_some_and(|given| given.configured == Some(true))),
        ("LicenseSpecification", has_any(license_specifications)),
        ("EnclaveOptions", enclave_options.as_ref().is_some_and(|given| given.enabled == Some(true))),
        ("PrivateDnsNameOptions.HostnameType", names.is_some_and(|given| is_not(&given.hostname_type, "ip-name"))),
        (
            "PrivateDnsNameOptions.EnableResourceNameDnsRecord",
            names.is_some_and(|given| {
                given.enable_resource_name_dns_a_record == Some(true)
                    || given.enable_resource_name_dns_aaaa_record == Some(true)
            }),
        ),
        (
            "MaintenanceOptions",
            maintenance_options.as_ref().is_some_and(|given| is_not(&given.auto_recovery, "default")),
        ),
        ("DisableApiStop", *disable_api_stop == Some(true)),
        ("EnablePrimaryIpv6", *enable_primary_ipv6 == Some(true)),
        (
            "NetworkPerformanceOptions",
            network_performance_options.as_ref().is_some_and(|given| is_not(&given.bandwidth_weighting, "default")),
        ),
        ("Operator", operator.is_some()),
        ("SecondaryInterface", has_any(secondary_interfaces)),
        // The disk of an instance goes with it, so what has shut down cannot be kept.
        (
            "InstanceInitiatedShutdownBehavior other than terminate",
            is_not(instance_initiated_shutdown_behavior, "terminate"),
        ),
        ("AdditionalInfo", additional_info.is_some()),
        ("EbsOptimized", *ebs_optimized == Some(true)),
    ])
}

fn refuse_unbuilt_interface(given: &InstanceNetworkInterfaceSpecification) -> Result<(), Ec2Error> {
    let InstanceNetworkInterfaceSpecification {
        associate_public_ip_address: _,
        delete_on_termination,
        description,
        device_index,
        groups: _,
        ipv6_address_count,
        ipv6_addresses,
        network_interface_id,
        private_ip_address: _,
        private_ip_addresses,
        secondary_private_ip_address_count,
        subnet_id: _,
        associate_carrier_ip_address,
        interface_type,
        network_card_index,
        ipv4_prefixes,
        ipv4_prefix_count,
        ipv6_prefixes,
        ipv6_prefix_count,
        primary_ipv6,
        ena_srd_specification,
        connection_tracking_specification,
        ena_queue_count,
    } = given;
    if *device_index != Some(0) {
        let text = "Network interface with device index 0 must be specified.";
        return Err(Ec2Error::invalid_value(text));
    }
    let is_some = |count: &Option<i32>| count.is_some_and(|count| count != 0);
    first_unbuilt(&[
        ("NetworkInterface.DeleteOnTermination=false", *delete_on_termination == Some(false)),
        ("NetworkInterface.Description", description.as_ref().is_some_and(|text| !text.is_empty())),
        ("NetworkInterface.Ipv6AddressCount", is_some(ipv6_address_count)),
        ("NetworkInterface.Ipv6Addresses", has_any(ipv6_addresses)),
        ("NetworkInterface.NetworkInterfaceId", network_interface_id.is_some()),
        (
            "More than one private address",
            private_ip_addresses.as_ref().is_some_and(|all| all.len() > 1)
                || is_some(secondary_private_ip_address_count),
        ),
        ("NetworkInterface.AssociateCarrierIpAddress", *associate_carrier_ip_address == Some(true)),
        ("NetworkInterface.InterfaceType", interface_type.as_deref().is_some_and(|word| word != "interface")),
        ("NetworkInterface.NetworkCardIndex", is_some(network_card_index)),
        ("NetworkInterface.Ipv4Prefix", has_any(ipv4_prefixes) || is_some(ipv4_prefix_count)),
        ("NetworkInterface.Ipv6Prefix", has_any(ipv6_prefixes) || is_some(ipv6_prefix_count)),
        ("NetworkInterface.PrimaryIpv6", *primary_ipv6 == Some(true)),
        ("NetworkInterface.EnaSrdSpecification", ena_srd_specification.is_some()),
        ("NetworkInterface.ConnectionTrackingSpecification", connection_tracking_specification.is_some()),
        ("NetworkInterface.EnaQueueCount", ena_queue_count.is_some()),
    ])
}

fn first_unbuilt(parameters: &[(&str, bool)]) -> Result<(), Ec2Error> {
    match parameters.iter().find(|(_, is_given)| *is_given) {
        Some((name, _)) => Err(Ec2Error::unsupported(name)),
        None => Ok(()),
    }
}

fn has_any<T>(list: &Option<Vec<T>>) -> bool {
    list.as_ref().is_some_and(|list| !list.is_empty())
}

fn counts(min: i32, max: i32) -> Result<(u32, u32), Ec2Error> {
    let wrong = |value: i32, name: &str| {
        Ec2Error::invalid_value(format!("Value ({value}) for parameter {name} is invalid. It must be at least 1."))
    };
    let least = u32::try_from(min).ok().filter(|count| *count > 0).ok_or_else(|| wrong(min, "minCount"))?;
    let most = u32::try_from(max).ok().filter(|count| *count > 0).ok_or_else(|| wrong(max, "maxCount"))?;
    if least > most {
        let text = format!("Value ({min}) for parameter minCount is invalid. It must not exceed maxCount ({max}).");
        return Err(Ec2Error::invalid_value(text));
    }
    Ok((least, most))
}

fn zone(placement: Option<&Placement>) -> Result<Option<String>, Ec2Error> {
    let Some(placement) = placement else { return Ok(None) };
    let Placement {
        availability_zone_id,
        affinity,
        group_name,
        partition_number,
        host_id,
        tenancy,
        spread_domain,
        host_resource_group_arn,
        group_id,
        availability_zone,
    } = placement;
    let has_text = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    first_unbuilt(&[
        ("Placement.AvailabilityZoneId", has_text(availability_zone_id)),
        ("Placement.Affinity", has_text(affinity)),
        ("Placement.GroupName", has_text(group_name)),
        ("Placement.PartitionNumber", partition_number.is_some()),
        ("Placement.HostId", has_text(host_id)),
        ("Placement.Tenancy other than default", has_text(tenancy) && tenancy.as_deref() != Some("default")),
        ("Placement.SpreadDomain", has_text(spread_domain)),
        ("Placement.HostResourceGroupArn", has_text(host_resource_group_arn)),
        ("Placement.GroupId", has_text(group_id)),
    ])?;
    Ok(availability_zone.clone().filter(|zone| !zone.is_empty()))
}

fn address(text: &str) -> Result<Ipv4Addr, Ec2Error> {
    let malformed =
        |_| Ec2Error::invalid_value(format!("Value ({text}) for parameter address is invalid. Invalid IPv4 address."));
    text.parse().map_err(malformed)
}

fn user_data(text: &str) -> Result<Vec<u8>, Ec2Error> {
    let packed: String = text.split_ascii_whitespace().collect();
    let malformed = |_| Ec2Error::refused("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.");
    let bytes = STANDARD.decode(packed).map_err(malformed)?;
    if bytes.len() > MAX_USER_DATA {
        return Err(Ec2Error::invalid_value("User data is limited to 16384 bytes"));
    }
    Ok(bytes)
}

fn client_token(text: Option<&str>) -> Result<Option<String>, Ec2Error> {
    let Some(token) = text.filter(|token| !token.is_empty()) else { return Ok(None) };
    if token.len() > MAX_TOKEN || !token.is_ascii() {
        return Err(Ec2Error::invalid_value("Client token is limited to 64 ASCII characters."));
    }
    Ok(Some(token.to_owned()))
}

/// The defaults are those of AWS for an image that asks for nothing.
fn metadata_options(given: Option<&InstanceMetadataOptionsRequest>) -> Result<MetadataOptions, Ec2Error> {
    let default = InstanceMetadataOptionsRequest::default();
    let given = given.unwrap_or(&default);
    let is_one = |text: &Option<String>, name: &str, yes: &str, no: &str, default: bool| match text.as_deref() {
        None => Ok(default),
        Some(word) if word == yes => Ok(true),
        Some(word) if word == no => Ok(false),
        Some(word) => Err(Ec2Error::invalid_value(format!("Invalid value '{word}' for {name}."))),
    };
    if is_one(&given.http_protocol_ipv6, "HttpProtocolIpv6", "enabled", "disabled", false)? {
        return Err(Ec2Error::unsupported("MetadataOptions.HttpProtocolIpv6=enabled"));
    }
    let hops = given.http_put_response_hop_limit.unwrap_or(1);
    let hop_limit = u8::try_from(hops).ok().filter(|hops| (1..=64).contains(hops)).ok_or_else(|| {
        Ec2Error::invalid_value(format!(
            "Value ({hops}) for parameter HttpPutResponseHopLimit is invalid. Expecting a value between 1 and 64."
        ))
    })?;
    Ok(MetadataOptions {
        is_token_required: is_one(&given.http_tokens, "HttpTokens", "required", "optional", false)?,
        hop_limit,
        is_enabled: is_one(&given.http_endpoint, "HttpEndpoint", "enabled", "disabled", true)?,
        shows_tags: is_one(&given.instance_metadata_tags, "InstanceMetadataTags", "enabled", "disabled", false)?,
    })
}
