//! `iam:TagInstanceProfile`, `iam:UntagInstanceProfile`, `iam:ListInstanceProfileTags`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagInstanceProfile.html>.

use api::iam::{
    ListInstanceProfileTags, ListInstanceProfileTagsRequest, ListInstanceProfileTagsResponse, TagInstanceProfile,
    TagInstanceProfileRequest, UntagInstanceProfile, UntagInstanceProfileRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::get::{find, need};
use crate::paging::Page;
use crate::tags::{self, TagCase};
use crate::{Iam, IamError};

impl Operation<Iam> for TagInstanceProfile {
    type Error = IamError;

    fn needs(input: &TagInstanceProfileRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let need = need("iam:TagInstanceProfile", &input.instance_profile_name, view, scope)?;
        Ok(vec![need.tagging(tags::asked(Some(&input.tags)))])
    }

    fn apply(input: &TagInstanceProfileRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let mut profile = find(view, &cx.account, &input.instance_profile_name)?;
        tags::add(&mut profile.tags, &input.tags, TagCase::Matters)?;
        let mut changes = Changes::new();
        changes.put(&profile)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for UntagInstanceProfile {
    type Error = IamError;

    fn needs(input: &UntagInstanceProfileRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let mut need = need("iam:UntagInstanceProfile", &input.instance_profile_name, view, scope)?;
        need.context.set_all("aws:TagKeys", input.tag_keys.clone());
        Ok(vec![need])
    }

    fn apply(input: &UntagInstanceProfileRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let mut profile = find(view, &cx.account, &input.instance_profile_name)?;
        tags::remove(&mut profile.tags, &input.tag_keys, TagCase::Matters);
        let mut changes = Changes::new();
        changes.put(&profile)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for ListInstanceProfileTags {
    type Error = IamError;

    fn needs(input: &ListInstanceProfileTagsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ListInstanceProfileTags", &input.instance_profile_name, view, scope)?])
    }

    fn apply(
        input: &ListInstanceProfileTagsRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListInstanceProfileTagsResponse>, IamError> {
        let profile = find(view, &cx.account, &input.instance_profile_name)?;
        let page = Page::read(cx, "ListInstanceProfileTags", &[&profile.id], input.max_items, input.marker.as_deref())?;
        let page = page.of_list(profile.tags, |(key, _)| key.clone());
        let is_truncated = page.is_truncated();
        let tags = page.items.into_iter().map(tags::shown).collect();
        Ok(Applied::read(ListInstanceProfileTagsResponse { tags, is_truncated, marker: page.marker }))
    }
}
