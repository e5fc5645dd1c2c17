//! `iam:CreateLoginProfile`, `iam:GetLoginProfile`, `iam:UpdateLoginProfile` and `iam:DeleteLoginProfile`: the password of a
//! user, as an administrator gives it and takes it away.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateLoginProfile.html>.

use api::iam::{
    CreateLoginProfile, CreateLoginProfileRequest, CreateLoginProfileResponse, DeleteLoginProfile,
    DeleteLoginProfileRequest, GetLoginProfile, GetLoginProfileRequest, GetLoginProfileResponse, LoginProfile,
    UpdateLoginProfile, UpdateLoginProfileRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::hash::hash;
use super::record::{LoginProfileRecord, PasswordUseRecord, policy_of, profile_of};
use super::rules::check_new;
use crate::holder::user_of;
use crate::users::get::{find, need};
use crate::{Iam, IamError, UserRecord};

impl Operation<Iam> for CreateLoginProfile {
    type Error = IamError;

    fn needs(input: &CreateLoginProfileRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:CreateLoginProfile", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(
        input: &CreateLoginProfileRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<CreateLoginProfileResponse>, IamError> {
        let user = user_of(input.user_name.as_deref(), view, cx)?;
        if profile_of(view, &user)?.is_some() {
            let text = format!("Login Profile for user {} already exists.", user.name);
            return Err(IamError::EntityAlreadyExists(text));
        }
        let Some(password) = &input.password else {
            // Only the root user of an organization's member account has none, through AssumeRoot.
            return Err(IamError::Validation("The parameter Password is required.".to_owned()));
        };
        check_new(policy_of(view, &cx.account)?.as_ref(), password)?;
        let profile = LoginProfileRecord {
            account: cx.account.clone(),
            user: user.id.clone(),
            hash: hash(password, cx.random())?,
            previous: Vec::new(),
            created: cx.now,
            changed: cx.now,
            reset_required: input.password_reset_required.unwrap_or_default(),
        };
        let mut changes = Changes::new();
        changes.put(&profile)?;
        Ok(Applied::with(CreateLoginProfileResponse { login_profile: shown(&user, &profile) }, changes))
    }
}

impl Operation<Iam> for GetLoginProfile {
    type Error = IamError;

    fn needs(input: &GetLoginProfileRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:GetLoginProfile", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(
        input: &GetLoginProfileRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<GetLoginProfileResponse>, IamError> {
        let user = user_of(input.user_name.as_deref(), view, cx)?;
        let profile = profile(view, &user)?;
        Ok(Applied::read(GetLoginProfileResponse { login_profile: shown(&user, &profile) }))
    }
}

impl Operation<Iam> for UpdateLoginProfile {
    type Error = IamError;

    fn needs(input: &UpdateLoginProfileRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:UpdateLoginProfile", Some(&input.user_name), view, scope)?])
    }

    fn apply(input: &UpdateLoginProfileRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let user = find(view, &cx.account, &input.user_name)?;
        let mut profile = profile(view, &user)?;
        if let Some(password) = &input.password {
            check_new(policy_of(view, &cx.account)?.as_ref(), password)?;
            profile.change(hash(password, cx.random())?, cx.now);
        }
        if let Some(is_required) = input.password_reset_required {
            profile.reset_required = is_required;
        }
        let mut changes = Changes::new();
        changes.put(&profile)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for DeleteLoginProfile {
    type Error = IamError;

    fn needs(input: &DeleteLoginProfileRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:DeleteLoginProfile", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(input: &DeleteLoginProfileRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let user = user_of(input.user_name.as_deref(), view, cx)?;
        let profile = profile(view, &user)?;
        let mut changes = Changes::new();
        let key = (cx.account.clone(), profile.user);
        changes.delete::<LoginProfileRecord>(&key);
        changes.delete::<PasswordUseRecord>(&key);
        Ok(Applied::with((), changes))
    }
}

/// Whether a user has a password: such a user cannot be deleted.
pub(crate) fn has_password(view: &View, user: &UserRecord) -> Result<bool, IamError> {
    Ok(profile_of(view, user)?.is_some())
}

fn profile(view: &View, user: &UserRecord) -> Result<LoginProfileRecord, IamError> {
    let text = || IamError::NoSuchEntity(format!("Login Profile for User {} cannot be found.", user.name));
    profile_of(view, user)?.ok_or_else(text)
}

fn shown(user: &UserRecord, profile: &LoginProfileRecord) -> LoginProfile {
    LoginProfile {
        user_name: user.name.clone(),
        create_date: profile.created,
        password_reset_required: Some(profile.reset_required),
    }
}
