//! `iam:ChangePassword`: a user's own password, by whoever knows it.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ChangePassword.html>.

use api::Principal;
use api::iam::{ChangePassword, ChangePasswordRequest};
use jiff::Timestamp;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::hash::{hash, is_hash_of};
use super::policy::for_users;
use super::record::{LoginProfileRecord, PasswordPolicyRecord, policy_of, profile_of};
use super::rules::check_change;
use crate::guesses::Pace;
use crate::users::get::{find, need};
use crate::{Iam, IamError};

/// Whoever has a user's access key could guess at its password here.
const GUESSES: Pace = Pace::slow("password");

impl Operation<Iam> for ChangePassword {
    type Error = IamError;

    fn needs(_: &ChangePasswordRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![for_users(need("iam:ChangePassword", None, view, scope)?, view, scope)?])
    }

    fn apply(input: &ChangePasswordRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let Principal::User { name, .. } = &cx.call.caller.principal else {
            let text = "Only IAM Users can change their own password";
            return Err(IamError::refused("InvalidUserType", 400, text));
        };
        let user = find(view, &cx.account, name)?;
        let text = || IamError::NoSuchEntity(format!("Login Profile for User {} cannot be found.", user.name));
        let profile = profile_of(view, &user)?.ok_or_else(text)?;
        let wrong = || IamError::AccessDenied("The old password was incorrect.".to_owned());
        if GUESSES.wait(view, &user.id, cx.now)?.is_some() {
            return Err(wrong());
        }
        if !is_hash_of(&profile.hash, &input.old_password)? {
            let mut changes = Changes::new();
            GUESSES.wrong(view, &mut changes, &user.id, cx.now)?;
            cx.despite.add(changes);
            return Err(wrong());
        }
        let policy = policy_of(view, &cx.account)?;
        let profile = changed(profile, policy.as_ref(), &input.new_password, (cx.random(), cx.now))?;
        let mut changes = Changes::new();
        GUESSES.right(view, &mut changes, &user.id)?;
        changes.put(&profile)?;
        Ok(Applied::with((), changes))
    }
}

/// The profile with another password, if the account takes it.
///
/// # Errors
/// `PasswordPolicyViolation`.
pub(crate) fn changed(
    mut profile: LoginProfileRecord,
    policy: Option<&PasswordPolicyRecord>,
    password: &str,
    (salt, now): ([u8; 16], Timestamp),
) -> Result<LoginProfileRecord, IamError> {
    check_change(policy, &profile, password)?;
    profile.change(hash(password, salt)?, now);
    Ok(profile)
}
