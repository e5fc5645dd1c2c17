//! `iam:GetInstanceProfile`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetInstanceProfile.html>.

use api::iam::{GetInstanceProfile, GetInstanceProfileRequest, GetInstanceProfileResponse, InstanceProfile};
use ids::AccountId;
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::InstanceProfileRecord;
use crate::names::folded;
use crate::{Iam, IamError, RoleRecord, needs, roles, tags};

impl Operation<Iam> for GetInstanceProfile {
    type Error = IamError;

    fn needs(input: &GetInstanceProfileRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:GetInstanceProfile", &input.instance_profile_name, view, scope)?])
    }

    fn apply(
        input: &GetInstanceProfileRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<GetInstanceProfileResponse>, IamError> {
        let profile = find(view, &cx.account, &input.instance_profile_name)?;
        // IAM shows here, and here alone, that there are no tags.
        let tags = tags::even_none_shown(&profile.tags);
        let instance_profile = InstanceProfile { tags, ..shown(view, &profile)? };
        Ok(Applied::read(GetInstanceProfileResponse { instance_profile }))
    }
}

/// What an action on an instance profile needs.
///
/// # Errors
/// The store's.
pub(super) fn need(action: &'static str, name: &str, view: &View, scope: &Scope) -> Result<Need, IamError> {
    let found = match &scope.account {
        Some(account) => view.get::<InstanceProfileRecord>(&(account.clone(), folded(name)))?,
        None => None,
    };
    let Some(profile) = found else { return Ok(needs::on(action, scope, &format!("instance-profile/{name}"))) };
    let need = needs::on(action, scope, &format!("instance-profile{}{}", profile.path, profile.name));
    Ok(needs::with_tags(need, &profile.tags))
}

/// The instance profile of this name.
///
/// # Errors
/// `NoSuchEntity`, and the store's.
pub(super) fn find(view: &View, account: &AccountId, name: &str) -> Result<InstanceProfileRecord, IamError> {
    let found = view.get::<InstanceProfileRecord>(&(account.clone(), folded(name)))?;
    found.ok_or_else(|| IamError::NoSuchEntity(format!("Instance Profile {name} cannot be found.")))
}

/// An instance profile as IAM shows it, with its role.
///
/// # Errors
/// The store's.
pub(crate) fn shown(view: &View, profile: &InstanceProfileRecord) -> Result<InstanceProfile, IamError> {
    let role = match &profile.role {
        Some(role) => view.get::<RoleRecord>(&(profile.account.clone(), role.clone()))?,
        None => None,
    };
    let mut roles = Vec::new();
    if let Some(role) = role {
        let shown = roles::shown(&role, &roles::in_force(view, &role)?);
        roles.push(api::iam::Role {
            description: None,
            max_session_duration: None,
            permissions_boundary: None,
            tags: None,
            ..shown
        });
    }
    Ok(InstanceProfile {
        path: profile.path.clone(),
        instance_profile_name: profile.name.clone(),
        instance_profile_id: profile.id.clone(),
        arn: profile.arn(),
        create_date: profile.created,
        roles,
        tags: tags::all_shown(&profile.tags),
    })
}
