//! `iam:PutUserPolicy`, `PutGroupPolicy`, `PutRolePolicy`: writes an inline policy, new or in place of the old one.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPolicy.html>.

use api::iam::{
    PutGroupPolicy, PutGroupPolicyRequest, PutRolePolicy, PutRolePolicyRequest, PutUserPolicy, PutUserPolicyRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::put;
use crate::policies::owner::{OwnerKind, need_to_change};
use crate::{Iam, IamError};

impl Operation<Iam> for PutUserPolicy {
    type Error = IamError;

    fn needs(input: &PutUserPolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need_to_change("iam:PutUserPolicy", OwnerKind::User, &input.user_name, view, scope)?])
    }

    fn apply(input: &PutUserPolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let policy = (input.user_name.as_str(), input.policy_name.as_str(), input.policy_document.as_str());
        Ok(Applied::with((), put(OwnerKind::User, policy, view, cx)?))
    }
}

impl Operation<Iam> for PutGroupPolicy {
    type Error = IamError;

    fn needs(input: &PutGroupPolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need_to_change("iam:PutGroupPolicy", OwnerKind::Group, &input.group_name, view, scope)?])
    }

    fn apply(input: &PutGroupPolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let policy = (input.group_name.as_str(), input.policy_name.as_str(), input.policy_document.as_str());
        Ok(Applied::with((), put(OwnerKind::Group, policy, view, cx)?))
    }
}

impl Operation<Iam> for PutRolePolicy {
    type Error = IamError;

    fn needs(input: &PutRolePolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need_to_change("iam:PutRolePolicy", OwnerKind::Role, &input.role_name, view, scope)?])
    }

    fn apply(input: &PutRolePolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let policy = (input.role_name.as_str(), input.policy_name.as_str(), input.policy_document.as_str());
        Ok(Applied::with((), put(OwnerKind::Role, policy, view, cx)?))
    }
}
