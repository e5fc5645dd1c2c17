//! `iam:DeleteUserPolicy`, `DeleteGroupPolicy`, `DeleteRolePolicy`: takes an inline policy away.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUserPolicy.html>.

use api::iam::{
    DeleteGroupPolicy, DeleteGroupPolicyRequest, DeleteRolePolicy, DeleteRolePolicyRequest, DeleteUserPolicy,
    DeleteUserPolicyRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::delete;
use crate::policies::owner::{OwnerKind, need_to_change};
use crate::{Iam, IamError};

impl Operation<Iam> for DeleteUserPolicy {
    type Error = IamError;

    fn needs(input: &DeleteUserPolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need_to_change("iam:DeleteUserPolicy", OwnerKind::User, &input.user_name, view, scope)?])
    }

    fn apply(input: &DeleteUserPolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        Ok(Applied::with((), delete(OwnerKind::User, &input.user_name, &input.policy_name, view, cx)?))
    }
}

impl Operation<Iam> for DeleteGroupPolicy {
    type Error = IamError;

    fn needs(input: &DeleteGroupPolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need_to_change("iam:DeleteGroupPolicy", OwnerKind::Group, &input.group_name, view, scope)?])
    }

    fn apply(input: &DeleteGroupPolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        Ok(Applied::with((), delete(OwnerKind::Group, &input.group_name, &input.policy_name, view, cx)?))
    }
}

impl Operation<Iam> for DeleteRolePolicy {
    type Error = IamError;

    fn needs(input: &DeleteRolePolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need_to_change("iam:DeleteRolePolicy", OwnerKind::Role, &input.role_name, view, scope)?])
    }

    fn apply(input: &DeleteRolePolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        Ok(Applied::with((), delete(OwnerKind::Role, &input.role_name, &input.policy_name, view, cx)?))
    }
}
