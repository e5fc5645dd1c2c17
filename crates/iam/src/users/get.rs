//! `iam:GetUser`: a user, or, without a name, the one that asks.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUser.html>.

use api::Principal;
use api::iam::{AttachedPermissionsBoundary, GetUser, GetUserRequest, GetUserResponse, Tag, User};
use ids::Arn;
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::UserRecord;
use crate::names::folded;
use crate::{AccountRecord, Iam, IamError};

impl Operation<Iam> for GetUser {
    type Error = IamError;

    fn needs(input: &GetUserRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:GetUser", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(input: &GetUserRequest, view: &View, cx: &Cx) -> Result<Applied<GetUserResponse>, IamError> {
        let user = match input.user_name.as_deref() {
            Some(name) => find(view, &cx.account, name)?,
            None => match &cx.call.caller.principal {
                Principal::User { name, .. } => find(view, &cx.account, name)?,
                Principal::Root => {
                    return Ok(Applied::read(GetUserResponse { user: root(view, cx)? }));
                }
                _ => {
                    let text = "Must specify userName when calling with non-User credentials";
                    return Err(IamError::Validation(text.to_owned()));
                }
            },
        };
        Ok(Applied::read(GetUserResponse { user: shown(&user) }))
    }
}

/// The root user of the caller's account.
fn root(view: &View, cx: &Cx) -> Result<User, IamError> {
    let account = view.get::<AccountRecord>(&cx.account)?;
    Ok(User {
        user_id: cx.account.to_string(),
        arn: cx.call.caller.arn().unwrap_or_default(),
        create_date: account.map_or(cx.now, |account| account.created),
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
    let (path, tags) = found.as_ref().map_or(("/", [].as_slice()), |user| (&user.path, &user.tags));
    let arn = Arn::new("iam", "", account.as_str(), &format!("user{path}{name}"));
    Ok(Need::on(action, arn).tagged(tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))))
}

/// The user of this name.
pub(crate) fn find(view: &View, account: &ids::AccountId, name: &str) -> Result<UserRecord, IamError> {
    let found = view.get::<UserRecord>(&(account.clone(), folded(name)))?;
    found.ok_or_else(|| IamError::not_found("user", name))
}

/// A user as IAM shows it.
pub(crate) fn shown(user: &UserRecord) -> User {
    let boundary = user.boundary.clone().map(|arn| AttachedPermissionsBoundary {
        permissions_boundary_type: Some("Policy".to_owned()),
        permissions_boundary_arn: Some(arn),
    });
    let tags = user.tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() });
    User {
        path: Some(user.path.clone()),
        user_name: Some(user.name.clone()),
        user_id: user.id.clone(),
        arn: user.arn(),
        create_date: user.created,
        password_last_used: None,
        permissions_boundary: boundary,
        tags: (!user.tags.is_empty()).then(|| tags.collect()),
    }
}
