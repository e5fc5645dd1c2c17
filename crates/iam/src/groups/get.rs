//! `iam:GetGroup`: a group and its users, page by page.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetGroup.html>.

use api::iam::{GetGroup, GetGroupRequest, GetGroupResponse, Group};
use ids::AccountId;
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::{GroupRecord, MembershipRecord};
use crate::names::folded;
use crate::paging::Page;
use crate::{Iam, IamError, UserRecord, needs, users};

impl Operation<Iam> for GetGroup {
    type Error = IamError;

    fn needs(input: &GetGroupRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:GetGroup", &input.group_name, view, scope)?])
    }

    fn apply(input: &GetGroupRequest, view: &View, cx: &Cx) -> Result<Applied<GetGroupResponse>, IamError> {
        let group = find(view, &cx.account, &input.group_name)?;
        let page = Page::read(cx, "GetGroup", &[&group.id], input.max_items, input.marker.as_deref())?;
        let folded_name = folded(&group.name);
        let entry = (cx.account.clone(), folded_name.clone());
        let key = |user: &str| (cx.account.clone(), user.to_owned(), folded_name.clone());
        let user = |member: &MembershipRecord| member.user.clone();
        let members = page.of_index::<MembershipRecord>(view, "group", entry, user, key, |_| true)?;
        let is_truncated = members.is_truncated();
        let mut found = Vec::with_capacity(members.items.len());
        for member in members.items {
            let user = view.get::<UserRecord>(&(cx.account.clone(), member.user))?;
            found.extend(user.map(|user| users::listed(view, &user)).transpose()?);
        }
        let group = shown(group);
        Ok(Applied::read(GetGroupResponse { group, users: found, is_truncated, marker: members.marker }))
    }
}

/// What an action on a group needs.
///
/// # Errors
/// The store's.
pub(crate) fn need(action: &'static str, name: &str, view: &View, scope: &Scope) -> Result<Need, IamError> {
    let found = match &scope.account {
        Some(account) => view.get::<GroupRecord>(&(account.clone(), folded(name)))?,
        None => None,
    };
    let (path, name) = found.as_ref().map_or(("/", name), |group| (group.path.as_str(), group.name.as_str()));
    Ok(needs::on(action, scope, &format!("group{path}{name}")))
}

/// The group of this name.
///
/// # Errors
/// `NoSuchEntity`, and the store's.
pub(crate) fn find(view: &View, account: &AccountId, name: &str) -> Result<GroupRecord, IamError> {
    let found = view.get::<GroupRecord>(&(account.clone(), folded(name)))?;
    found.ok_or_else(|| IamError::not_found("group", name))
}

/// A group as IAM shows it.
pub(crate) fn shown(group: GroupRecord) -> Group {
    let arn = group.arn();
    let GroupRecord { name, path, id, created, .. } = group;
    Group { path, group_name: name, group_id: id, arn, create_date: created }
}
