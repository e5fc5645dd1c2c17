//! `iam:PutUserPermissionsBoundary`, `PutRolePermissionsBoundary`, `DeleteUserPermissionsBoundary`,
//! `DeleteRolePermissionsBoundary`: the managed policy that says what a user or a role may do at most.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>.

use api::iam::{
    DeleteRolePermissionsBoundary, DeleteRolePermissionsBoundaryRequest, DeleteUserPermissionsBoundary,
    DeleteUserPermissionsBoundaryRequest, PutRolePermissionsBoundary, PutRolePermissionsBoundaryRequest,
    PutUserPermissionsBoundary, PutUserPermissionsBoundaryRequest,
};
use ids::AccountId;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::managed::{Managed, is_arn};
use super::owner::{Owner, OwnerKind, need, need_to_change};
use crate::{Iam, IamError, RoleRecord, UserRecord};

/// Refuses an ARN that cannot bound a user or a role of `account`.
///
/// # Errors
/// `InvalidInput` for what is no ARN, `NoSuchEntity` for a policy that is not there, `PolicyNotAttachable` for those of
/// roles linked to services, and the store's.
pub(crate) fn check_boundary(view: &View, account: &AccountId, arn: &str) -> Result<(), IamError> {
    let missing = || IamError::NoSuchEntity(format!("Scope ARN: {arn} does not exist or is not attachable."));
    is_arn(arn).map_err(|error| IamError::InvalidInput(error.to_string()))?;
    let policy = Managed::find(view, account, arn)?.ok_or_else(missing)?;
    if policy.path().starts_with("/aws-service-role/") {
        let text = "Cannot use a Service Role Policy as a permissions boundary.";
        return Err(IamError::refused("PolicyNotAttachable", 400, text));
    }
    Ok(())
}

impl Operation<Iam> for PutUserPermissionsBoundary {
    type Error = IamError;

    fn needs(input: &PutUserPermissionsBoundaryRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        // The boundary that is asked for, not the one that is there.
        let need = need("iam:PutUserPermissionsBoundary", OwnerKind::User, &input.user_name, view, scope)?;
        Ok(vec![need.with("iam:PermissionsBoundary", input.permissions_boundary.as_str())])
    }

    fn apply(input: &PutUserPermissionsBoundaryRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let changes = set(OwnerKind::User, &input.user_name, Some(&input.permissions_boundary), view, cx)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for PutRolePermissionsBoundary {
    type Error = IamError;

    fn needs(input: &PutRolePermissionsBoundaryRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let need = need("iam:PutRolePermissionsBoundary", OwnerKind::Role, &input.role_name, view, scope)?;
        Ok(vec![need.with("iam:PermissionsBoundary", input.permissions_boundary.as_str())])
    }

    fn apply(input: &PutRolePermissionsBoundaryRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let changes = set(OwnerKind::Role, &input.role_name, Some(&input.permissions_boundary), view, cx)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for DeleteUserPermissionsBoundary {
    type Error = IamError;

    fn needs(input: &DeleteUserPermissionsBoundaryRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let action = "iam:DeleteUserPermissionsBoundary";
        Ok(vec![need_to_change(action, OwnerKind::User, &input.user_name, view, scope)?])
    }

    fn apply(input: &DeleteUserPermissionsBoundaryRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        Ok(Applied::with((), set(OwnerKind::User, &input.user_name, None, view, cx)?))
    }
}

impl Operation<Iam> for DeleteRolePermissionsBoundary {
    type Error = IamError;

    fn needs(input: &DeleteRolePermissionsBoundaryRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let action = "iam:DeleteRolePermissionsBoundary";
        Ok(vec![need_to_change(action, OwnerKind::Role, &input.role_name, view, scope)?])
    }

    fn apply(input: &DeleteRolePermissionsBoundaryRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        Ok(Applied::with((), set(OwnerKind::Role, &input.role_name, None, view, cx)?))
    }
}

/// Bounds an owner, or takes its boundary away.
fn set(kind: OwnerKind, name: &str, boundary: Option<&str>, view: &View, cx: &Cx) -> Result<Changes, IamError> {
    let owner = Owner::get_to_change(view, &cx.account, kind, name)?;
    match boundary {
        Some(arn) => check_boundary(view, &cx.account, arn)?,
        None if owner.boundary().is_none() => {
            let text = format!("The {} {} has no permissions boundary.", kind.word(), owner.name());
            return Err(IamError::NoSuchEntity(text));
        }
        None => {}
    }
    let boundary = boundary.map(str::to_owned);
    let mut changes = Changes::new();
    match owner {
        Owner::User(user) => changes.put(&UserRecord { boundary, ..user })?,
        Owner::Role(role) => changes.put(&RoleRecord { boundary, ..role })?,
        // A group is not bounded; no operation asks.
        Owner::Group(_) => {}
    }
    Ok(changes)
}
