//! `iam:AddUserToGroup`, `iam:RemoveUserFromGroup`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddUserToGroup.html>.

use api::iam::{AddUserToGroup, AddUserToGroupRequest, RemoveUserFromGroup, RemoveUserFromGroupRequest};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, KeyPrefix, Record, View};

use super::MembershipRecord;
use super::get::{find, need};
use crate::names::folded;
use crate::{Iam, IamError, counts, users};

/// Most groups of one user.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
const MAX_GROUPS: u16 = 10;

impl Operation<Iam> for AddUserToGroup {
    type Error = IamError;

    fn needs(input: &AddUserToGroupRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:AddUserToGroup", &input.group_name, view, scope)?])
    }

    fn apply(input: &AddUserToGroupRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let user = users::find(view, &cx.account, &input.user_name)?;
        let group = find(view, &cx.account, &input.group_name)?;
        let membership =
            MembershipRecord { account: cx.account.clone(), user: folded(&user.name), group: folded(&group.name) };
        let mut changes = Changes::new();
        if view.contains::<MembershipRecord>(&membership.key())? {
            return Ok(Applied::with((), changes));
        }
        let prefix = KeyPrefix::of((cx.account.clone(), folded(&user.name)));
        if view.scan::<MembershipRecord>(&prefix, None, MAX_GROUPS.into())?.len() >= MAX_GROUPS.into() {
            return Err(counts::over("GroupsPerUser", MAX_GROUPS.into()));
        }
        changes.put(&membership)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for RemoveUserFromGroup {
    type Error = IamError;

    fn needs(input: &RemoveUserFromGroupRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:RemoveUserFromGroup", &input.group_name, view, scope)?])
    }

    fn apply(input: &RemoveUserFromGroupRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let user = users::find(view, &cx.account, &input.user_name)?;
        let group = find(view, &cx.account, &input.group_name)?;
        // Whoever is not in the group is out of it.
        let key = (cx.account.clone(), folded(&user.name), folded(&group.name));
        let mut changes = Changes::new();
        changes.delete::<MembershipRecord>(&key);
        Ok(Applied::with((), changes))
    }
}
