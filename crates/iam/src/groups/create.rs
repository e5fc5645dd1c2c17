//! `iam:CreateGroup`: a group without members.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateGroup.html>.

use api::iam::{CreateGroup, CreateGroupRequest, CreateGroupResponse};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::GroupRecord;
use super::get::shown;
use crate::counts::{self, Counted};
use crate::names::{folded, unique_id};
use crate::{Iam, IamError, needs};

impl Operation<Iam> for CreateGroup {
    type Error = IamError;

    fn needs(input: &CreateGroupRequest, _view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let path = input.path.as_deref().unwrap_or("/");
        Ok(vec![needs::on("iam:CreateGroup", scope, &format!("group{path}{}", input.group_name))])
    }

    fn apply(input: &CreateGroupRequest, view: &View, cx: &Cx) -> Result<Applied<CreateGroupResponse>, IamError> {
        let name = &input.group_name;
        if view.contains::<GroupRecord>(&(cx.account.clone(), folded(name)))? {
            return Err(IamError::taken("Group", name));
        }
        let group = GroupRecord {
            account: cx.account.clone(),
            name: name.clone(),
            path: input.path.clone().unwrap_or_else(|| "/".to_owned()),
            id: unique_id("AGPA", cx.random()),
            created: cx.now,
        };
        let mut changes = Changes::new();
        counts::one_more(view, &mut changes, &cx.account, Counted::Groups)?;
        changes.put(&group)?;
        Ok(Applied::with(CreateGroupResponse { group: shown(group) }, changes))
    }
}
