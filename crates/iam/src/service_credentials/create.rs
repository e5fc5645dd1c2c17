//! `iam:CreateServiceSpecificCredential`. The password is shown once.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceSpecificCredential.html>.

use api::iam::{
    CreateServiceSpecificCredential, CreateServiceSpecificCredentialRequest, CreateServiceSpecificCredentialResponse,
};
use jiff::SignedDuration;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::record::{MAX_OF_SERVICE, ServiceCredentialRecord, has_keys};
use crate::holder::within_quota;
use crate::names::unique_id;
use crate::users::get::{find, need};
use crate::{Iam, IamError};

impl Operation<Iam> for CreateServiceSpecificCredential {
    type Error = IamError;

    fn needs(
        input: &CreateServiceSpecificCredentialRequest,
        view: &View,
        scope: &Scope,
    ) -> Result<Vec<Need>, IamError> {
        let need = need("iam:CreateServiceSpecificCredential", Some(&input.user_name), view, scope)?;
        let need = need.with("iam:ServiceSpecificCredentialServiceName", &input.service_name);
        Ok(vec![match input.credential_age_days {
            Some(days) => need.with("iam:ServiceSpecificCredentialAgeDays", days.to_string()),
            None => need,
        }])
    }

    fn apply(
        input: &CreateServiceSpecificCredentialRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<CreateServiceSpecificCredentialResponse>, IamError> {
        let user = find(view, &cx.account, &input.user_name)?;
        let service = &input.service_name;
        if !has_keys(service)? && input.credential_age_days.is_some() {
            let text = format!("CredentialAgeDays is not supported for the service {service}.");
            return Err(IamError::InvalidInput(text));
        }
        let held = ServiceCredentialRecord::of_user(view, &user)?;
        let held: Vec<_> = held.iter().filter(|held| held.service == *service).collect();
        within_quota(held.len(), MAX_OF_SERVICE, "ServiceSpecificCredentialsPerUser")?;
        // The second one has a name of its own.
        let plain = format!("{}-at-{}", user.name, cx.account);
        let is_taken = held.iter().any(|held| held.name == plain);
        let name = if is_taken { format!("{}+1-at-{}", user.name, cx.account) } else { plain };
        let days = input.credential_age_days.map(|days| SignedDuration::from_hours(24 * i64::from(days)));
        let mut record = ServiceCredentialRecord {
            account: cx.account.clone(),
            user: user.id,
            id: unique_id("ACCA", cx.random()),
            service: service.clone(),
            name,
            digest: String::new(),
            is_active: true,
            created: cx.now,
            expires: days.and_then(|days| cx.now.checked_add(days).ok()),
        };
        let shown = record.renew(cx.random(), &user.name)?;
        let mut changes = Changes::new();
        changes.put(&record)?;
        let output = CreateServiceSpecificCredentialResponse { service_specific_credential: Some(shown) };
        Ok(Applied::with(output, changes))
    }
}
