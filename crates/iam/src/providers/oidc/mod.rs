//! OpenID Connect providers.

mod change;
mod create_delete;
mod get_list;
mod record;
mod tags;

use ids::AccountId;
use service::{Need, Scope};
use store::View;

use crate::IamError;
pub use record::OidcProviderRecord;

/// The provider that `iss` of a token names, in this account.
pub(crate) fn provider_of_issuer(
    view: &View,
    account: &AccountId,
    issuer: &str,
) -> Result<Option<OidcProviderRecord>, IamError> {
    let Some((_, url)) = issuer.split_once("://") else { return Ok(None) };
    let found = view.get::<OidcProviderRecord>(&(account.clone(), url.to_owned()))?;
    Ok(found.filter(|provider| provider.issuer() == issuer))
}

/// The provider with this ARN, in the caller's account.
fn find(view: &View, account: &AccountId, arn: &str) -> Result<OidcProviderRecord, IamError> {
    let url = arn.splitn(6, ':').nth(5).and_then(|resource| resource.strip_prefix("oidc-provider/"));
    let Some(url) = url else { return Err(IamError::InvalidInput(format!("Invalid ARN: {arn}"))) };
    let found = view.get::<OidcProviderRecord>(&(account.clone(), url.to_owned()))?;
    found
        .filter(|provider| provider.arn().as_str() == arn)
        .ok_or_else(|| IamError::NoSuchEntity(format!("OpenIDConnect Provider not found for arn {arn}")))
}

/// What an action on the provider with this ARN needs.
fn need(action: &'static str, arn: &str, view: &View, scope: &Scope) -> Result<Need, IamError> {
    let (Some(account), Ok(resource)) = (&scope.account, arn.parse()) else { return Ok(Need::any(action)) };
    let found = match find(view, account, arn) {
        Ok(provider) => Some(provider),
        Err(IamError::Store(error)) => return Err(IamError::Store(error)),
        Err(_) => None,
    };
    let tags = found.map(|provider| provider.tags).unwrap_or_default();
    Ok(Need::on(action, resource).tagged(crate::tags::pairs(&tags)))
}
