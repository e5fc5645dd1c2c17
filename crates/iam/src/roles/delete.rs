//! `iam:DeleteRole`: only of a role that nothing hangs on any more. Its sessions end with it.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>.

use api::iam::{DeleteRole, DeleteRoleRequest};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, Record, View};

use super::{RoleRecord, TrustedRecord, check_own, find, need};
use crate::counts::{self, Counted};
use crate::{Iam, IamError, InstanceProfileRecord, KeyUseRecord, access, policies};

impl Operation<Iam> for DeleteRole {
    type Error = IamError;

    fn needs(input: &DeleteRoleRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:DeleteRole", &input.role_name, view, scope)?])
    }

    fn apply(input: &DeleteRoleRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let role = find(view, &cx.account, &input.role_name)?;
        check_own(&role)?;
        let mut left = policies::left(view, &cx.account, &role.owner())?;
        if left.is_none() && !view.by_index::<InstanceProfileRecord>("role", role.key(), None, 1)?.is_empty() {
            left = Some("remove roles from instance profile");
        }
        if let Some(what) = left {
            return Err(IamError::DeleteConflict(format!("Cannot delete entity, must {what} first.")));
        }
        let mut changes = Changes::new();
        remove(view, &mut changes, &role)?;
        Ok(Applied::with((), changes))
    }
}

/// Takes the role away, which has nothing left.
///
/// # Errors
/// The store's.
pub(super) fn remove(view: &View, changes: &mut Changes, role: &RoleRecord) -> Result<(), IamError> {
    changes.delete::<RoleRecord>(&role.key());
    changes.delete::<TrustedRecord>(&role.key());
    changes.delete::<KeyUseRecord>(&role.id);
    access::forget(view, changes, &role.account, &role.id)?;
    counts::one_less(view, changes, &role.account, Counted::Roles)
}
