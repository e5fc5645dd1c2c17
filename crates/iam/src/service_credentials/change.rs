//! `iam:ResetServiceSpecificCredential`, a new password in place of the old one; `iam:UpdateServiceSpecificCredential`,
//! which switches a credential off and on; `iam:DeleteServiceSpecificCredential`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ResetServiceSpecificCredential.html>.

use api::iam::{
    DeleteServiceSpecificCredential, DeleteServiceSpecificCredentialRequest, ResetServiceSpecificCredential,
    ResetServiceSpecificCredentialRequest, ResetServiceSpecificCredentialResponse, UpdateServiceSpecificCredential,
    UpdateServiceSpecificCredentialRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, Record, View};

use super::record::ServiceCredentialRecord;
use crate::holder::{is_active, user_of};
use crate::users::get::need;
use crate::{Iam, IamError, UserRecord};

impl Operation<Iam> for ResetServiceSpecificCredential {
    type Error = IamError;

    fn needs(input: &ResetServiceSpecificCredentialRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ResetServiceSpecificCredential", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(
        input: &ResetServiceSpecificCredentialRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ResetServiceSpecificCredentialResponse>, IamError> {
        let user = user_of(input.user_name.as_deref(), view, cx)?;
        let mut record = find(view, &user, &input.service_specific_credential_id)?;
        let shown = record.renew(cx.random(), &user.name)?;
        let mut changes = Changes::new();
        changes.put(&record)?;
        let output = ResetServiceSpecificCredentialResponse { service_specific_credential: Some(shown) };
        Ok(Applied::with(output, changes))
    }
}

impl Operation<Iam> for UpdateServiceSpecificCredential {
    type Error = IamError;

    fn needs(
        input: &UpdateServiceSpecificCredentialRequest,
        view: &View,
        scope: &Scope,
    ) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:UpdateServiceSpecificCredential", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(input: &UpdateServiceSpecificCredentialRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let user = user_of(input.user_name.as_deref(), view, cx)?;
        let mut record = find(view, &user, &input.service_specific_credential_id)?;
        record.is_active = is_active(&input.status);
        let mut changes = Changes::new();
        changes.put(&record)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for DeleteServiceSpecificCredential {
    type Error = IamError;

    fn needs(
        input: &DeleteServiceSpecificCredentialRequest,
        view: &View,
        scope: &Scope,
    ) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:DeleteServiceSpecificCredential", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(input: &DeleteServiceSpecificCredentialRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let user = user_of(input.user_name.as_deref(), view, cx)?;
        let record = find(view, &user, &input.service_specific_credential_id)?;
        let mut changes = Changes::new();
        changes.delete::<ServiceCredentialRecord>(&record.key());
        Ok(Applied::with((), changes))
    }
}

fn find(view: &View, user: &UserRecord, id: &str) -> Result<ServiceCredentialRecord, IamError> {
    let found = view.get(&(user.account.clone(), user.id.clone(), id.to_owned()))?;
    found.ok_or_else(|| IamError::NoSuchEntity(format!("No such credential {id} exists")))
}
