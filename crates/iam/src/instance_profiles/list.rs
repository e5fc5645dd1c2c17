//! `iam:ListInstanceProfiles`, `iam:ListInstanceProfilesForRole`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListInstanceProfiles.html>.

use api::iam::{
    InstanceProfile, ListInstanceProfiles, ListInstanceProfilesForRole, ListInstanceProfilesForRoleRequest,
    ListInstanceProfilesForRoleResponse, ListInstanceProfilesRequest, ListInstanceProfilesResponse,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Record, View};

use super::InstanceProfileRecord;
use super::get::shown;
use crate::names::folded;
use crate::paging::Page;
use crate::{Iam, IamError, needs, roles};

impl Operation<Iam> for ListInstanceProfiles {
    type Error = IamError;

    fn needs(input: &ListInstanceProfilesRequest, _view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(needs::listing("iam:ListInstanceProfiles", scope, "instance-profile", input.path_prefix.as_deref()))
    }

    fn apply(
        input: &ListInstanceProfilesRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListInstanceProfilesResponse>, IamError> {
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        let page = Page::read(cx, "ListInstanceProfiles", &[prefix], input.max_items, input.marker.as_deref())?;
        let keep = |profile: &InstanceProfileRecord| profile.path.starts_with(prefix);
        let page = page.scan(view, &cx.account, name, keep)?;
        let (is_truncated, marker) = (page.is_truncated(), page.marker);
        let instance_profiles = page.items.iter().map(|profile| listed(view, profile)).collect::<Result<_, _>>()?;
        Ok(Applied::read(ListInstanceProfilesResponse { instance_profiles, is_truncated, marker }))
    }
}

impl Operation<Iam> for ListInstanceProfilesForRole {
    type Error = IamError;

    fn needs(input: &ListInstanceProfilesForRoleRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![roles::need("iam:ListInstanceProfilesForRole", &input.role_name, view, scope)?])
    }

    fn apply(
        input: &ListInstanceProfilesForRoleRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListInstanceProfilesForRoleResponse>, IamError> {
        let role = roles::find(view, &cx.account, &input.role_name)?;
        let scope = [role.id.as_str()];
        let page = Page::read(cx, "ListInstanceProfilesForRole", &scope, input.max_items, input.marker.as_deref())?;
        let key = |name: &str| (cx.account.clone(), name.to_owned());
        let page = page.of_index(view, "role", role.key(), name, key, |_| true)?;
        let (is_truncated, marker) = (page.is_truncated(), page.marker);
        let instance_profiles = page.items.iter().map(|profile| listed(view, profile)).collect::<Result<_, _>>()?;
        Ok(Applied::read(ListInstanceProfilesForRoleResponse { instance_profiles, is_truncated, marker }))
    }
}

fn name(profile: &InstanceProfileRecord) -> String {
    folded(&profile.name)
}

/// An instance profile as lists show it: without tags.
fn listed(view: &View, profile: &InstanceProfileRecord) -> Result<InstanceProfile, IamError> {
    Ok(InstanceProfile { tags: None, ..shown(view, profile)? })
}
