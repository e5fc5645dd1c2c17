//! `iam:DeleteSAMLProvider`, `iam:GetSAMLProvider`, `iam:ListSAMLProviders`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetSAMLProvider.html>.

use api::iam::{
    DeleteSAMLProvider, DeleteSAMLProviderRequest, GetSAMLProvider, GetSAMLProviderRequest, GetSAMLProviderResponse,
    ListSAMLProviders, ListSAMLProvidersRequest, ListSAMLProvidersResponse, SAMLProviderListEntry,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, KeyPrefix, View};

use super::{SamlProviderRecord, find, need};
use crate::{Iam, IamError, tags};

/// More than an account can have.
const ALL: usize = 1000;

impl Operation<Iam> for DeleteSAMLProvider {
    type Error = IamError;

    fn needs(input: &DeleteSAMLProviderRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:DeleteSAMLProvider", &input.saml_provider_arn, view, scope)?])
    }

    fn apply(input: &DeleteSAMLProviderRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let record = find(view, &cx.account, &input.saml_provider_arn)?;
        let mut changes = Changes::new();
        changes.delete::<SamlProviderRecord>(&(record.account, record.name));
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for GetSAMLProvider {
    type Error = IamError;

    fn needs(input: &GetSAMLProviderRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:GetSAMLProvider", &input.saml_provider_arn, view, scope)?])
    }

    fn apply(
        input: &GetSAMLProviderRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<GetSAMLProviderResponse>, IamError> {
        let record = find(view, &cx.account, &input.saml_provider_arn)?;
        Ok(Applied::read(GetSAMLProviderResponse {
            saml_provider_uuid: Some(record.id),
            saml_metadata_document: Some(record.metadata),
            create_date: Some(record.created),
            valid_until: Some(record.valid_until),
            tags: tags::even_none_shown(&record.tags),
            ..GetSAMLProviderResponse::default()
        }))
    }
}

impl Operation<Iam> for ListSAMLProviders {
    type Error = IamError;

    fn needs(_input: &ListSAMLProvidersRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("iam:ListSAMLProviders")])
    }

    fn apply(
        _input: &ListSAMLProvidersRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListSAMLProvidersResponse>, IamError> {
        let all = view.scan::<SamlProviderRecord>(&KeyPrefix::of(cx.account.clone()), None, ALL)?;
        let entry = |record: SamlProviderRecord| SAMLProviderListEntry {
            arn: Some(record.arn().to_string()),
            valid_until: Some(record.valid_until),
            create_date: Some(record.created),
        };
        let list = all.into_iter().map(entry).collect();
        Ok(Applied::read(ListSAMLProvidersResponse { saml_provider_list: Some(list) }))
    }
}
