//! `iam:UpdateRole`, `iam:UpdateRoleDescription`, `iam:UpdateAssumeRolePolicy`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html>.

use api::iam::{
    Role, UpdateAssumeRolePolicy, UpdateAssumeRolePolicyRequest, UpdateRole, UpdateRoleDescription,
    UpdateRoleDescriptionRequest, UpdateRoleDescriptionResponse, UpdateRoleRequest, UpdateRoleResponse,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::create::seconds;
use super::{check_own, find, in_force, need, shown, trust};
use crate::{Iam, IamError};

impl Operation<Iam> for UpdateRole {
    type Error = IamError;

    fn needs(input: &UpdateRoleRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:UpdateRole", &input.role_name, view, scope)?])
    }

    /// What is not given stays as it is, whatever AWS's page says of a default: so AWS itself does it.
    fn apply(input: &UpdateRoleRequest, view: &View, cx: &Cx) -> Result<Applied<UpdateRoleResponse>, IamError> {
        let mut role = find(view, &cx.account, &input.role_name)?;
        if input.max_session_duration.is_some() {
            check_own(&role)?;
        }
        if input.max_session_duration.is_some() {
            role.max_session = seconds(input.max_session_duration);
        }
        role.description = input.description.clone().or(role.description);
        let mut changes = Changes::new();
        changes.put(&role)?;
        Ok(Applied::with(UpdateRoleResponse {}, changes))
    }
}

impl Operation<Iam> for UpdateRoleDescription {
    type Error = IamError;

    fn needs(input: &UpdateRoleDescriptionRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:UpdateRoleDescription", &input.role_name, view, scope)?])
    }

    fn apply(
        input: &UpdateRoleDescriptionRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<UpdateRoleDescriptionResponse>, IamError> {
        let mut role = find(view, &cx.account, &input.role_name)?;
        role.description = Some(input.description.clone());
        let mut changes = Changes::new();
        changes.put(&role)?;
        let role = Some(Role { max_session_duration: None, ..shown(&role, &in_force(view, &role)?) });
        Ok(Applied::with(UpdateRoleDescriptionResponse { role }, changes))
    }
}

impl Operation<Iam> for UpdateAssumeRolePolicy {
    type Error = IamError;

    fn needs(input: &UpdateAssumeRolePolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:UpdateAssumeRolePolicy", &input.role_name, view, scope)?])
    }

    fn apply(input: &UpdateAssumeRolePolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let mut role = find(view, &cx.account, &input.role_name)?;
        check_own(&role)?;
        let mut changes = Changes::new();
        trust::set(view, &mut changes, &mut role, &input.policy_document)?;
        changes.put(&role)?;
        Ok(Applied::with((), changes))
    }
}
