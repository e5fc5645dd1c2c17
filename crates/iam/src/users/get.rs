//! `iam:GetUser`: a user, or, without a name, the one that asks.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUser.html>.

use api::Principal;
use api::iam::{AttachedPermissionsBoundary, GetUser, GetUserRequest, GetUserResponse, User};
use ids::AccountId;
use jiff::Timestamp;
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::UserRecord;
use crate::names::folded;
use crate::{AccountRecord, Iam, IamError, needs, passwords, tags};

impl Operation<Iam> for GetUser {
    type Error = IamError;

    fn needs(input: &GetUserRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:GetUser", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(input: &GetUserRequest, view: &View, cx: &Cx) -> Result<Applied<GetUserResponse>, IamError> {
        let user = match holder(view, cx, input.user_name.as_deref())? {
            Holder::User(user) => {
                let password_last_used = passwords::last_used(view, &user)?;
                User { password_last_used, ..shown(&user) }
            }
            Holder::Root => root_of(view, &cx.account, cx.now)?,
        };
        Ok(Applied::read(GetUserResponse { user }))
    }
}

/// The root user of an account.
pub(crate) fn root_of(view: &View, id: &AccountId, now: Timestamp) -> Result<User, IamError> {
    let account = view.get::<AccountRecord>(id)?;
    Ok(User {
        user_id: id.to_string(),
        arn: format!("arn:aws:iam::{id}:root"),
        create_date: account.map_or(now, |account| account.created),
        ..User::default()
    })
}

/// What an action on a user needs; on the caller itself, if no name is given.
pub(crate) fn need(action: &'static str, name: Option<&str>, view: &View, scope: &Scope) -> Result<Need, IamError> {
    let Some(account) = &scope.account else { return Ok(Need::any(action)) };
    let own = match &scope.caller.principal {
        Principal::User { name, .. } => Some(name.as_str()),
        _ => None,
    };
    let Some(name) = name.or(own) else { return Ok(Need::any(action)) };
    let found = view.get::<UserRecord>(&(account.clone(), folded(name)))?;
    let Some(user) = found else { return Ok(needs::on(action, scope, &format!("user/{name}"))) };
    let need = needs::on(action, scope, &format!("user{}{}", user.path, user.name));
    Ok(needs::with_tags(need, &user.tags))
}

/// The user of this name.
pub(crate) fn find(view: &View, account: &ids::AccountId, name: &str) -> Result<UserRecord, IamError> {
    let found = view.get::<UserRecord>(&(account.clone(), folded(name)))?;
    found.ok_or_else(|| IamError::not_found("user", name))
}

/// A user as IAM shows it.
pub(crate) fn shown(user: &UserRecord) -> User {
    User {
        path: Some(user.path.clone()),
        user_name: Some(user.name.clone()),
        user_id: user.id.clone(),
        arn: user.arn(),
        create_date: user.created,
        password_last_used: None,
        permissions_boundary: user.boundary.clone().map(boundary),
        tags: tags::all_shown(&user.tags),
    }
}

/// A boundary as IAM shows it.
pub(crate) fn boundary(arn: String) -> AttachedPermissionsBoundary {
    AttachedPermissionsBoundary {
        permissions_boundary_type: Some("Policy".to_owned()),
        permissions_boundary_arn: Some(arn),
    }
}

/// Whom an operation on access keys and the like is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holder {
    /// The root user of the account.
    Root,
    /// A user.
    User(UserRecord),
}

/// The user of this name; without a name the caller.
///
/// # Errors
/// `NoSuchEntity`; `ValidationError` where no name is given and the caller is neither a user nor root.
pub(crate) fn holder(view: &View, cx: &Cx, name: Option<&str>) -> Result<Holder, IamError> {
    let name = match (name, &cx.call.caller.principal) {
        (Some(name), _) => name,
        (None, Principal::User { name, .. }) => name.as_str(),
        (None, Principal::Root) => return Ok(Holder::Root),
        (None, _) => {
            let text = "Must specify userName when calling with non-User credentials";
            return Err(IamError::Validation(text.to_owned()));
        }
    };
    find(view, &cx.account, name).map(Holder::User)
}
