//! `iam:ListServiceSpecificCredentials`: those of a user, or with `AllUsers` those of the account.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListServiceSpecificCredentials.html>.

use api::iam::{
    ListServiceSpecificCredentials, ListServiceSpecificCredentialsRequest, ListServiceSpecificCredentialsResponse,
    ServiceSpecificCredentialMetadata,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::record::{ServiceCredentialRecord, has_keys};
use crate::holder::{user_of, user_with_id};
use crate::paging::{Listed, Page};
use crate::users::get::need;
use crate::{Iam, IamError, UserRecord};

impl Operation<Iam> for ListServiceSpecificCredentials {
    type Error = IamError;

    fn needs(input: &ListServiceSpecificCredentialsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        if input.all_users == Some(true) {
            return Ok(vec![Need::any("iam:ListServiceSpecificCredentials")]);
        }
        Ok(vec![need("iam:ListServiceSpecificCredentials", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(
        input: &ListServiceSpecificCredentialsRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListServiceSpecificCredentialsResponse>, IamError> {
        let is_all = input.all_users == Some(true);
        if is_all && input.user_name.is_some() {
            return Err(IamError::InvalidInput("UserName and AllUsers cannot be given together.".to_owned()));
        }
        let user = if is_all { None } else { Some(user_of(input.user_name.as_deref(), view, cx)?) };
        let service = input.service_name.as_deref();
        let asked = [user.as_ref().map_or("", |user| &user.id), service.unwrap_or_default()];
        let marker = input.marker.as_deref();
        let page = Page::read(cx, "ListServiceSpecificCredentials", &asked, input.max_items, marker)?;
        let keep = |record: &ServiceCredentialRecord| service.is_none_or(|service| record.service == service);
        let Listed { items, marker } = match &user {
            Some(user) => {
                let mut held = ServiceCredentialRecord::of_user(view, user)?;
                held.retain(keep);
                page.of_list(held, |record| record.id.clone())
            }
            None => {
                // Two strings follow the account in the key; the list is short enough to be put in order by one.
                let all = view.scan(&store::KeyPrefix::of(cx.account.clone()), None, MAX_OF_ACCOUNT)?;
                let all = all.into_iter().filter(keep).collect();
                page.of_list(all, |record| record.id.clone())
            }
        };
        let mut listed = Vec::with_capacity(items.len());
        for record in items {
            let name = match &user {
                Some(user) => Some(user.name.clone()),
                None => user_with_id(view, &record.user)?.map(|user| user.name),
            };
            listed.push(shown(record, name.unwrap_or_default(), cx)?);
        }
        Ok(Applied::read(ListServiceSpecificCredentialsResponse {
            service_specific_credentials: Some(listed),
            is_truncated: Some(marker.is_some()),
            marker,
        }))
    }
}

/// Most credentials of an account that are listed: as many as its users may have.
const MAX_OF_ACCOUNT: usize = 30_000;

/// Whether a user has such a credential: it cannot be deleted then.
pub(crate) fn has_service_credentials(view: &View, user: &UserRecord) -> Result<bool, IamError> {
    Ok(!ServiceCredentialRecord::of_user(view, user)?.is_empty())
}

fn shown(
    record: ServiceCredentialRecord,
    user_name: String,
    cx: &Cx,
) -> Result<ServiceSpecificCredentialMetadata, IamError> {
    let is_key = has_keys(&record.service)?;
    Ok(ServiceSpecificCredentialMetadata {
        user_name,
        status: record.status(cx.now).to_owned(),
        service_user_name: (!is_key).then(|| record.name.clone()),
        service_credential_alias: is_key.then(|| record.name.clone()),
        create_date: record.created,
        expiration_date: record.expires,
        service_specific_credential_id: record.id,
        service_name: record.service,
    })
}
