//! `iam:DeleteGroup`: only of a group without members and policies.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteGroup.html>.

use api::iam::{DeleteGroup, DeleteGroupRequest};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, Record, View};

use super::get::{find, need};
use super::{GroupRecord, MembershipRecord};
use crate::counts::{self, Counted};
use crate::{Iam, IamError, policies};

impl Operation<Iam> for DeleteGroup {
    type Error = IamError;

    fn needs(input: &DeleteGroupRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:DeleteGroup", &input.group_name, view, scope)?])
    }

    fn apply(input: &DeleteGroupRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let group = find(view, &cx.account, &input.group_name)?;
        let mut left = policies::left(view, &cx.account, &group.owner())?;
        if left.is_none() && !view.by_index::<MembershipRecord>("group", group.key(), None, 1)?.is_empty() {
            left = Some("remove users from group");
        }
        if let Some(what) = left {
            return Err(IamError::DeleteConflict(format!("Cannot delete entity, must {what} first.")));
        }
        let mut changes = Changes::new();
        changes.delete::<GroupRecord>(&group.key());
        counts::one_less(view, &mut changes, &cx.account, Counted::Groups)?;
        Ok(Applied::with((), changes))
    }
}
