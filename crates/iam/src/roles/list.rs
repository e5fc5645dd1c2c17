//! `iam:ListRoles`: the roles of the account, in the order of their names.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html>.

use api::iam::{ListRoles, ListRolesRequest, ListRolesResponse, Role};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::{RoleRecord, in_force, shown};
use crate::names::folded;
use crate::paging::Page;
use crate::{Iam, IamError, needs};

impl Operation<Iam> for ListRoles {
    type Error = IamError;

    fn needs(input: &ListRolesRequest, _view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(needs::listing("iam:ListRoles", scope, "role", input.path_prefix.as_deref()))
    }

    fn apply(input: &ListRolesRequest, view: &View, cx: &Cx) -> Result<Applied<ListRolesResponse>, IamError> {
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        let page = Page::read(cx, "ListRoles", &[prefix], input.max_items, input.marker.as_deref())?;
        let name = |role: &RoleRecord| folded(&role.name);
        let page = page.scan(view, &cx.account, name, |role: &RoleRecord| role.path.starts_with(prefix))?;
        let (is_truncated, marker) = (page.is_truncated(), page.marker);
        let roles = page.items.iter().map(|role| listed(view, role)).collect::<Result<_, _>>()?;
        Ok(Applied::read(ListRolesResponse { roles, is_truncated, marker }))
    }
}

/// A role as lists show it: without boundary, tags and last use.
fn listed(view: &View, role: &RoleRecord) -> Result<Role, IamError> {
    let shown = shown(role, &in_force(view, role)?);
    Ok(Role { permissions_boundary: None, tags: None, role_last_used: None, ..shown })
}
