//! `iam:ListUsers`: the users of the account, in the order of their names.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html>.

use api::iam::{ListUsers, ListUsersRequest, ListUsersResponse, User};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::UserRecord;
use super::get::shown;
use crate::names::folded;
use crate::paging::Page;
use crate::{Iam, IamError, needs, passwords};

impl Operation<Iam> for ListUsers {
    type Error = IamError;

    fn needs(input: &ListUsersRequest, _view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(needs::listing("iam:ListUsers", scope, "user", input.path_prefix.as_deref()))
    }

    fn apply(input: &ListUsersRequest, view: &View, cx: &Cx) -> Result<Applied<ListUsersResponse>, IamError> {
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        let page = Page::read(cx, "ListUsers", &[prefix], input.max_items, input.marker.as_deref())?;
        let name = |user: &UserRecord| folded(&user.name);
        let users = page.scan(view, &cx.account, name, |user: &UserRecord| user.path.starts_with(prefix))?;
        let (is_truncated, marker) = (users.is_truncated(), users.marker);
        let users = users.items.iter().map(|user| listed(view, user)).collect::<Result<_, _>>()?;
        Ok(Applied::read(ListUsersResponse { users, is_truncated, marker }))
    }
}

/// A user as lists show it: without boundary and tags.
///
/// # Errors
/// The store's.
pub(crate) fn listed(view: &View, user: &UserRecord) -> Result<User, IamError> {
    let password_last_used = passwords::last_used(view, user)?;
    Ok(User { password_last_used, permissions_boundary: None, tags: None, ..shown(user) })
}
