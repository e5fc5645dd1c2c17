//! Users, groups, roles and policies as `GetAccountAuthorizationDetails` shows them.

use api::iam::{
    AttachedPermissionsBoundary, AttachedPolicy, GroupDetail, InstanceProfile, ManagedPolicyDetail, PolicyDetail,
    RoleDetail, RoleLastUsed, UserDetail,
};
use ids::AccountId;
use store::{KeyPrefix, StoreError, View};

use crate::names::folded;
use crate::policies::encode::encoded;
use crate::policies::managed::Managed;
use crate::policies::{attached, inline, versions};
use crate::{
    GroupRecord, IamError, InstanceProfileRecord, MembershipRecord, RoleRecord, UserRecord, instance_profiles, roles,
    tags,
};

/// A user with its groups.
///
/// # Errors
/// The store's.
pub(super) fn user(user: UserRecord, view: &View) -> Result<UserDetail, StoreError> {
    let key = user.owner();
    let memberships = KeyPrefix::of((user.account.clone(), folded(&user.name)));
    let mut groups = Vec::new();
    // The quota on a user's groups bounds their number.
    for membership in view.scan::<MembershipRecord>(&memberships, None, usize::MAX)? {
        let group = view.get::<GroupRecord>(&(user.account.clone(), membership.group))?;
        groups.extend(group.map(|group| group.name));
    }
    let list = inline_policies(view, &user.account, &key)?;
    Ok(UserDetail {
        arn: Some(user.arn()),
        create_date: Some(user.created),
        user_policy_list: (!list.is_empty()).then_some(list),
        group_list: Some(groups),
        attached_managed_policies: Some(attached_policies(view, &user.account, &key)?),
        permissions_boundary: user.boundary.map(boundary),
        tags: Some(tags::all_shown(&user.tags).unwrap_or_default()),
        path: Some(user.path),
        user_name: Some(user.name),
        user_id: Some(user.id),
    })
}

/// A group.
///
/// # Errors
/// The store's.
pub(super) fn group(group: GroupRecord, view: &View) -> Result<GroupDetail, StoreError> {
    let key = group.owner();
    Ok(GroupDetail {
        arn: Some(group.arn()),
        create_date: Some(group.created),
        group_policy_list: Some(inline_policies(view, &group.account, &key)?),
        attached_managed_policies: Some(attached_policies(view, &group.account, &key)?),
        path: Some(group.path),
        group_name: Some(group.name),
        group_id: Some(group.id),
    })
}

/// A role with the instance profiles that it is in.
///
/// # Errors
/// The store's.
pub(super) fn role(role: RoleRecord, view: &View) -> Result<RoleDetail, IamError> {
    let key = role.owner();
    let last = crate::uses::last_use(view, &role.id)?;
    let last = last.map(|used| RoleLastUsed { last_used_date: Some(used.used), region: Some(used.region) });
    Ok(RoleDetail {
        arn: Some(role.arn()),
        create_date: Some(role.created),
        assume_role_policy_document: Some(encoded(&roles::in_force(view, &role)?)),
        instance_profile_list: Some(profiles(&role, view)?),
        role_policy_list: Some(inline_policies(view, &role.account, &key)?),
        attached_managed_policies: Some(attached_policies(view, &role.account, &key)?),
        permissions_boundary: role.boundary.map(boundary),
        tags: Some(tags::all_shown(&role.tags).unwrap_or_default()),
        role_last_used: Some(last.unwrap_or_default()),
        path: Some(role.path),
        role_name: Some(role.name),
        role_id: Some(role.id),
    })
}

/// A managed policy with all of its versions.
///
/// # Errors
/// The store's.
pub(super) fn policy(policy: &Managed, view: &View, account: &AccountId) -> Result<ManagedPolicyDetail, StoreError> {
    let listed = policy.listed(view, account)?;
    let versions = versions::of(view, policy)?;
    Ok(ManagedPolicyDetail {
        policy_name: listed.policy_name,
        policy_id: listed.policy_id,
        arn: listed.arn,
        path: listed.path,
        default_version_id: listed.default_version_id,
        attachment_count: listed.attachment_count,
        permissions_boundary_usage_count: listed.permissions_boundary_usage_count,
        is_attachable: listed.is_attachable,
        description: policy.description(),
        create_date: listed.create_date,
        update_date: listed.update_date,
        policy_version_list: Some(versions.iter().rev().map(versions::Version::with_document).collect()),
    })
}

fn inline_policies(view: &View, account: &AccountId, owner: &str) -> Result<Vec<PolicyDetail>, StoreError> {
    let found = inline::all_of(view, account, owner)?.into_iter();
    let shown = found.map(|policy| PolicyDetail {
        policy_document: Some(encoded(&policy.document)),
        policy_name: Some(policy.name),
    });
    Ok(shown.collect())
}

fn attached_policies(view: &View, account: &AccountId, owner: &str) -> Result<Vec<AttachedPolicy>, StoreError> {
    Ok(attached::all_of(view, account, owner)?.into_iter().map(attached::shown).collect())
}

fn boundary(arn: String) -> AttachedPermissionsBoundary {
    AttachedPermissionsBoundary {
        permissions_boundary_type: Some("Policy".to_owned()),
        permissions_boundary_arn: Some(arn),
    }
}

fn profiles(role: &RoleRecord, view: &View) -> Result<Vec<InstanceProfile>, IamError> {
    let in_profiles = (role.account.clone(), folded(&role.name));
    let found = view.by_index::<InstanceProfileRecord>("role", in_profiles, None, usize::MAX)?;
    found.iter().map(|profile| instance_profiles::shown(view, profile)).collect()
}
