//! `iam:GetRole`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html>.

use api::iam::{GetRole, GetRoleRequest, GetRoleResponse, Role, RoleLastUsed};
use ids::AccountId;
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::{RoleRecord, in_force};
use crate::names::folded;
use crate::policies::encode::encoded;
use crate::{Iam, IamError, needs, tags, users};

impl Operation<Iam> for GetRole {
    type Error = IamError;

    fn needs(input: &GetRoleRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:GetRole", &input.role_name, view, scope)?])
    }

    fn apply(input: &GetRoleRequest, view: &View, cx: &Cx) -> Result<Applied<GetRoleResponse>, IamError> {
        let role = find(view, &cx.account, &input.role_name)?;
        let role_last_used = crate::uses::last_use(view, &role.id)?.map_or_else(RoleLastUsed::default, |used| {
            RoleLastUsed { last_used_date: Some(used.used), region: Some(used.region) }
        });
        let role = shown(&role, &in_force(view, &role)?);
        let role = Role { role_last_used: Some(role_last_used), ..role };
        Ok(Applied::read(GetRoleResponse { role }))
    }
}

/// What an action on a role needs.
///
/// # Errors
/// The store's.
pub(crate) fn need(action: &'static str, name: &str, view: &View, scope: &Scope) -> Result<Need, IamError> {
    let found = match &scope.account {
        Some(account) => view.get::<RoleRecord>(&(account.clone(), folded(name)))?,
        None => None,
    };
    let Some(role) = found else { return Ok(needs::on(action, scope, &format!("role/{name}"))) };
    let need = needs::on(action, scope, &format!("role{}{}", role.path, role.name));
    Ok(needs::with_tags(need, &role.tags))
}

/// The role of this name.
///
/// # Errors
/// `NoSuchEntity`, and the store's.
pub(crate) fn find(view: &View, account: &AccountId, name: &str) -> Result<RoleRecord, IamError> {
    let found = view.get::<RoleRecord>(&(account.clone(), folded(name)))?;
    found.ok_or_else(|| IamError::not_found("role", name))
}

/// A role as IAM shows it, with its trust policy as [`in_force`] gives it.
pub(crate) fn shown(role: &RoleRecord, trust: &str) -> Role {
    Role {
        path: role.path.clone(),
        role_name: role.name.clone(),
        role_id: role.id.clone(),
        arn: role.arn(),
        create_date: role.created,
        assume_role_policy_document: Some(encoded(trust)),
        description: role.description.clone(),
        max_session_duration: i32::try_from(role.max_session).ok(),
        permissions_boundary: role.boundary.clone().map(users::boundary),
        tags: tags::all_shown(&role.tags),
        role_last_used: None,
        source_role_template: None,
    }
}
