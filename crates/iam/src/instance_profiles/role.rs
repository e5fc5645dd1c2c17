//! `iam:AddRoleToInstanceProfile`, `iam:RemoveRoleFromInstanceProfile`. A profile has one role at most.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddRoleToInstanceProfile.html>.

use api::iam::{
    AddRoleToInstanceProfile, AddRoleToInstanceProfileRequest, RemoveRoleFromInstanceProfile,
    RemoveRoleFromInstanceProfileRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::get::{find, need};
use crate::names::folded;
use crate::{Iam, IamError, counts, roles};

impl Operation<Iam> for AddRoleToInstanceProfile {
    type Error = IamError;

    /// "The caller of this operation must be granted the PassRole permission on the IAM role".
    fn needs(input: &AddRoleToInstanceProfileRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let add = need("iam:AddRoleToInstanceProfile", &input.instance_profile_name, view, scope)?;
        let pass = roles::need("iam:PassRole", &input.role_name, view, scope)?;
        Ok(vec![add, pass.with("iam:PassedToService", "ec2.amazonaws.com")])
    }

    fn apply(input: &AddRoleToInstanceProfileRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let mut profile = find(view, &cx.account, &input.instance_profile_name)?;
        let role = roles::find(view, &cx.account, &input.role_name)?;
        roles::check_own(&role)?;
        if profile.role.is_some() {
            return Err(counts::over("InstanceSessionsPerInstanceProfile", 1));
        }
        profile.role = Some(folded(&role.name));
        let mut changes = Changes::new();
        changes.put(&profile)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for RemoveRoleFromInstanceProfile {
    type Error = IamError;

    fn needs(input: &RemoveRoleFromInstanceProfileRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:RemoveRoleFromInstanceProfile", &input.instance_profile_name, view, scope)?])
    }

    fn apply(input: &RemoveRoleFromInstanceProfileRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let mut profile = find(view, &cx.account, &input.instance_profile_name)?;
        let role = roles::find(view, &cx.account, &input.role_name)?;
        if profile.role != Some(folded(&role.name)) {
            return Err(IamError::NoSuchEntity(format!(
                "Role {} in Instance Profile {} cannot be found.",
                role.name, profile.name
            )));
        }
        profile.role = None;
        let mut changes = Changes::new();
        changes.put(&profile)?;
        Ok(Applied::with((), changes))
    }
}
