//! `ec2:RunInstances`: launches instances of one kind in one subnet. They begin `pending`, with their addresses; the
//! reconciler brings their machines up. All that the call makes is committed at once.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use api::Call;
use api::ec2::{Reservation, RunInstances, RunInstancesRequest};
use ids::{InstanceId, NetworkInterfaceId, ReservationId};
use jiff::Timestamp;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, KeyBuf, View};
use wire::BoxFuture;

use super::addresses::{find_free, usable};
use super::describe::reservation;
use super::launch_needs::launch_needs;
use super::launch_request::LaunchRequest;
use super::launch_where::{PrivateInUse, PublicInUse, Where, check_private_ip};
use super::present::Presenter;
use super::profiles::{AssociationRecord, association_id, resolve};
use super::record::{InstanceRecord, InstanceSpec, InstanceStatus, LaunchKey, PrimaryInterface};
use super::states::InstanceState;
use crate::images::describe::find_image;
use crate::key_pairs::record::KeyPairRecord;
use crate::network::record::{PrivateAddressRecord, PublicAddressRecord};
use crate::tags::{put_tags, tags_of};
use crate::{Ec2, Ec2Error};

/// The most instances of one call: what one transaction of the store surely takes, with 50 tags each.
const MAX_INSTANCES: u32 = 80;

impl Operation<Ec2> for RunInstances {
    type Error = Ec2Error;

    fn prepare<'a>(
        service: &'a Ec2,
        call: &'a Call,
        input: &'a mut RunInstancesRequest,
    ) -> Option<BoxFuture<'a, Result<(), Ec2Error>>> {
        let given = input.iam_instance_profile.as_mut()?;
        Some(Box::pin(resolve(service, call, given)))
    }

    fn needs(input: &RunInstancesRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(launch_needs(input, view, scope)?)
    }

    fn apply(input: &RunInstancesRequest, view: &View, cx: &Cx) -> Result<Applied<Reservation>, Ec2Error> {
        let request = LaunchRequest::read(input)?;
        if let Some(repeated) = repeated(&request, view, cx)? {
            return Ok(Applied::read(repeated));
        }
        let image = find_image(view, &request.image, &cx.account)?;
        let key = request.key_name.as_ref().map(|name| launch_key(view, cx, name)).transpose()?;
        let place = Where::find(view, &cx.account, &cx.region, &request)?;
        let addresses = addresses(&request, &place, view, cx)?;
        let launch_time = Timestamp::from_second(cx.now.as_second()).unwrap_or(cx.now);
        let id = ReservationId::from_random(cx.random());
        let mut changes = Changes::new();
        let mut presenter = Presenter::new(view, &cx.region);
        let mut output: Option<Reservation> = None;
        for (index, (private_ip, public_ip)) in (0..).zip(addresses) {
            let interface = PrimaryInterface {
                id: NetworkInterfaceId::from_random(cx.random()),
                attachment: NetworkInterfaceId::from_random(cx.random()).as_str().replacen("eni-", "eni-attach-", 1),
                vpc: place.subnet.vpc.clone(),
                subnet: place.subnet.id.clone(),
                mac: mac(cx.random()),
                private_ip,
                public_ip,
                groups: place.groups.clone(),
                has_source_dest_check: true,
            };
            let record = InstanceRecord {
                account: cx.account.clone(),
                id: InstanceId::from_random(cx.random()),
                spec: InstanceSpec {
                    reservation: id.clone(),
                    launch_index: index,
                    launch_time,
                    image: image.id.clone(),
                    instance_type: request.instance_type.name.to_owned(),
                    zone: place.subnet.zone.clone(),
                    key: key.clone(),
                    user_data: request.user_data.clone(),
                    metadata_options: request.metadata_options.clone(),
                    client_token: request.client_token.clone(),
                    request_digest: request.digest,
                    interface,
                    is_termination_protected: request.is_termination_protected,
                    shutdown_behavior: "terminate".to_owned(),
                    is_monitored: false,
                    is_wanted: true,
                    reboots: 0,
                },
                status: InstanceStatus {
                    state: InstanceState::Pending,
                    reason: Some(("pending".to_owned(), "pending".to_owned())),
                    transition_reason: String::new(),
                    since: cx.now,
                },
            };
            put(&record, &request, &mut changes)?;
            if let Some(profile) = &request.profile {
                let association = AssociationRecord {
                    account: cx.account.clone(),
                    instance: record.id.clone(),
                    id: association_id(cx.random()),
                    profile_arn: profile.arn.clone(),
                    profile_id: profile.id.clone(),
                    since: cx.now,
                };
                changes.put(&association)?;
                presenter.launched(&association);
            }
            let shown = presenter.instance(&record, &request.tags)?;
            output.get_or_insert_with(|| reservation(&record)).instances.get_or_insert_default().push(shown);
        }
        let output = output.ok_or_else(|| Ec2Error::Internal("a launch of no instances".to_owned()))?;
        Ok(Applied::with(output, changes))
    }
}

/// The reservation of an earlier call with the same token.
fn repeated(request: &LaunchRequest, view: &View, cx: &Cx) -> Result<Option<Reservation>, Ec2Error> {
    let Some(token) = &request.client_token else { return Ok(None) };
    let key = KeyBuf::from((cx.account.clone(), token.clone()));
    let limit = usize::try_from(MAX_INSTANCES).unwrap_or(usize::MAX);
    let mut records = view.by_index::<InstanceRecord>("token", key, None, limit)?;
    let Some(first) = records.first() else { return Ok(None) };
    if first.spec.request_digest != request.digest {
        let text = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).";
        return Err(Ec2Error::refused("IdempotentParameterMismatch", text));
    }
    let mut output = reservation(first);
    records.sort_by_key(|record| record.spec.launch_index);
    let mut presenter = Presenter::new(view, &cx.region);
    for record in &records {
        let tags = tags_of(view, &cx.account, record.id.as_str())?;
        output.instances.get_or_insert_default().push(presenter.instance(record, &tags)?);
    }
    Ok(Some(output))
}

fn launch_key(view: &View, cx: &Cx, name: &str) -> Result<LaunchKey, Ec2Error> {
    let found = view.get::<KeyPairRecord>(&(cx.account.clone(), name.to_owned()))?;
    let found = found
        .ok_or_else(|| Ec2Error::refused("InvalidKeyPair.NotFound", format!("The key pair '{name}' does not exist")))?;
    Ok(LaunchKey { name: found.name, public_openssh: found.public_openssh })
}

/// The addresses of as many instances as there is room for, at least as many as the request insists on.
fn addresses(
    request: &LaunchRequest,
    place: &Where,
    view: &View,
    cx: &Cx,
) -> Result<Vec<(Ipv4Addr, Option<Ipv4Addr>)>, Ec2Error> {
    let (least, most) = (request.counts.0, request.counts.1.min(MAX_INSTANCES));
    if least > most {
        let text = format!(
            "You have requested more instances ({least}) than one call may launch here ({MAX_INSTANCES}). Please make several calls."
        );
        return Err(Ec2Error::refused("InstanceLimitExceeded", text));
    }
    let subnet = &place.subnet;
    if let Some(address) = request.private_ip {
        check_private_ip(view, subnet, address)?;
    }
    let wants_public = request.wants_public_ip.unwrap_or(subnet.maps_public_ip);
    let (mut privates, mut publics) = (BTreeSet::new(), BTreeSet::new());
    let mut found = Vec::new();
    while found.len() < usize::try_from(most).unwrap_or(usize::MAX) {
        let is_enough = found.len() >= usize::try_from(least).unwrap_or(usize::MAX);
        let private_ip = match (request.private_ip, usable(subnet.cidr)) {
            (Some(address), _) => Some(address),
            (None, Some(range)) => find_free(range, cx.random(), &mut privates, &PrivateInUse(view, &subnet.id))?,
            (None, None) => None,
        };
        let private_ip = match private_ip {
            Some(address) => address,
            None if is_enough => break,
            None => {
                let text = format!(
                    "There are not enough free addresses in subnet '{}' to satisfy the requested number of instances.",
                    subnet.id
                );
                return Err(Ec2Error::Capacity { code: "InsufficientFreeAddressesInSubnet", message: text });
            }
        };
        let public_ip = if wants_public {
            let range = public_range(cx.region.public_pool);
            match range
                .map(|range| find_free(range, cx.random(), &mut publics, &PublicInUse(view)))
                .transpose()?
                .flatten()
            {
                Some(address) => Some(address),
                None if is_enough => break,
                None => {
                    let text = "There are not enough free public addresses to satisfy your request.".to_owned();
                    return Err(Ec2Error::Capacity { code: "InsufficientAddressCapacity", message: text });
                }
            }
        } else {
            None
        };
        found.push((private_ip, public_ip));
    }
    Ok(found)
}

/// All addresses of the pool but the first and the last, which are network and broadcast to other machines.
fn public_range((base, length): (Ipv4Addr, u8)) -> Option<(u32, u32)> {
    let size = 1_u32.checked_shl(32_u32.checked_sub(u32::from(length))?)?;
    let (first, last) = (base.to_bits().checked_add(1)?, base.to_bits().checked_add(size.checked_sub(2)?)?);
    (first <= last).then_some((first, last))
}

fn mac([first, second, third, fourth, fifth]: [u8; 5]) -> String {
    format!("02:{first:02x}:{second:02x}:{third:02x}:{fourth:02x}:{fifth:02x}")
}

fn put(record: &InstanceRecord, request: &LaunchRequest, changes: &mut Changes) -> Result<(), Ec2Error> {
    let interface = &record.spec.interface;
    changes.put(record)?;
    changes.put(&PrivateAddressRecord {
        subnet: interface.subnet.clone(),
        address: interface.private_ip,
        interface: interface.id.clone(),
    })?;
    if let Some(address) = interface.public_ip {
        let (account, interface) = (record.account.clone(), interface.id.clone());
        changes.put(&PublicAddressRecord { address, account, interface })?;
    }
    put_tags(changes, &record.account, record.id.as_str(), &request.tags)?;
    put_tags(changes, &record.account, interface.id.as_str(), &request.interface_tags)?;
    Ok(())
}
