//! `iam:TagPolicy`, `UntagPolicy`, `ListPolicyTags`: the tags of an account's own managed policy.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags_customer-managed-policies.html>.

use api::iam::{
    ListPolicyTags, ListPolicyTagsRequest, ListPolicyTagsResponse, TagPolicy, TagPolicyRequest, UntagPolicy,
    UntagPolicyRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::managed::{Managed, need, own};
use crate::paging::Page;
use crate::tags::{self, TagCase};
use crate::{Iam, IamError};

impl Operation<Iam> for TagPolicy {
    type Error = IamError;

    fn needs(input: &TagPolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let need = need("iam:TagPolicy", &input.policy_arn, view, scope)?;
        Ok(vec![need.tagging(tags::asked(Some(&input.tags)))])
    }

    fn apply(input: &TagPolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let mut policy = own(view, &cx.account, &input.policy_arn)?;
        tags::add(&mut policy.tags, &input.tags, TagCase::Matters)?;
        let mut changes = Changes::new();
        changes.put(&policy)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for UntagPolicy {
    type Error = IamError;

    fn needs(input: &UntagPolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let mut need = need("iam:UntagPolicy", &input.policy_arn, view, scope)?;
        need.context.set_all("aws:TagKeys", input.tag_keys.clone());
        Ok(vec![need])
    }

    fn apply(input: &UntagPolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let mut policy = own(view, &cx.account, &input.policy_arn)?;
        tags::remove(&mut policy.tags, &input.tag_keys, TagCase::Matters);
        let mut changes = Changes::new();
        changes.put(&policy)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for ListPolicyTags {
    type Error = IamError;

    fn needs(input: &ListPolicyTagsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ListPolicyTags", &input.policy_arn, view, scope)?])
    }

    fn apply(input: &ListPolicyTagsRequest, view: &View, cx: &Cx) -> Result<Applied<ListPolicyTagsResponse>, IamError> {
        let policy = Managed::get(view, &cx.account, &input.policy_arn)?;
        let (asked, marker) = ([input.policy_arn.as_str()], input.marker.as_deref());
        let page = Page::read(cx, "ListPolicyTags", &asked, input.max_items, marker)?;
        let listed = page.of_list(policy.tags().to_vec(), |(key, _)| key.clone()).map(tags::shown);
        let (is_truncated, marker) = (listed.is_truncated(), listed.marker);
        Ok(Applied::read(ListPolicyTagsResponse { tags: listed.items, is_truncated, marker }))
    }
}
