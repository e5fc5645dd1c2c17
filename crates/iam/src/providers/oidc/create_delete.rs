//! `iam:CreateOpenIDConnectProvider`, `iam:DeleteOpenIDConnectProvider`. A provider's server is not asked for anything when
//! it is made: without thumbprints its certificate must come from one of the authorities that this machine trusts.
//! Plain HTTP is taken for addresses of this machine alone, so that a local provider needs no certificate.
//! Sources: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.

use api::iam::{
    CreateOpenIDConnectProvider, CreateOpenIDConnectProviderRequest, CreateOpenIDConnectProviderResponse,
    DeleteOpenIDConnectProvider, DeleteOpenIDConnectProviderRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, KeyPrefix, View};

use super::change::{check_client_ids, thumbprints};
use super::record::{OidcProviderRecord, arn};
use super::{find, need};
use crate::tags::{self, TagCase};
use crate::{Iam, IamError};

/// Providers of an account.
const MAX_PROVIDERS: usize = 700;

impl Operation<Iam> for CreateOpenIDConnectProvider {
    type Error = IamError;

    fn needs(input: &CreateOpenIDConnectProviderRequest, _view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let (Some(account), Some((_, url))) = (&scope.account, input.url.split_once("://")) else {
            return Ok(vec![Need::any("iam:CreateOpenIDConnectProvider")]);
        };
        let said = |action| Need::on(action, arn(account, url)).tagging(tags::asked(input.tags.as_deref()));
        let mut needs = vec![said("iam:CreateOpenIDConnectProvider")];
        if input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
            needs.push(said("iam:TagOpenIDConnectProvider"));
        }
        Ok(needs)
    }

    fn apply(
        input: &CreateOpenIDConnectProviderRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<CreateOpenIDConnectProviderResponse>, IamError> {
        let (is_plain, url) = address(&input.url)?;
        let mut client_ids = Vec::new();
        for id in input.client_id_list.iter().flatten() {
            if !client_ids.contains(id) {
                client_ids.push(id.clone());
            }
        }
        check_client_ids(&client_ids)?;
        let record = OidcProviderRecord {
            account: cx.account.clone(),
            url: url.to_owned(),
            is_plain,
            client_ids,
            thumbprints: thumbprints(input.thumbprint_list.as_deref().unwrap_or_default())?,
            created: cx.now,
            tags: tags::new(input.tags.as_deref(), TagCase::Matters)?,
        };
        let all = view.scan::<OidcProviderRecord>(&KeyPrefix::of(cx.account.clone()), None, MAX_PROVIDERS)?;
        if all.iter().any(|known| known.url == record.url) {
            return Err(IamError::EntityAlreadyExists(format!("Provider with url {} already exists.", input.url)));
        }
        if all.len() >= MAX_PROVIDERS {
            let text = format!("Cannot exceed quota for OpenIdConnectProvidersPerAccount: {MAX_PROVIDERS}");
            return Err(IamError::LimitExceeded(text));
        }
        let mut changes = Changes::new();
        changes.put(&record)?;
        let output = CreateOpenIDConnectProviderResponse {
            open_id_connect_provider_arn: Some(record.arn().to_string()),
            tags: tags::all_shown(&record.tags),
        };
        Ok(Applied::with(output, changes))
    }
}

impl Operation<Iam> for DeleteOpenIDConnectProvider {
    type Error = IamError;

    fn needs(input: &DeleteOpenIDConnectProviderRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:DeleteOpenIDConnectProvider", &input.open_id_connect_provider_arn, view, scope)?])
    }

    fn apply(input: &DeleteOpenIDConnectProviderRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let arn = &input.open_id_connect_provider_arn;
        let record = find(view, &cx.account, arn).map_err(|error| match error {
            IamError::NoSuchEntity(_) => {
                IamError::NoSuchEntity(format!("OpenId connect Provider {arn} cannot be found."))
            }
            other => other,
        })?;
        let mut changes = Changes::new();
        changes.delete::<OidcProviderRecord>(&(record.account, record.url));
        Ok(Applied::with((), changes))
    }
}

/// Takes an address apart: whether it is plain HTTP, and what follows the scheme.
fn address(url: &str) -> Result<(bool, &str), IamError> {
    let invalid = || IamError::Validation("Invalid Open ID Connect Provider URL".to_owned());
    let (scheme, rest) = url.split_once("://").ok_or_else(invalid)?;
    let host = rest.split('/').next().unwrap_or_default();
    let is_clean =
        rest.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'@' | b'"' | b'<' | b'>'));
    if host.is_empty() || !is_clean {
        return Err(invalid());
    }
    match scheme {
        "https" => Ok((false, rest)),
        "http" if is_loopback(host) => Ok((true, rest)),
        _ => Err(invalid()),
    }
}

/// Whether a host, perhaps with a port, is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn plain_http_is_for_this_machine() {
        for (url, expected) in [
            ("https://idp.example/a/b", Some((false, "idp.example/a/b"))),
            ("https://10.0.0.1:8443", Some((false, "10.0.0.1:8443"))),
            ("http://127.0.0.1:8080/realm", Some((true, "127.0.0.1:8080/realm"))),
            ("http://localhost", Some((true, "localhost"))),
            ("http://[::1]:80", Some((true, "[::1]:80"))),
            ("http://127.0.0.1.example", None),
            ("http://localhost:80@idp.example", None),
            ("http://idp.example", None),
            ("https://", None),
            ("https://a?b", None),
            ("https://a b", None),
            ("idp.example", None),
            ("ftp://localhost", None),
        ] {
            assert_eq!(address(url).ok(), expected, "{url}");
        }
    }
}
