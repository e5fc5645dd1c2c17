//! What changes of an OpenID Connect provider: whom its tokens may be meant for (`iam:AddClientIDToOpenIDConnectProvider`,
//! `iam:RemoveClientIDFromOpenIDConnectProvider`), and which certificates its server is known by
//! (`iam:UpdateOpenIDConnectProviderThumbprint`).
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddClientIDToOpenIDConnectProvider.html>.

use api::iam::{
    AddClientIDToOpenIDConnectProvider, AddClientIDToOpenIDConnectProviderRequest,
    RemoveClientIDFromOpenIDConnectProvider, RemoveClientIDFromOpenIDConnectProviderRequest,
    UpdateOpenIDConnectProviderThumbprint, UpdateOpenIDConnectProviderThumbprintRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::{OidcProviderRecord, find, need};
use crate::{Iam, IamError};

/// Client ids of a provider.
const MAX_CLIENTS: usize = 100;
/// Thumbprints of a provider.
const MAX_THUMBPRINTS: usize = 5;

impl Operation<Iam> for AddClientIDToOpenIDConnectProvider {
    type Error = IamError;

    fn needs(
        input: &AddClientIDToOpenIDConnectProviderRequest,
        view: &View,
        scope: &Scope,
    ) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:AddClientIDToOpenIDConnectProvider", &input.open_id_connect_provider_arn, view, scope)?])
    }

    fn apply(input: &AddClientIDToOpenIDConnectProviderRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        changed(&input.open_id_connect_provider_arn, view, cx, |record| {
            if !record.client_ids.contains(&input.client_id) {
                record.client_ids.push(input.client_id.clone());
            }
            check_client_ids(&record.client_ids)
        })
    }
}

impl Operation<Iam> for RemoveClientIDFromOpenIDConnectProvider {
    type Error = IamError;

    fn needs(
        input: &RemoveClientIDFromOpenIDConnectProviderRequest,
        view: &View,
        scope: &Scope,
    ) -> Result<Vec<Need>, IamError> {
        let action = "iam:RemoveClientIDFromOpenIDConnectProvider";
        Ok(vec![need(action, &input.open_id_connect_provider_arn, view, scope)?])
    }

    fn apply(
        input: &RemoveClientIDFromOpenIDConnectProviderRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<()>, IamError> {
        changed(&input.open_id_connect_provider_arn, view, cx, |record| {
            record.client_ids.retain(|id| *id != input.client_id);
            Ok(())
        })
    }
}

impl Operation<Iam> for UpdateOpenIDConnectProviderThumbprint {
    type Error = IamError;

    fn needs(
        input: &UpdateOpenIDConnectProviderThumbprintRequest,
        view: &View,
        scope: &Scope,
    ) -> Result<Vec<Need>, IamError> {
        let action = "iam:UpdateOpenIDConnectProviderThumbprint";
        Ok(vec![need(action, &input.open_id_connect_provider_arn, view, scope)?])
    }

    fn apply(
        input: &UpdateOpenIDConnectProviderThumbprintRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<()>, IamError> {
        changed(&input.open_id_connect_provider_arn, view, cx, |record| {
            record.thumbprints = thumbprints(&input.thumbprint_list)?;
            Ok(())
        })
    }
}

/// The change of a provider.
pub(super) fn changed(
    arn: &str,
    view: &View,
    cx: &Cx,
    change: impl FnOnce(&mut OidcProviderRecord) -> Result<(), IamError>,
) -> Result<Applied<()>, IamError> {
    let mut record = find(view, &cx.account, arn)?;
    change(&mut record)?;
    let mut changes = Changes::new();
    changes.put(&record)?;
    Ok(Applied::with((), changes))
}

pub(super) fn check_client_ids(ids: &[String]) -> Result<(), IamError> {
    if ids.len() > MAX_CLIENTS {
        let text = format!("Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {MAX_CLIENTS}");
        return Err(IamError::LimitExceeded(text));
    }
    Ok(())
}

/// Thumbprints in the form in which they are compared.
pub(super) fn thumbprints(given: &[String]) -> Result<Vec<String>, IamError> {
    if given.len() > MAX_THUMBPRINTS {
        return Err(IamError::InvalidInput("Thumbprint list must contain fewer than 5 entries.".to_owned()));
    }
    let one = |text: &String| {
        let is_one = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_one
            .then(|| text.to_ascii_lowercase())
            .ok_or_else(|| IamError::InvalidInput(format!("Invalid thumbprint: {text}")))
    };
    given.iter().map(one).collect()
}
