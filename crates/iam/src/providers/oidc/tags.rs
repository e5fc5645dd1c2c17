//! `iam:TagOpenIDConnectProvider`, `iam:UntagOpenIDConnectProvider`, `iam:ListOpenIDConnectProviderTags`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagOpenIDConnectProvider.html>.

use api::iam::{
    ListOpenIDConnectProviderTags, ListOpenIDConnectProviderTagsRequest, ListOpenIDConnectProviderTagsResponse,
    TagOpenIDConnectProvider, TagOpenIDConnectProviderRequest, UntagOpenIDConnectProvider,
    UntagOpenIDConnectProviderRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::change::changed;
use super::{find, need};
use crate::paging::Page;
use crate::tags::{self, TagCase};
use crate::{Iam, IamError};

impl Operation<Iam> for TagOpenIDConnectProvider {
    type Error = IamError;

    fn needs(input: &TagOpenIDConnectProviderRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let need = need("iam:TagOpenIDConnectProvider", &input.open_id_connect_provider_arn, view, scope)?;
        Ok(vec![need.tagging(tags::asked(Some(&input.tags)))])
    }

    fn apply(input: &TagOpenIDConnectProviderRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        changed(&input.open_id_connect_provider_arn, view, cx, |record| {
            tags::add(&mut record.tags, &input.tags, TagCase::Matters)
        })
    }
}

impl Operation<Iam> for UntagOpenIDConnectProvider {
    type Error = IamError;

    fn needs(input: &UntagOpenIDConnectProviderRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let mut need = need("iam:UntagOpenIDConnectProvider", &input.open_id_connect_provider_arn, view, scope)?;
        need.context.set_all("aws:TagKeys", input.tag_keys.clone());
        Ok(vec![need])
    }

    fn apply(input: &UntagOpenIDConnectProviderRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        changed(&input.open_id_connect_provider_arn, view, cx, |record| {
            tags::remove(&mut record.tags, &input.tag_keys, TagCase::Matters);
            Ok(())
        })
    }
}

impl Operation<Iam> for ListOpenIDConnectProviderTags {
    type Error = IamError;

    fn needs(input: &ListOpenIDConnectProviderTagsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ListOpenIDConnectProviderTags", &input.open_id_connect_provider_arn, view, scope)?])
    }

    fn apply(
        input: &ListOpenIDConnectProviderTagsRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListOpenIDConnectProviderTagsResponse>, IamError> {
        let arn = &input.open_id_connect_provider_arn;
        let page = Page::read(cx, "ListOpenIDConnectProviderTags", &[arn], input.max_items, input.marker.as_deref())?;
        let listed = page.of_list(find(view, &cx.account, arn)?.tags, |(key, _)| key.clone()).map(tags::shown);
        Ok(Applied::read(ListOpenIDConnectProviderTagsResponse {
            is_truncated: listed.is_truncated(),
            tags: listed.items,
            marker: listed.marker,
        }))
    }
}
