//! What an instance's metadata service answers: a pure function of the instance and its surroundings.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html>.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use host::MetadataSpec;
use service::RegionFacts;

use super::record::InstanceRecord;
use crate::tags::Tags;
use crate::text::{iso_time, private_dns_name, public_dns_name};

/// What an instance's metadata is made of.
pub(crate) struct Surroundings<'a> {
    /// The region.
    pub(crate) region: &'a RegionFacts,
    /// The image's architecture.
    pub(crate) architecture: &'a str,
    /// The names of the instance's security groups, in its order.
    pub(crate) group_names: &'a [String],
    /// The block of the subnet.
    pub(crate) subnet_cidr: (Ipv4Addr, u8),
    /// The block of the VPC.
    pub(crate) vpc_cidr: (Ipv4Addr, u8),
    /// The instance's tags.
    pub(crate) tags: &'a Tags,
    /// What the metadata says of the instance's role, without `meta-data/`.
    pub(crate) role: BTreeMap<String, String>,
}

/// The metadata of an instance.
pub(crate) fn metadata(record: &InstanceRecord, around: &Surroundings<'_>) -> MetadataSpec {
    let options = &record.spec.metadata_options;
    let role = around.role.clone();
    let leaves =
        meta_data(record, around).into_iter().chain(role).map(|(path, value)| (format!("meta-data/{path}"), value));
    let document = ("dynamic/instance-identity/document".to_owned(), identity_document(record, around));
    MetadataSpec {
        instance: record.id.clone(),
        leaves: leaves.chain([document]).collect(),
        user_data: record.spec.user_data.clone(),
        token_required: options.is_token_required,
        hop_limit: options.hop_limit,
        is_enabled: options.is_enabled,
    }
}

fn meta_data(record: &InstanceRecord, around: &Surroundings<'_>) -> BTreeMap<String, String> {
    let (spec, interface) = (&record.spec, &record.spec.interface);
    let local_name = private_dns_name(&around.region.name, interface.private_ip);
    let groups = around.group_names.join("\n");
    let mut leaves = BTreeMap::new();
    let mut leaf = |path: &str, value: &str| {
        leaves.insert(path.to_owned(), value.to_owned());
    };
    leaf("ami-id", spec.image.as_str());
    leaf("ami-launch-index", &spec.launch_index.to_string());
    leaf("ami-manifest-path", "(unknown)");
    leaf("hostname", &local_name);
    leaf("instance-action", "none");
    leaf("instance-id", record.id.as_str());
    leaf("instance-life-cycle", "on-demand");
    leaf("instance-type", &spec.instance_type);
    leaf("local-hostname", &local_name);
    leaf("local-ipv4", &interface.private_ip.to_string());
    leaf("mac", &interface.mac);
    leaf("placement/availability-zone", &spec.zone);
    if let Some(zone) = around.region.zones.iter().find(|zone| zone.name == spec.zone) {
        leaf("placement/availability-zone-id", &zone.id);
    }
    leaf("placement/region", &around.region.name);
    leaf("profile", "default-hvm");
    leaf("reservation-id", spec.reservation.as_str());
    leaf("security-groups", &groups);
    leaf("services/domain", "amazonaws.com");
    leaf("services/partition", "aws");
    if let Some(key) = &spec.key {
        leaf("public-keys/", &format!("0={}", key.name));
        leaf("public-keys/0/openssh-key", &key.public_openssh);
    }
    if spec.metadata_options.shows_tags {
        for (key, value) in around.tags {
            leaf(&format!("tags/instance/{key}"), value);
        }
    }

    let mut leaf = |path: &str, value: &str| {
        leaves.insert(format!("network/interfaces/macs/{}/{path}", interface.mac), value.to_owned());
    };
    leaf("device-number", "0");
    leaf("interface-id", interface.id.as_str());
    leaf("local-hostname", &local_name);
    leaf("local-ipv4s", &interface.private_ip.to_string());
    leaf("mac", &interface.mac);
    leaf("owner-id", record.account.as_str());
    leaf("security-group-ids", &lines(interface.groups.iter().map(ids::SecurityGroupId::as_str)));
    leaf("security-groups", &groups);
    leaf("subnet-id", interface.subnet.as_str());
    leaf("subnet-ipv4-cidr-block", &block(around.subnet_cidr));
    leaf("vpc-id", interface.vpc.as_str());
    leaf("vpc-ipv4-cidr-block", &block(around.vpc_cidr));
    leaf("vpc-ipv4-cidr-blocks", &block(around.vpc_cidr));
    if let Some(address) = interface.public_ip {
        let public_name = public_dns_name(&around.region.name, address);
        leaf(&format!("ipv4-associations/{address}"), &interface.private_ip.to_string());
        leaf("public-hostname", &public_name);
        leaf("public-ipv4s", &address.to_string());
        leaves.insert("public-hostname".to_owned(), public_name);
        leaves.insert("public-ipv4".to_owned(), address.to_string());
    }
    leaves
}

/// The instance identity document. It is not signed: there is no `signature` beside it yet.
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html>.
fn identity_document(record: &InstanceRecord, around: &Surroundings<'_>) -> String {
    let spec = &record.spec;
    let document = serde_json::json!({
        "accountId": record.account.as_str(),
        "architecture": around.architecture,
        "availabilityZone": spec.zone,
        "billingProducts": null,
        "devpayProductCodes": null,
        "marketplaceProductCodes": null,
        "imageId": spec.image.as_str(),
        "instanceId": record.id.as_str(),
        "instanceType": spec.instance_type,
        "kernelId": null,
        "pendingTime": iso_time(spec.launch_time).replace(".000Z", "Z"),
        "privateIp": spec.interface.private_ip.to_string(),
        "ramdiskId": null,
        "region": around.region.name,
        "version": "2017-09-30",
    });
    format!("{document:#}")
}

fn lines<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.collect::<Vec<_>>().join("\n")
}

fn block((base, length): (Ipv4Addr, u8)) -> String {
    format!("{base}/{length}")
}
