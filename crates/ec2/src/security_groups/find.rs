//! Finds the group that a request names, by id or (in the default VPC) by name.

use ids::{AccountId, SecurityGroupId, VpcId};
use store::View;

use super::record::SecurityGroupRecord;
use crate::{Ec2Error, network};

/// The group that a request names.
///
/// # Errors
/// `InvalidGroup.NotFound`, `InvalidGroupId.Malformed`; `MissingParameter` for neither, `InvalidParameterCombination`
/// for both.
pub(super) fn find(
    view: &View,
    account: &AccountId,
    id: Option<&str>,
    name: Option<&str>,
) -> Result<SecurityGroupRecord, Ec2Error> {
    match (id, name) {
        (Some(id), None) => by_id(view, account, id),
        (None, Some(name)) => by_default_name(view, account, name),
        (None, None) => Err(Ec2Error::missing("groupName or groupId")),
        (Some(_), Some(_)) => {
            Err(Ec2Error::combination("The parameter groupName cannot be used with the parameter groupId"))
        }
    }
}

/// The group with this id.
///
/// # Errors
/// `InvalidGroupId.Malformed`, `InvalidGroup.NotFound`.
pub(super) fn by_id(view: &View, account: &AccountId, id: &str) -> Result<SecurityGroupRecord, Ec2Error> {
    let parsed: SecurityGroupId = id.parse().map_err(|_| {
        Ec2Error::refused("InvalidGroupId.Malformed", format!("Invalid id: \"{id}\" (expecting \"sg-...\")"))
    })?;
    view.get(&(account.clone(), parsed))?
        .ok_or_else(|| Ec2Error::refused("InvalidGroup.NotFound", format!("The security group '{id}' does not exist")))
}

/// The group with this name in the account's default VPC.
///
/// # Errors
/// `InvalidGroup.NotFound`, `VPCIdNotSpecified` without a default VPC.
pub(super) fn by_default_name(view: &View, account: &AccountId, name: &str) -> Result<SecurityGroupRecord, Ec2Error> {
    let vpc = require_default_vpc(view, account)?;
    by_name(view, account, &vpc, name)?.ok_or_else(|| {
        let text = format!("The security group '{name}' does not exist in default VPC '{vpc}'");
        Ec2Error::refused("InvalidGroup.NotFound", text)
    })
}

/// The group with this name in a VPC, if there is one.
///
/// # Errors
/// The store's.
pub(super) fn by_name(
    view: &View,
    account: &AccountId,
    vpc: &VpcId,
    name: &str,
) -> Result<Option<SecurityGroupRecord>, Ec2Error> {
    Ok(view.by_index("name", (account, vpc, name), None, 1)?.pop())
}

/// The id of the account's default VPC.
///
/// # Errors
/// `VPCIdNotSpecified` if there is none.
pub(super) fn require_default_vpc(view: &View, account: &AccountId) -> Result<VpcId, Ec2Error> {
    let vpc = network::default_vpc(view, account)?;
    vpc.map(|vpc| vpc.id).ok_or_else(|| Ec2Error::refused("VPCIdNotSpecified", "No default VPC for this user"))
}
