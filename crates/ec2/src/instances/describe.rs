//! `ec2:DescribeInstances`: the account's instances, each below the call that launched it.

use api::ec2::{
    DescribeInstances, DescribeInstancesRequest, DescribeInstancesResult, GroupIdentifier, Instance,
    InstanceNetworkInterface, Reservation,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::find;
use super::present::Presenter;
use super::record::InstanceRecord;
use crate::filters::{Facts, Filters};
use crate::grounds::Grounds;
use crate::paging::Page;
use crate::tags::{self, Tags};
use crate::text::{iso_time, yes_no};
use crate::{Ec2, Ec2Error};

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html>.
const FILTERS: &[&str] = &[
    "architecture",
    "availability-zone",
    "availability-zone-id",
    "client-token",
    "dns-name",
    "group-id",
    "group-name",
    "hypervisor",
    "image-id",
    "instance-id",
    "instance-state-code",
    "instance-state-name",
    "instance-type",
    "instance.group-id",
    "instance.group-name",
    "ip-address",
    "key-name",
    "launch-index",
    "launch-time",
    "metadata-options.http-endpoint",
    "metadata-options.http-tokens",
    "monitoring-state",
    "network-interface.addresses.association.public-ip",
    "network-interface.addresses.primary",
    "network-interface.addresses.private-ip-address",
    "network-interface.association.public-ip",
    "network-interface.attachment.attachment-id",
    "network-interface.attachment.device-index",
    "network-interface.attachment.status",
    "network-interface.availability-zone",
    "network-interface.group-id",
    "network-interface.group-name",
    "network-interface.mac-address",
    "network-interface.network-interface-id",
    "network-interface.owner-id",
    "network-interface.private-dns-name",
    "network-interface.source-dest-check",
    "network-interface.status",
    "network-interface.subnet-id",
    "network-interface.vpc-id",
    "owner-id",
    "private-dns-name",
    "private-ip-address",
    "reason",
    "reservation-id",
    "root-device-name",
    "root-device-type",
    "source-dest-check",
    "state-reason-code",
    "state-reason-message",
    "subnet-id",
    "tenancy",
    "virtualization-type",
    "vpc-id",
];

impl Operation<Ec2> for DescribeInstances {
    type Error = Ec2Error;

    fn needs(_input: &DescribeInstancesRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![Grounds::new(view, scope).any("ec2:DescribeInstances")])
    }

    fn apply(
        input: &DescribeInstancesRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<DescribeInstancesResult>, Ec2Error> {
        let filters = Filters::read(input.filters.as_ref(), FILTERS)?;
        let ids = input.instance_ids.as_deref().unwrap_or_default();
        let token = input.next_token.as_deref();
        let page =
            Page::read(cx.pages(), "DescribeInstances", &input.filters, input.max_results, token, !ids.is_empty())?;
        let mut presenter = Presenter::new(view, &cx.region);
        let mut shown = Vec::new();
        for (record, tags) in chosen(view, cx, ids)? {
            let instance = presenter.instance(&record, &tags)?;
            let one = Described { instance, record, tags };
            if filters.matches(&one) {
                shown.push(one);
            }
        }
        let (shown, next_token) = page.cut(shown, |one| one.record.id.to_string());
        let mut reservations: Vec<Reservation> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for Described { instance, record, .. } in shown {
            let place = *places.entry(record.spec.reservation.clone()).or_insert_with(|| {
                reservations.push(reservation(&record));
                reservations.len() - 1
            });
            reservations[place].instances.get_or_insert_default().push(instance);
        }
        for reservation in &mut reservations {
            reservation.instances.get_or_insert_default().sort_by_key(|instance| instance.ami_launch_index);
        }
        Ok(Applied::read(DescribeInstancesResult { next_token, reservations: Some(reservations) }))
    }
}

/// The instances named, or all of the account, each with its tags; in the order of their ids.
///
/// # Errors
/// As [`find::by_ids`].
pub(crate) fn chosen(view: &View, cx: &Cx, ids: &[String]) -> Result<Vec<(InstanceRecord, Tags)>, Ec2Error> {
    if ids.is_empty() {
        let mut tags = tags::tags_of_all(view, &cx.account, "i-")?;
        let with_tags = |record: InstanceRecord| {
            let own = tags.remove(record.id.as_str()).unwrap_or_default();
            (record, own)
        };
        return Ok(find::all_of(view, &cx.account)?.into_iter().map(with_tags).collect());
    }
    let mut found = Vec::with_capacity(ids.len());
    for record in find::by_ids(view, &cx.account, ids)? {
        let tags = tags::tags_of(view, &cx.account, record.id.as_str())?;
        found.push((record, tags));
    }
    Ok(found)
}

/// The reservation of an instance, without instances.
pub(crate) fn reservation(record: &InstanceRecord) -> Reservation {
    Reservation {
        reservation_id: Some(record.spec.reservation.to_string()),
        owner_id: Some(record.account.to_string()),
        groups: Some(Vec::new()),
        instances: Some(Vec::new()),
        ..Reservation::default()
    }
}

struct Described {
    instance: Instance,
    record: InstanceRecord,
    tags: Tags,
}

impl Facts for Described {
    fn values(&self, name: &str) -> Vec<String> {
        let shown = &self.instance;
        if let Some(name) = name.strip_prefix("network-interface.") {
            let interfaces = shown.network_interfaces.as_deref().unwrap_or_default();
            return interfaces.iter().flat_map(|interface| self.interface_values(interface, name)).collect();
        }
        let state = shown.state.as_ref();
        let value = match name {
            "architecture" => shown.architecture.clone(),
            "availability-zone" => Some(self.record.spec.zone.clone()),
            "availability-zone-id" => shown.placement.as_ref().and_then(|place| place.availability_zone_id.clone()),
            "client-token" => shown.client_token.clone(),
            "dns-name" => shown.public_dns_name.clone(),
            "group-id" | "instance.group-id" => return group_ids(shown.security_groups.as_deref()),
            "group-name" | "instance.group-name" => return group_names(shown.security_groups.as_deref()),
            "hypervisor" => shown.hypervisor.clone(),
            "image-id" => shown.image_id.clone(),
            "instance-id" => shown.instance_id.clone(),
            "instance-state-code" => state.and_then(|state| state.code).map(|code| code.to_string()),
            "instance-state-name" => state.and_then(|state| state.name.clone()),
            "instance-type" => shown.instance_type.clone(),
            "ip-address" => shown.public_ip_address.clone(),
            "key-name" => shown.key_name.clone(),
            "launch-index" => shown.ami_launch_index.map(|index| index.to_string()),
            "launch-time" => shown.launch_time.map(iso_time),
            "metadata-options.http-endpoint" => {
                shown.metadata_options.as_ref().and_then(|options| options.http_endpoint.clone())
            }
            "metadata-options.http-tokens" => {
                shown.metadata_options.as_ref().and_then(|options| options.http_tokens.clone())
            }
            "monitoring-state" => shown.monitoring.as_ref().and_then(|monitoring| monitoring.state.clone()),
            "owner-id" => Some(self.record.account.to_string()),
            "private-dns-name" => shown.private_dns_name.clone(),
            "private-ip-address" => shown.private_ip_address.clone(),
            "reason" => shown.state_transition_reason.clone(),
            "reservation-id" => Some(self.record.spec.reservation.to_string()),
            "root-device-name" => shown.root_device_name.clone(),
            "root-device-type" => shown.root_device_type.clone(),
            "source-dest-check" => shown.source_dest_check.map(yes_no),
            "state-reason-code" => shown.state_reason.as_ref().and_then(|reason| reason.code.clone()),
            "state-reason-message" => shown.state_reason.as_ref().and_then(|reason| reason.message.clone()),
            "subnet-id" => shown.subnet_id.clone(),
            "tenancy" => shown.placement.as_ref().and_then(|place| place.tenancy.clone()),
            "virtualization-type" => shown.virtualization_type.clone(),
            "vpc-id" => shown.vpc_id.clone(),
            _ => None,
        };
        value.into_iter().collect()
    }

    fn tags(&self) -> &[(String, String)] {
        &self.tags
    }
}

impl Described {
    fn interface_values(&self, shown: &InstanceNetworkInterface, name: &str) -> Vec<String> {
        let attachment = shown.attachment.as_ref();
        let value = match name {
            "addresses.association.public-ip" | "association.public-ip" => {
                shown.association.as_ref().and_then(|association| association.public_ip.clone())
            }
            "addresses.primary" => Some(yes_no(true)),
            "addresses.private-ip-address" => shown.private_ip_address.clone(),
            "attachment.attachment-id" => attachment.and_then(|attachment| attachment.attachment_id.clone()),
            "attachment.device-index" => {
                attachment.and_then(|attachment| attachment.device_index).map(|index| index.to_string())
            }
            "attachment.status" => attachment.and_then(|attachment| attachment.status.clone()),
            "availability-zone" => Some(self.record.spec.zone.clone()),
            "group-id" => return group_ids(shown.groups.as_deref()),
            "group-name" => return group_names(shown.groups.as_deref()),
            "mac-address" => shown.mac_address.clone(),
            "network-interface-id" => shown.network_interface_id.clone(),
            "owner-id" => shown.owner_id.clone(),
            "private-dns-name" => shown.private_dns_name.clone(),
            "source-dest-check" => shown.source_dest_check.map(yes_no),
            "status" => shown.status.clone(),
            "subnet-id" => shown.subnet_id.clone(),
            "vpc-id" => shown.vpc_id.clone(),
            _ => None,
        };
        value.into_iter().collect()
    }
}

fn group_ids(groups: Option<&[GroupIdentifier]>) -> Vec<String> {
    groups.unwrap_or_default().iter().filter_map(|group| group.group_id.clone()).collect()
}

fn group_names(groups: Option<&[GroupIdentifier]>) -> Vec<String> {
    groups.unwrap_or_default().iter().filter_map(|group| group.group_name.clone()).collect()
}
