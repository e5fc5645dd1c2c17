//! `iam:GetOpenIDConnectProvider`, `iam:ListOpenIDConnectProviders`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetOpenIDConnectProvider.html>.

use api::iam::{
    GetOpenIDConnectProvider, GetOpenIDConnectProviderRequest, GetOpenIDConnectProviderResponse,
    ListOpenIDConnectProviders, ListOpenIDConnectProvidersRequest, ListOpenIDConnectProvidersResponse,
    OpenIDConnectProviderListEntry,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{KeyPrefix, View};

use super::{OidcProviderRecord, find, need};
use crate::{Iam, IamError, tags};

/// More than an account can have.
const ALL: usize = 1000;

impl Operation<Iam> for GetOpenIDConnectProvider {
    type Error = IamError;

    fn needs(input: &GetOpenIDConnectProviderRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:GetOpenIDConnectProvider", &input.open_id_connect_provider_arn, view, scope)?])
    }

    fn apply(
        input: &GetOpenIDConnectProviderRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<GetOpenIDConnectProviderResponse>, IamError> {
        let record = find(view, &cx.account, &input.open_id_connect_provider_arn)?;
        Ok(Applied::read(GetOpenIDConnectProviderResponse {
            url: Some(if record.is_plain { record.issuer() } else { record.url }),
            client_id_list: Some(record.client_ids),
            thumbprint_list: Some(record.thumbprints),
            create_date: Some(record.created),
            tags: tags::even_none_shown(&record.tags),
        }))
    }
}

impl Operation<Iam> for ListOpenIDConnectProviders {
    type Error = IamError;

    fn needs(_input: &ListOpenIDConnectProvidersRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("iam:ListOpenIDConnectProviders")])
    }

    fn apply(
        _input: &ListOpenIDConnectProvidersRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListOpenIDConnectProvidersResponse>, IamError> {
        let all = view.scan::<OidcProviderRecord>(&KeyPrefix::of(cx.account.clone()), None, ALL)?;
        let entry = |record: OidcProviderRecord| OpenIDConnectProviderListEntry { arn: Some(record.arn().to_string()) };
        let list = all.into_iter().map(entry).collect();
        Ok(Applied::read(ListOpenIDConnectProvidersResponse { open_id_connect_provider_list: Some(list) }))
    }
}
