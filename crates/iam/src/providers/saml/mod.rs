//! SAML providers.

mod create_update;
mod delete_get_list;
mod record;
mod tags;

use ids::AccountId;
use service::{Need, Scope};
use store::View;

use crate::IamError;
pub use record::{SamlKey, SamlProviderRecord};

/// The provider with this ARN, in `account`.
pub(crate) fn find(view: &View, account: &AccountId, arn: &str) -> Result<SamlProviderRecord, IamError> {
    let name = arn.splitn(6, ':').nth(5).and_then(|resource| resource.strip_prefix("saml-provider/"));
    let Some(name) = name else { return Err(IamError::InvalidInput(format!("Invalid ARN: {arn}"))) };
    let found = view.get::<SamlProviderRecord>(&(account.clone(), name.to_owned()))?;
    found
        .filter(|provider| provider.arn().as_str() == arn)
        .ok_or_else(|| IamError::NoSuchEntity(format!("Manifest not found for arn {arn}")))
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
