//! What `ec2:RunInstances` needs: the action on everything that a launch uses or makes, the tagging of what it makes, and
//! the passing of the role.
//! Source: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html> (`RunInstances`).

use api::ec2::{InstanceMetadataOptionsRequest, RunInstancesRequest};
use service::{Need, Scope};
use store::{KeyBuf, StoreError, View};

use super::profiles::Resolved;
use super::types;
use crate::grounds::Grounds;
use crate::network::default_vpc;
use crate::network::record::SubnetRecord;

const ACTION: &str = "ec2:RunInstances";
const OPERATION: &str = "RunInstances";
/// The most subnets of a VPC that are looked through for the default one.
const MAX_SUBNETS: usize = 1000;

/// The needs of a call.
///
/// # Errors
/// The store's.
pub(super) fn launch_needs(input: &RunInstancesRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, StoreError> {
    let grounds = Grounds::new(view, scope);
    let specifications = input.tag_specifications.as_ref();
    let subnet = subnet(input, view, scope)?;
    let mut needs = grounds.making(instance(input, &grounds, subnet.as_ref()), OPERATION, "instance", specifications);
    let interface = interface(input, &grounds, subnet.as_ref());
    needs.extend(grounds.making(interface, OPERATION, "network-interface", specifications));
    needs.push(match (&subnet, given_subnet(input)) {
        (Some(subnet), _) => grounds.subnet(ACTION, subnet.id.as_str())?,
        (None, Some(id)) => grounds.subnet(ACTION, id)?,
        (None, None) => grounds.on(ACTION, "subnet/*"),
    });
    needs.extend(groups(input, &grounds, subnet.as_ref(), scope)?);
    if let Some(name) = &input.key_name {
        needs.push(grounds.key_pair(ACTION, name)?);
    }
    needs.push(grounds.image(ACTION, input.image_id.as_deref().unwrap_or("*"))?);
    let role = input.iam_instance_profile.as_ref();
    needs.extend(role.and_then(|given| Resolved::need(given, &scope.arn("ec2", "instance/*"))));
    Ok(needs)
}

fn given_subnet(input: &RunInstancesRequest) -> Option<&str> {
    let interface = input.network_interfaces.as_deref().unwrap_or_default().first();
    input.subnet_id.as_deref().or(interface.and_then(|own| own.subnet_id.as_deref()))
}

/// The subnet that is named, or the default one of the zone that is.
fn subnet(input: &RunInstancesRequest, view: &View, scope: &Scope) -> Result<Option<SubnetRecord>, StoreError> {
    let Some(account) = &scope.account else { return Ok(None) };
    if let Some(id) = given_subnet(input) {
        return match id.parse() {
            Ok(id) => view.get(&(account.clone(), id)),
            Err(_) => Ok(None),
        };
    }
    let Some(vpc) = default_vpc(view, account)? else { return Ok(None) };
    let subnets = view.by_index::<SubnetRecord>("vpc", KeyBuf::from((account.clone(), vpc.id)), None, MAX_SUBNETS)?;
    let zone = input.placement.as_ref().and_then(|placement| placement.availability_zone.as_deref());
    let is_of = |subnet: &&SubnetRecord| subnet.is_default && zone.is_none_or(|zone| zone == subnet.zone);
    // Without a zone it is the default subnet of the first one.
    Ok(subnets.iter().filter(is_of).min_by(|left, right| left.zone.cmp(&right.zone)).cloned())
}

fn instance(input: &RunInstancesRequest, grounds: &Grounds<'_>, subnet: Option<&SubnetRecord>) -> Need {
    let options = InstanceMetadataOptionsRequest::default();
    let options = input.metadata_options.as_ref().unwrap_or(&options);
    let placement = input.placement.as_ref();
    let tenancy = placement.and_then(|placement| placement.tenancy.as_deref()).unwrap_or("default");
    let market = input.instance_market_options.as_ref().and_then(|given| given.market_type.as_deref());
    let need = grounds
        .on(ACTION, "instance/*")
        .with("ec2:InstanceType", input.instance_type.as_deref().unwrap_or(types::DEFAULT))
        .with("ec2:InstanceMarketType", market.unwrap_or("on-demand"))
        .with("ec2:EbsOptimized", if input.ebs_optimized == Some(true) { "true" } else { "false" })
        .with("ec2:RootDeviceType", "instance-store")
        .with("ec2:Tenancy", tenancy)
        .with("ec2:MetadataHttpTokens", options.http_tokens.as_deref().unwrap_or("optional"))
        .with("ec2:MetadataHttpEndpoint", options.http_endpoint.as_deref().unwrap_or("enabled"))
        .with("ec2:InstanceMetadataTags", options.instance_metadata_tags.as_deref().unwrap_or("disabled"))
        .with("ec2:MetadataHttpPutResponseHopLimit", options.http_put_response_hop_limit.unwrap_or(1).to_string());
    let zone = subnet.map(|subnet| &*subnet.zone);
    let zone = zone.or(placement.and_then(|placement| placement.availability_zone.as_deref()));
    let profile = input.iam_instance_profile.as_ref().and_then(Resolved::arn);
    [("ec2:AvailabilityZone", zone), ("ec2:InstanceProfile", profile.as_deref())]
        .into_iter()
        .fold(need, |need, (key, value)| value.into_iter().fold(need, |need, value| need.with(key, value)))
}

fn interface(input: &RunInstancesRequest, grounds: &Grounds<'_>, subnet: Option<&SubnetRecord>) -> Need {
    let given = input.network_interfaces.as_deref().unwrap_or_default().first();
    let wants_public = given.and_then(|given| given.associate_public_ip_address);
    let wants_public = wants_public.or(subnet.map(|subnet| subnet.maps_public_ip));
    let need = grounds.on(ACTION, "network-interface/*");
    let need = match wants_public {
        Some(wants) => need.with("ec2:AssociatePublicIpAddress", if wants { "true" } else { "false" }),
        None => need,
    };
    let Some(subnet) = subnet else { return need };
    let arn = grounds.on(ACTION, &format!("subnet/{}", subnet.id)).resource_text().to_owned();
    need.with("ec2:AvailabilityZone", subnet.zone.as_str())
        .with("ec2:Subnet", arn)
        .with("ec2:Vpc", grounds.vpc_arn(&subnet.vpc))
}

/// The groups that are named, or the default one of the VPC.
fn groups(
    input: &RunInstancesRequest,
    grounds: &Grounds<'_>,
    subnet: Option<&SubnetRecord>,
    scope: &Scope,
) -> Result<Vec<Need>, StoreError> {
    let interface = input.network_interfaces.as_deref().unwrap_or_default().first();
    let listed = input.security_group_ids.as_ref().filter(|groups| !groups.is_empty());
    if let Some(ids) = listed.or(interface.and_then(|own| own.groups.as_ref())).filter(|groups| !groups.is_empty()) {
        return ids.iter().map(|id| grounds.group(ACTION, id)).collect();
    }
    let names = input.security_groups.as_ref().filter(|names| !names.is_empty()).cloned();
    let names = names.unwrap_or_else(|| vec!["default".to_owned()]);
    let mut needs = Vec::with_capacity(names.len());
    for name in names {
        let id = match (subnet, &scope.account) {
            (Some(subnet), Some(account)) => grounds.group_of_name(account, &subnet.vpc, &name)?,
            _ => None,
        };
        needs.push(match id {
            Some(id) => grounds.group(ACTION, &id)?,
            None => grounds.on(ACTION, "security-group/*"),
        });
    }
    Ok(needs)
}
