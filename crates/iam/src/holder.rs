//! What the credentials of people have in common: whom they belong to.
//! Not here: access keys, which are in `keys`.

use api::Principal;
use ids::{AccountId, Arn};
use service::{Cx, Need, Scope};
use store::{CommitError, Store, View};

use crate::users::get::find;
use crate::{
    CredentialReportRecord, IamError, LoginProfileRecord, MfaDeviceRecord, PasswordPolicyRecord, PasswordUseRecord,
    ServerCertificateRecord, ServiceCredentialRecord, SigningCertificateRecord, SshPublicKeyRecord, UserRecord,
};
use crate::{certificates, mfa, passwords, service_credentials, ssh_keys};

/// Brings the tables of people's credentials to the shapes of this program.
///
/// # Errors
/// See [`Store::prepare`].
pub(crate) async fn prepare(store: &Store) -> Result<bool, CommitError> {
    tokio::try_join!(
        store.prepare::<LoginProfileRecord>(),
        store.prepare::<PasswordPolicyRecord>(),
        store.prepare::<PasswordUseRecord>(),
        store.prepare::<MfaDeviceRecord>(),
        store.prepare::<SigningCertificateRecord>(),
        store.prepare::<ServerCertificateRecord>(),
        store.prepare::<SshPublicKeyRecord>(),
        store.prepare::<ServiceCredentialRecord>(),
        store.prepare::<CredentialReportRecord>(),
    )
    .map(|_| true)
}

/// The word for whether something works.
pub(crate) fn status(is_active: bool) -> &'static str {
    if is_active { "Active" } else { "Inactive" }
}

/// Whether the word says that something works. That it is one of the two, the model checks.
pub(crate) fn is_active(status: &str) -> bool {
    status == "Active"
}

/// What must be taken from a user before it can go, if anything, in the words of `DeleteConflict`.
pub(crate) fn left(view: &View, user: &UserRecord) -> Result<Option<&'static str>, IamError> {
    for (is_held, what) in [
        (passwords::has_password(view, user)?, "delete login profile"),
        (mfa::has_devices(view, user)?, "delete MFA device"),
        (certificates::has_signing_certificates(view, user)?, "delete signing certificates"),
        (ssh_keys::has_ssh_keys(view, user)?, "delete SSH public keys"),
        (service_credentials::has_service_credentials(view, user)?, "delete service specific credentials"),
    ] {
        if is_held {
            return Ok(Some(what));
        }
    }
    Ok(None)
}

/// The user that a call names, or else the one that calls.
pub(crate) fn user_of(name: Option<&str>, view: &View, cx: &Cx) -> Result<UserRecord, IamError> {
    match (name, &cx.call.caller.principal) {
        (Some(name), _) => find(view, &cx.account, name),
        (None, Principal::User { name, .. }) => find(view, &cx.account, name),
        (None, _) => {
            let text = "Must specify userName when calling with non-User credentials";
            Err(IamError::Validation(text.to_owned()))
        }
    }
}

/// The user with this unique id, which may have gone meanwhile.
pub(crate) fn user_with_id(view: &View, id: &str) -> Result<Option<UserRecord>, IamError> {
    Ok(view.by_index::<UserRecord>("id", id.to_owned(), None, 1)?.pop())
}

/// What an action on something with the ARN `arn` needs. What is no ARN of the caller's account is still named, so that
/// only policies for everything allow it.
pub(crate) fn need_on(action: &'static str, kind: &str, path_and_name: &str, scope: &Scope) -> Need {
    let account = scope.account.as_ref().map_or("", AccountId::as_str);
    Need::on(action, Arn::new("iam", "", account, &format!("{kind}{path_and_name}")))
}

/// Refuses what is one too many. Source of the text: what AWS answers for access keys.
pub(crate) fn within_quota(count: usize, most: usize, quota: &str) -> Result<(), IamError> {
    if count < most {
        return Ok(());
    }
    Err(IamError::LimitExceeded(format!("Cannot exceed quota for {quota}: {most}")))
}
