//! What an organization says of an account: the service control policies that bind it, and its place.

use ids::AccountId;
use store::{StoreError, View};

/// Where an account stands in its organization, for `aws:PrincipalOrgID` and `aws:PrincipalOrgPaths`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The organization's id, `o-…`.
    pub(crate) organization: String,
    /// The path to the account's unit, such as `o-…/r-…/ou-…/`.
    pub(crate) path: String,
}

/// The service control policies that bind an account, as id and document, one list a level from the root to the account;
/// none for an account that none bind.
pub(crate) fn service_control(_view: &View, _account: &AccountId) -> Result<Vec<Vec<(String, String)>>, StoreError> {
    Ok(Vec::new())
}

/// The place of an account; none if it is in no organization.
pub(crate) fn place(_view: &View, _account: &AccountId) -> Result<Option<Place>, StoreError> {
    Ok(None)
}
