//! `iam:GetAccessKeyLastUsed`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html>.

use api::iam::{AccessKeyLastUsed, GetAccessKeyLastUsed, GetAccessKeyLastUsedRequest, GetAccessKeyLastUsedResponse};
use ids::AccountId;
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::{AccessKeyRecord, KeyOwner};
use crate::uses::last_use;
use crate::{Iam, IamError, users};

impl Operation<Iam> for GetAccessKeyLastUsed {
    type Error = IamError;

    fn needs(input: &GetAccessKeyLastUsedRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let action = "iam:GetAccessKeyLastUsed";
        let key = match &scope.account {
            Some(account) => find(view, account, &input.access_key_id)?,
            None => None,
        };
        Ok(vec![match key.map(|key| key.owner) {
            Some(KeyOwner::User { name, .. }) => users::need(action, Some(&name), view, scope)?,
            Some(KeyOwner::Root) | None => Need::any(action),
        }])
    }

    /// A key that is nobody's, or somebody's of another account, is not said to be missing.
    fn apply(
        input: &GetAccessKeyLastUsedRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<GetAccessKeyLastUsedResponse>, IamError> {
        let Some(key) = find(view, &cx.account, &input.access_key_id)? else {
            return Err(IamError::AccessDenied(format!(
                "User: {} is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key {}",
                cx.call.caller.arn().unwrap_or_default(),
                input.access_key_id
            )));
        };
        let nothing = || "N/A".to_owned();
        let used = match last_use(view, &key.id)? {
            None => AccessKeyLastUsed { last_used_date: None, service_name: nothing(), region: nothing() },
            Some(used) => {
                AccessKeyLastUsed { last_used_date: Some(used.used), service_name: used.service, region: used.region }
            }
        };
        let user_name = match key.owner {
            KeyOwner::Root => None,
            KeyOwner::User { name, .. } => Some(name),
        };
        Ok(Applied::read(GetAccessKeyLastUsedResponse { user_name, access_key_last_used: Some(used) }))
    }
}

/// The key with this id, if it is of this account.
fn find(view: &View, account: &AccountId, id: &str) -> Result<Option<AccessKeyRecord>, IamError> {
    let found = view.get::<AccessKeyRecord>(&id.to_owned())?;
    Ok(found.filter(|key| key.account == *account))
}
