//! `iam:ListEntitiesForPolicy`: who has a managed policy attached or is bounded by it.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListEntitiesForPolicy.html>.

use api::iam::{
    ListEntitiesForPolicy, ListEntitiesForPolicyRequest, ListEntitiesForPolicyResponse, PolicyGroup, PolicyRole,
    PolicyUser,
};
use ids::AccountId;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{StoreError, View};

use super::managed::{Managed, need};
use super::owner::{Owner, OwnerKind};
use crate::names::folded;
use crate::paging::Page;
use crate::{AttachmentRecord, Iam, IamError, RoleRecord, UserRecord};

impl Operation<Iam> for ListEntitiesForPolicy {
    type Error = IamError;

    fn needs(input: &ListEntitiesForPolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ListEntitiesForPolicy", &input.policy_arn, view, scope)?])
    }

    fn apply(
        input: &ListEntitiesForPolicyRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListEntitiesForPolicyResponse>, IamError> {
        let arn = Managed::get(view, &cx.account, &input.policy_arn)?.arn();
        let (filter, usage) = (input.entity_filter.as_deref(), input.policy_usage_filter.as_deref());
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        let asked = [arn.as_str(), filter.unwrap_or_default(), usage.unwrap_or_default(), prefix];
        let page = Page::read(cx, "ListEntitiesForPolicy", &asked, input.max_items, input.marker.as_deref())?;
        let is_wanted = |owner: &Owner| {
            filter.is_none_or(|filter| filter == owner.kind().title()) && owner.path().starts_with(prefix)
        };
        let (attached, bounded) = (usage != Some("PermissionsBoundary"), usage != Some("PermissionsPolicy"));
        let listed = page.in_turn(3, |source, after, limit| {
            let found = match source {
                0 if attached => attached_to(view, &cx.account, &arn, after, limit)?,
                1 if bounded => bounded_users(view, &cx.account, &arn, after, limit)?,
                2 if bounded => bounded_roles(view, &cx.account, &arn, after, limit)?,
                _ => Vec::new(),
            };
            let mut entries = Vec::new();
            for (key, owner) in found {
                // Who has it attached and is bounded by it too was in the first list.
                let is_repeated = source > 0 && attached && has(view, &cx.account, owner.as_ref(), &arn)?;
                entries.push((key, owner.filter(|owner| !is_repeated && is_wanted(owner))));
            }
            Ok(entries)
        })?;
        let (is_truncated, marker) = (listed.is_truncated(), listed.marker);
        let (mut groups, mut users, mut roles) = (Vec::new(), Vec::new(), Vec::new());
        for owner in listed.items {
            let (name, id) = (Some(owner.name().to_owned()), Some(owner.id().to_owned()));
            match owner.kind() {
                OwnerKind::Group => groups.push(PolicyGroup { group_name: name, group_id: id }),
                OwnerKind::User => users.push(PolicyUser { user_name: name, user_id: id }),
                OwnerKind::Role => roles.push(PolicyRole { role_name: name, role_id: id }),
            }
        }
        Ok(Applied::read(ListEntitiesForPolicyResponse {
            policy_groups: Some(groups),
            policy_users: Some(users),
            policy_roles: Some(roles),
            is_truncated,
            marker,
        }))
    }
}

/// Owners, each with what a list goes on after; none for what an attachment outlived.
type Found = Vec<(String, Option<Owner>)>;

fn attached_to(
    view: &View,
    account: &AccountId,
    arn: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Found, StoreError> {
    let after = after.map(|owner| (account.clone(), owner.to_owned(), arn.to_owned()));
    let entry = (account.clone(), arn.to_owned());
    let found = view.by_index::<AttachmentRecord>("policy", entry, after.as_ref(), limit)?;
    let owners = found.into_iter().map(|attachment| {
        let owner = match OwnerKind::split(&attachment.owner) {
            Some((kind, name)) => Owner::find(view, account, kind, name)?,
            None => None,
        };
        Ok((attachment.owner, owner))
    });
    owners.collect()
}

fn bounded_users(
    view: &View,
    account: &AccountId,
    arn: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Found, StoreError> {
    let after = after.map(|name| (account.clone(), name.to_owned()));
    let found = view.by_index::<UserRecord>("boundary", (account.clone(), arn.to_owned()), after.as_ref(), limit)?;
    Ok(found.into_iter().map(|user| (folded(&user.name), Some(Owner::User(user)))).collect())
}

fn bounded_roles(
    view: &View,
    account: &AccountId,
    arn: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Found, StoreError> {
    let after = after.map(|name| (account.clone(), name.to_owned()));
    let found = view.by_index::<RoleRecord>("boundary", (account.clone(), arn.to_owned()), after.as_ref(), limit)?;
    Ok(found.into_iter().map(|role| (folded(&role.name), Some(Owner::Role(role)))).collect())
}

fn has(view: &View, account: &AccountId, owner: Option<&Owner>, arn: &str) -> Result<bool, StoreError> {
    let Some(owner) = owner else { return Ok(false) };
    view.contains::<AttachmentRecord>(&(account.clone(), owner.key(), arn.to_owned()))
}
