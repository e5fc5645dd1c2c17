//! `iam:UpdateUser`: another name, another path. All that is kept under the name goes with it in the same commit; what is
//! kept under the unique id stays where it is.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateUser.html>.

use api::iam::{UpdateUser, UpdateUserRequest};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, KeyPrefix, View};

use super::UserRecord;
use super::get::{find, need};
use crate::groups::MembershipRecord;
use crate::keys::{KeyOwner, keys_of};
use crate::names::folded;
use crate::{Iam, IamError, needs, policies};

/// Most groups that a user is in, and some more.
const MAX_MEMBERSHIPS: usize = 1000;

impl Operation<Iam> for UpdateUser {
    type Error = IamError;

    /// "You must have permission on both the source and target objects."
    fn needs(input: &UpdateUserRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let source = need("iam:UpdateUser", Some(&input.user_name), view, scope)?;
        if input.new_path.is_none() && input.new_user_name.is_none() {
            return Ok(vec![source]);
        }
        let stored = match &scope.account {
            Some(account) => view.get::<UserRecord>(&(account.clone(), folded(&input.user_name)))?,
            None => None,
        };
        let old_path = stored.map_or_else(|| "/".to_owned(), |user| user.path);
        let path = input.new_path.as_deref().unwrap_or(&old_path);
        let name = input.new_user_name.as_deref().unwrap_or(&input.user_name);
        let target = needs::on("iam:UpdateUser", scope, &format!("user{path}{name}"));
        Ok(vec![source, target])
    }

    fn apply(input: &UpdateUserRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let old = find(view, &cx.account, &input.user_name)?;
        let user = UserRecord {
            name: input.new_user_name.clone().unwrap_or_else(|| old.name.clone()),
            path: input.new_path.clone().unwrap_or_else(|| old.path.clone()),
            ..old.clone()
        };
        let mut changes = Changes::new();
        if user == old {
            return Ok(Applied::with((), changes));
        }
        let is_elsewhere = folded(&user.name) != folded(&old.name);
        if is_elsewhere && view.contains::<UserRecord>(&(cx.account.clone(), folded(&user.name)))? {
            return Err(IamError::taken("User", &user.name));
        }
        if is_elsewhere {
            changes.delete::<UserRecord>(&(cx.account.clone(), folded(&old.name)));
            policies::move_owner(view, &mut changes, &cx.account, &old.owner(), &user.owner())?;
            let prefix = KeyPrefix::of((cx.account.clone(), folded(&old.name)));
            for membership in view.scan::<MembershipRecord>(&prefix, None, MAX_MEMBERSHIPS)? {
                changes.delete::<MembershipRecord>(&store::Record::key(&membership));
                changes.put(&MembershipRecord { user: folded(&user.name), ..membership })?;
            }
        }
        for mut key in keys_of(view, &cx.account, &user.id)? {
            key.owner = KeyOwner::User { name: user.name.clone(), id: user.id.clone() };
            changes.put(&key)?;
        }
        changes.put(&user)?;
        Ok(Applied::with((), changes))
    }
}
