//! `iam:TagSAMLProvider`, `iam:UntagSAMLProvider`, `iam:ListSAMLProviderTags`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagSAMLProvider.html>.

use api::iam::{
    ListSAMLProviderTags, ListSAMLProviderTagsRequest, ListSAMLProviderTagsResponse, TagSAMLProvider,
    TagSAMLProviderRequest, UntagSAMLProvider, UntagSAMLProviderRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::{SamlProviderRecord, find, need};
use crate::paging::Page;
use crate::tags::{self, TagCase};
use crate::{Iam, IamError};

impl Operation<Iam> for TagSAMLProvider {
    type Error = IamError;

    fn needs(input: &TagSAMLProviderRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let need = need("iam:TagSAMLProvider", &input.saml_provider_arn, view, scope)?;
        Ok(vec![need.tagging(tags::asked(Some(&input.tags)))])
    }

    fn apply(input: &TagSAMLProviderRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let mut record = find(view, &cx.account, &input.saml_provider_arn)?;
        tags::add(&mut record.tags, &input.tags, TagCase::Matters)?;
        put(&record)
    }
}

impl Operation<Iam> for UntagSAMLProvider {
    type Error = IamError;

    fn needs(input: &UntagSAMLProviderRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let mut need = need("iam:UntagSAMLProvider", &input.saml_provider_arn, view, scope)?;
        need.context.set_all("aws:TagKeys", input.tag_keys.clone());
        Ok(vec![need])
    }

    fn apply(input: &UntagSAMLProviderRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let mut record = find(view, &cx.account, &input.saml_provider_arn)?;
        tags::remove(&mut record.tags, &input.tag_keys, TagCase::Matters);
        put(&record)
    }
}

impl Operation<Iam> for ListSAMLProviderTags {
    type Error = IamError;

    fn needs(input: &ListSAMLProviderTagsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ListSAMLProviderTags", &input.saml_provider_arn, view, scope)?])
    }

    fn apply(
        input: &ListSAMLProviderTagsRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListSAMLProviderTagsResponse>, IamError> {
        let arn = &input.saml_provider_arn;
        let page = Page::read(cx, "ListSAMLProviderTags", &[arn], input.max_items, input.marker.as_deref())?;
        let listed = page.of_list(find(view, &cx.account, arn)?.tags, |(key, _)| key.clone()).map(tags::shown);
        Ok(Applied::read(ListSAMLProviderTagsResponse {
            is_truncated: listed.is_truncated(),
            tags: listed.items,
            marker: listed.marker,
        }))
    }
}

fn put(record: &SamlProviderRecord) -> Result<Applied<()>, IamError> {
    let mut changes = Changes::new();
    changes.put(record)?;
    Ok(Applied::with((), changes))
}
