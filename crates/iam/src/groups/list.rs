//! `iam:ListGroups`, `iam:ListGroupsForUser`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroups.html>.

use api::iam::{
    ListGroups, ListGroupsForUser, ListGroupsForUserRequest, ListGroupsForUserResponse, ListGroupsRequest,
    ListGroupsResponse,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::get::shown;
use super::{GroupRecord, MembershipRecord};
use crate::names::folded;
use crate::paging::Page;
use crate::{Iam, IamError, needs, users};

impl Operation<Iam> for ListGroups {
    type Error = IamError;

    fn needs(input: &ListGroupsRequest, _view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(needs::listing("iam:ListGroups", scope, "group", input.path_prefix.as_deref()))
    }

    fn apply(input: &ListGroupsRequest, view: &View, cx: &Cx) -> Result<Applied<ListGroupsResponse>, IamError> {
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        let page = Page::read(cx, "ListGroups", &[prefix], input.max_items, input.marker.as_deref())?;
        let name = |group: &GroupRecord| folded(&group.name);
        let groups = page.scan(view, &cx.account, name, |group: &GroupRecord| group.path.starts_with(prefix))?;
        let groups = groups.map(shown);
        let is_truncated = groups.is_truncated();
        Ok(Applied::read(ListGroupsResponse { groups: groups.items, is_truncated, marker: groups.marker }))
    }
}

impl Operation<Iam> for ListGroupsForUser {
    type Error = IamError;

    fn needs(input: &ListGroupsForUserRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![users::need("iam:ListGroupsForUser", Some(&input.user_name), view, scope)?])
    }

    fn apply(
        input: &ListGroupsForUserRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListGroupsForUserResponse>, IamError> {
        let user = users::find(view, &cx.account, &input.user_name)?;
        let page = Page::read(cx, "ListGroupsForUser", &[&user.id], input.max_items, input.marker.as_deref())?;
        let group = |membership: &MembershipRecord| membership.group.clone();
        let memberships = page.scan(view, (cx.account.clone(), folded(&user.name)), group, |_| true)?;
        let is_truncated = memberships.is_truncated();
        let mut groups = Vec::with_capacity(memberships.items.len());
        for membership in memberships.items {
            let group = view.get::<GroupRecord>(&(cx.account.clone(), membership.group))?;
            groups.extend(group.map(shown));
        }
        Ok(Applied::read(ListGroupsForUserResponse { groups, is_truncated, marker: memberships.marker }))
    }
}
