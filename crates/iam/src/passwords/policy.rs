//! `iam:UpdateAccountPasswordPolicy`, `iam:GetAccountPasswordPolicy` and `iam:DeleteAccountPasswordPolicy`: what an account
//! demands of its users' passwords.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html>.

use std::sync::Arc;

use api::Principal;
use api::iam::{
    DeleteAccountPasswordPolicy, GetAccountPasswordPolicy, GetAccountPasswordPolicyResponse, PasswordPolicy,
    UpdateAccountPasswordPolicy, UpdateAccountPasswordPolicyRequest,
};
use ids::AccountId;
use policy::Kind;
use service::{Applied, Cx, Need, Operation, ResourcePolicy, Scope};
use store::{Changes, View};

use super::record::{PasswordPolicyRecord, policy_of};
use crate::{Iam, IamError};

/// How long passwords are at least where a policy doesn't say.
const DEFAULT_LENGTH: i32 = 6;

impl Operation<Iam> for UpdateAccountPasswordPolicy {
    type Error = IamError;

    fn needs(_: &UpdateAccountPasswordPolicyRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("iam:UpdateAccountPasswordPolicy")])
    }

    fn apply(input: &UpdateAccountPasswordPolicyRequest, _view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let number = |value: Option<i32>| value.and_then(|value| u32::try_from(value).ok()).filter(|value| *value > 0);
        // What is not said is reset, as AWS does: the policy is replaced as a whole.
        let policy = PasswordPolicyRecord {
            account: cx.account.clone(),
            min_length: number(Some(input.minimum_password_length.unwrap_or(DEFAULT_LENGTH))).unwrap_or_default(),
            symbols: input.require_symbols.unwrap_or_default(),
            numbers: input.require_numbers.unwrap_or_default(),
            uppercase: input.require_uppercase_characters.unwrap_or_default(),
            lowercase: input.require_lowercase_characters.unwrap_or_default(),
            users_may_change: input.allow_users_to_change_password.unwrap_or_default(),
            max_age: number(input.max_password_age),
            reuse_prevention: number(input.password_reuse_prevention),
            hard_expiry: input.hard_expiry,
        };
        let mut changes = Changes::new();
        changes.put(&policy)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for GetAccountPasswordPolicy {
    type Error = IamError;

    fn needs((): &(), view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![for_users(Need::any("iam:GetAccountPasswordPolicy"), view, scope)?])
    }

    fn apply((): &(), view: &View, cx: &Cx) -> Result<Applied<GetAccountPasswordPolicyResponse>, IamError> {
        let policy = stored(view, cx)?;
        let number = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
        let password_policy = PasswordPolicy {
            minimum_password_length: Some(number(policy.min_length)),
            require_symbols: Some(policy.symbols),
            require_numbers: Some(policy.numbers),
            require_uppercase_characters: Some(policy.uppercase),
            require_lowercase_characters: Some(policy.lowercase),
            allow_users_to_change_password: Some(policy.users_may_change),
            expire_passwords: Some(policy.max_age.is_some()),
            max_password_age: policy.max_age.map(number),
            password_reuse_prevention: policy.reuse_prevention.map(number),
            hard_expiry: policy.hard_expiry,
        };
        Ok(Applied::read(GetAccountPasswordPolicyResponse { password_policy }))
    }
}

impl Operation<Iam> for DeleteAccountPasswordPolicy {
    type Error = IamError;

    fn needs((): &(), _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("iam:DeleteAccountPasswordPolicy")])
    }

    fn apply((): &(), view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let missing =
            || IamError::NoSuchEntity("The account policy with name PasswordPolicy cannot be found.".to_owned());
        let policy = policy_of(view, &cx.account)?.ok_or_else(missing)?;
        let mut changes = Changes::new();
        changes.delete::<PasswordPolicyRecord>(&policy.account);
        Ok(Applied::with((), changes))
    }
}

fn stored(view: &View, cx: &Cx) -> Result<PasswordPolicyRecord, IamError> {
    let account: &AccountId = &cx.account;
    let text = || format!("The Password Policy with domain name {account} cannot be found.");
    policy_of(view, account)?.ok_or_else(|| IamError::NoSuchEntity(text()))
}

/// The need, which the account's password policy may grant to each of its users: what denies it still does.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_enable-user-change.html>.
pub(super) fn for_users(need: Need, view: &View, scope: &Scope) -> Result<Need, IamError> {
    let (Some(account), Principal::User { .. }) = (&scope.account, &scope.caller.principal) else { return Ok(need) };
    let Some(arn) = scope.caller.arn() else { return Ok(need) };
    if !policy_of(view, account)?.is_some_and(|policy| policy.users_may_change) {
        return Ok(need);
    }
    let (action, resource) = (&need.action, need.resource_text());
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{arn}"}},"Action":"{action}","Resource":"{resource}"}}}}"#
    );
    let policy = ResourcePolicy { document, kind: Kind::Resource, must_allow: false, principals: Vec::new() };
    Ok(need.under(account.clone(), Some(Arc::new(policy))))
}
