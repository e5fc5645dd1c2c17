//! `iam:UpdateGroup`: another name, another path. Policies and members go with the name in the same commit.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateGroup.html>.

use api::iam::{UpdateGroup, UpdateGroupRequest};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, Record, View};

use super::get::{find, need};
use super::{GroupRecord, MembershipRecord};
use crate::names::folded;
use crate::{Iam, IamError, needs, policies};

/// Most members that move with a group: each is four writes of one commit.
const MAX_MEMBERS: usize = store::limits::MAX_WRITES / 4 - 100;

impl Operation<Iam> for UpdateGroup {
    type Error = IamError;

    /// "You must have permission on both the source and target objects."
    fn needs(input: &UpdateGroupRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let source = need("iam:UpdateGroup", &input.group_name, view, scope)?;
        if input.new_path.is_none() && input.new_group_name.is_none() {
            return Ok(vec![source]);
        }
        let stored = match &scope.account {
            Some(account) => view.get::<GroupRecord>(&(account.clone(), folded(&input.group_name)))?,
            None => None,
        };
        let old_path = stored.map_or_else(|| "/".to_owned(), |group| group.path);
        let path = input.new_path.as_deref().unwrap_or(&old_path);
        let name = input.new_group_name.as_deref().unwrap_or(&input.group_name);
        Ok(vec![source, needs::on("iam:UpdateGroup", scope, &format!("group{path}{name}"))])
    }

    fn apply(input: &UpdateGroupRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let old = find(view, &cx.account, &input.group_name)?;
        let group = GroupRecord {
            name: input.new_group_name.clone().unwrap_or_else(|| old.name.clone()),
            path: input.new_path.clone().unwrap_or_else(|| old.path.clone()),
            ..old.clone()
        };
        let mut changes = Changes::new();
        if group == old {
            return Ok(Applied::with((), changes));
        }
        let (new_key, old_key) = (group.key(), old.key());
        if new_key != old_key {
            if view.contains::<GroupRecord>(&new_key)? {
                return Err(IamError::taken("Group", &group.name));
            }
            changes.delete::<GroupRecord>(&old_key);
            policies::move_owner(view, &mut changes, &cx.account, &old.owner(), &group.owner())?;
            let members = view.by_index::<MembershipRecord>("group", old_key, None, MAX_MEMBERS)?;
            if members.len() == MAX_MEMBERS {
                let text = format!("A group of {MAX_MEMBERS} users or more cannot be renamed.");
                return Err(IamError::refused("EntityTemporarilyUnmodifiable", 409, text));
            }
            for member in members {
                changes.delete::<MembershipRecord>(&member.key());
                changes.put(&MembershipRecord { group: folded(&group.name), ..member })?;
            }
        }
        changes.put(&group)?;
        Ok(Applied::with((), changes))
    }
}
