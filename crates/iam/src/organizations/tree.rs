//! An organization's tree: who stands where.

use ids::AccountId;
use service::Cx;
use store::{KeyPrefix, Record, View};

use super::record::{MemberRecord, OrganizationRecord, UnitRecord};
use super::refused;
use crate::IamError;

/// Deepest unit below a root. Source: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>.
pub(super) const MAX_DEPTH: usize = 5;
/// Most that is read of one organization's units, policies or members.
pub(super) const MOST: usize = 10_000;

/// The organization that an account belongs to, with its place there.
pub(super) fn of(view: &View, account: &AccountId) -> Result<(OrganizationRecord, MemberRecord), IamError> {
    let not_in_use =
        || refused("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.");
    let member = view.get::<MemberRecord>(account)?.ok_or_else(not_in_use)?;
    let organization = view.get::<OrganizationRecord>(&member.organization)?.ok_or_else(not_in_use)?;
    Ok((organization, member))
}

/// The organization that the caller's account manages.
pub(super) fn managed(view: &View, cx: &Cx) -> Result<OrganizationRecord, IamError> {
    let (organization, _) = of(view, &cx.account)?;
    if organization.master != cx.account {
        return Err(denied());
    }
    Ok(organization)
}

pub(super) fn denied() -> IamError {
    refused("AccessDeniedException", "You don't have permissions to access this resource.")
}

/// The unit of this id.
pub(super) fn unit(view: &View, organization: &OrganizationRecord, id: &str) -> Result<UnitRecord, IamError> {
    let found = view.get::<UnitRecord>(&(organization.id.clone(), id.to_owned()))?;
    let text = "You specified an organizational unit that doesn't exist.";
    found.ok_or_else(|| refused("OrganizationalUnitNotFoundException", text))
}

/// The member of this id.
pub(super) fn member(view: &View, organization: &OrganizationRecord, id: &str) -> Result<MemberRecord, IamError> {
    let found = match id.parse::<AccountId>() {
        Ok(account) => view.get::<MemberRecord>(&account)?,
        Err(_) => None,
    };
    found
        .filter(|member| member.organization == organization.id)
        .ok_or_else(|| refused("AccountNotFoundException", "You specified an account that doesn't exist."))
}

/// Whether there is a root or a unit of this id.
pub(super) fn is_parent(view: &View, organization: &OrganizationRecord, id: &str) -> Result<bool, IamError> {
    Ok(id == organization.root || view.contains::<UnitRecord>(&(organization.id.clone(), id.to_owned()))?)
}

/// The units directly below a root or a unit.
pub(super) fn units_below(view: &View, organization: &str, parent: &str) -> Result<Vec<UnitRecord>, IamError> {
    let key = (organization.to_owned(), parent.to_owned());
    Ok(view.by_index::<UnitRecord>("parent", key, None, MOST)?)
}

/// The accounts directly below a root or a unit.
pub(super) fn members_below(view: &View, organization: &str, parent: &str) -> Result<Vec<MemberRecord>, IamError> {
    let key = (organization.to_owned(), parent.to_owned());
    Ok(view.by_index::<MemberRecord>("parent", key, None, MOST)?)
}

/// The ids from the root down to and with `parent`.
pub(super) fn path(view: &View, organization: &OrganizationRecord, parent: &str) -> Result<Vec<String>, IamError> {
    let mut path = vec![parent.to_owned()];
    let mut at = parent.to_owned();
    while at != organization.root && path.len() <= MAX_DEPTH + 1 {
        at = unit(view, organization, &at)?.parent;
        path.push(at.clone());
    }
    path.reverse();
    Ok(path)
}

/// All records of one organization in a table keyed by it.
pub(super) fn all<R: Record>(view: &View, organization: &str) -> Result<Vec<R>, IamError> {
    Ok(view.scan::<R>(&KeyPrefix::of(organization.to_owned()), None, MOST)?)
}
