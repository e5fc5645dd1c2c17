//! `iam:TagRole`, `iam:UntagRole`, `iam:ListRoleTags`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagRole.html>.

use api::iam::{
    ListRoleTags, ListRoleTagsRequest, ListRoleTagsResponse, TagRole, TagRoleRequest, UntagRole, UntagRoleRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::{find, need};
use crate::paging::Page;
use crate::tags::{self, TagCase};
use crate::{Iam, IamError};

impl Operation<Iam> for TagRole {
    type Error = IamError;

    fn needs(input: &TagRoleRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let need = need("iam:TagRole", &input.role_name, view, scope)?;
        Ok(vec![need.tagging(tags::asked(Some(&input.tags)))])
    }

    fn apply(input: &TagRoleRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let mut role = find(view, &cx.account, &input.role_name)?;
        tags::add(&mut role.tags, &input.tags, TagCase::Ignored)?;
        let mut changes = Changes::new();
        changes.put(&role)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for UntagRole {
    type Error = IamError;

    fn needs(input: &UntagRoleRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let mut need = need("iam:UntagRole", &input.role_name, view, scope)?;
        need.context.set_all("aws:TagKeys", input.tag_keys.clone());
        Ok(vec![need])
    }

    fn apply(input: &UntagRoleRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let mut role = find(view, &cx.account, &input.role_name)?;
        tags::remove(&mut role.tags, &input.tag_keys, TagCase::Ignored);
        let mut changes = Changes::new();
        changes.put(&role)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for ListRoleTags {
    type Error = IamError;

    fn needs(input: &ListRoleTagsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ListRoleTags", &input.role_name, view, scope)?])
    }

    fn apply(input: &ListRoleTagsRequest, view: &View, cx: &Cx) -> Result<Applied<ListRoleTagsResponse>, IamError> {
        let role = find(view, &cx.account, &input.role_name)?;
        let page = Page::read(cx, "ListRoleTags", &[&role.id], input.max_items, input.marker.as_deref())?;
        let page = page.of_list(role.tags, |(key, _)| key.clone());
        let is_truncated = page.is_truncated();
        let tags = page.items.into_iter().map(tags::shown).collect();
        Ok(Applied::read(ListRoleTagsResponse { tags, is_truncated, marker: page.marker }))
    }
}
