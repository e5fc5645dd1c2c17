//! `iam:TagUser`, `iam:UntagUser`, `iam:ListUserTags`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagUser.html>.

use api::iam::{
    ListUserTags, ListUserTagsRequest, ListUserTagsResponse, TagUser, TagUserRequest, UntagUser, UntagUserRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::get::{find, need};
use crate::paging::Page;
use crate::tags::{self, TagCase};
use crate::{Iam, IamError};

impl Operation<Iam> for TagUser {
    type Error = IamError;

    fn needs(input: &TagUserRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let need = need("iam:TagUser", Some(&input.user_name), view, scope)?;
        Ok(vec![need.tagging(tags::asked(Some(&input.tags)))])
    }

    fn apply(input: &TagUserRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let mut user = find(view, &cx.account, &input.user_name)?;
        tags::add(&mut user.tags, &input.tags, TagCase::Ignored)?;
        let mut changes = Changes::new();
        changes.put(&user)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for UntagUser {
    type Error = IamError;

    fn needs(input: &UntagUserRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let mut need = need("iam:UntagUser", Some(&input.user_name), view, scope)?;
        need.context.set_all("aws:TagKeys", input.tag_keys.clone());
        Ok(vec![need])
    }

    fn apply(input: &UntagUserRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let mut user = find(view, &cx.account, &input.user_name)?;
        tags::remove(&mut user.tags, &input.tag_keys, TagCase::Ignored);
        let mut changes = Changes::new();
        changes.put(&user)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for ListUserTags {
    type Error = IamError;

    fn needs(input: &ListUserTagsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ListUserTags", Some(&input.user_name), view, scope)?])
    }

    fn apply(input: &ListUserTagsRequest, view: &View, cx: &Cx) -> Result<Applied<ListUserTagsResponse>, IamError> {
        let user = find(view, &cx.account, &input.user_name)?;
        let page = Page::read(cx, "ListUserTags", &[&user.id], input.max_items, input.marker.as_deref())?;
        let page = page.of_list(user.tags, |(key, _)| key.clone());
        let is_truncated = page.is_truncated();
        let tags = page.items.into_iter().map(tags::shown).collect();
        Ok(Applied::read(ListUserTagsResponse { tags, is_truncated, marker: page.marker }))
    }
}
