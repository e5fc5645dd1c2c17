//! What an organization says of an account, as the authoriser asks.

use ids::AccountId;
use store::{KeyPrefix, StoreError, View};

use super::record::{MemberRecord, OrganizationRecord, ScpRecord, TargetRecord, UnitRecord};
use super::shown::{FULL_ACCESS, FULL_ACCESS_CONTENT, aws_policy_arn, policy_arn};
use super::tree::{MAX_DEPTH, MOST};

/// The service control policies that bind an account, one list a level from the root down to the account, each policy
/// by its ARN and its text. Nothing for an account without an organization, for one whose organization has none in
/// force, and for the one that manages it, which none bind.
/// Rule: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html>.
pub(crate) fn service_control(view: &View, account: &AccountId) -> Result<Vec<Vec<(String, String)>>, StoreError> {
    let Some((organization, levels)) = place(view, account)? else { return Ok(Vec::new()) };
    if !organization.has_service_control || organization.master == *account {
        return Ok(Vec::new());
    }
    let mut found = Vec::with_capacity(levels.len());
    for target in levels {
        let mut policies = Vec::new();
        let prefix = KeyPrefix::of((organization.id.clone(), target));
        for attached in view.scan::<TargetRecord>(&prefix, None, MOST)? {
            if attached.policy == FULL_ACCESS {
                policies.push((aws_policy_arn(FULL_ACCESS), FULL_ACCESS_CONTENT.to_owned()));
            } else if let Some(policy) = view.get::<ScpRecord>(&(organization.id.clone(), attached.policy))? {
                policies.push((policy_arn(&organization, &policy.id), policy.content));
            }
        }
        found.push(policies);
    }
    Ok(found)
}

/// The values of `aws:PrincipalOrgID` and `aws:PrincipalOrgPaths` for an account in an organization.
pub(crate) fn organization_path(view: &View, account: &AccountId) -> Result<Option<(String, String)>, StoreError> {
    Ok(place(view, account)?.map(|(organization, levels)| {
        let path = format!("{}/{}/", organization.id, levels[..levels.len() - 1].join("/"));
        (organization.id, path)
    }))
}

/// An account's organization, and the ids from its root down to and with the account.
fn place(view: &View, account: &AccountId) -> Result<Option<(OrganizationRecord, Vec<String>)>, StoreError> {
    let Some(member) = view.get::<MemberRecord>(account)? else { return Ok(None) };
    let Some(organization) = view.get::<OrganizationRecord>(&member.organization)? else { return Ok(None) };
    let mut levels = vec![account.to_string(), member.parent.clone()];
    let mut at = member.parent;
    while at != organization.root && levels.len() <= MAX_DEPTH + 2 {
        let Some(unit) = view.get::<UnitRecord>(&(organization.id.clone(), at))? else { break };
        levels.push(unit.parent.clone());
        at = unit.parent;
    }
    levels.reverse();
    Ok(Some((organization, levels)))
}
