//! `iam:DeleteUser`: only of a user that nothing hangs on any more.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html>.

use api::iam::{DeleteUser, DeleteUserRequest};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, KeyPrefix, Record, View};

use super::UserRecord;
use super::get::{find, need};
use crate::counts::{self, Counted};
use crate::groups::MembershipRecord;
use crate::keys::keys_of;
use crate::{Iam, IamError, access, holder, policies};

impl Operation<Iam> for DeleteUser {
    type Error = IamError;

    fn needs(input: &DeleteUserRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:DeleteUser", Some(&input.user_name), view, scope)?])
    }

    fn apply(input: &DeleteUserRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let user = find(view, &cx.account, &input.user_name)?;
        if let Some(what) = left(view, &user)? {
            return Err(IamError::DeleteConflict(format!("Cannot delete entity, must {what} first.")));
        }
        let mut changes = Changes::new();
        changes.delete::<UserRecord>(&user.key());
        access::forget(view, &mut changes, &cx.account, &user.id)?;
        counts::one_less(view, &mut changes, &cx.account, Counted::Users)?;
        Ok(Applied::with((), changes))
    }
}

/// What must be done before this user can go, if anything.
fn left(view: &View, user: &UserRecord) -> Result<Option<&'static str>, IamError> {
    if let Some(what) = policies::left(view, &user.account, &user.owner())? {
        return Ok(Some(what));
    }
    if !keys_of(view, &user.account, &user.id)?.is_empty() {
        return Ok(Some("delete access keys"));
    }
    if let Some(what) = holder::left(view, user)? {
        return Ok(Some(what));
    }
    let memberships = KeyPrefix::of((user.account.clone(), crate::names::folded(&user.name)));
    if !view.scan::<MembershipRecord>(&memberships, None, 1)?.is_empty() {
        return Ok(Some("remove users from group"));
    }
    Ok(None)
}
