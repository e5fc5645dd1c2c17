//! `iam:DetachUserPolicy`, `DetachGroupPolicy`, `DetachRolePolicy`: detaches a managed policy.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DetachUserPolicy.html>.

use api::iam::{
    DetachGroupPolicy, DetachGroupPolicyRequest, DetachRolePolicy, DetachRolePolicyRequest, DetachUserPolicy,
    DetachUserPolicyRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::detach;
use crate::policies::owner::{OwnerKind, need_to_change};
use crate::{Iam, IamError};

impl Operation<Iam> for DetachUserPolicy {
    type Error = IamError;

    fn needs(input: &DetachUserPolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let need = need_to_change("iam:DetachUserPolicy", OwnerKind::User, &input.user_name, view, scope)?;
        Ok(vec![need.with("iam:PolicyARN", input.policy_arn.as_str())])
    }

    fn apply(input: &DetachUserPolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        Ok(Applied::with((), detach(OwnerKind::User, &input.user_name, &input.policy_arn, view, cx)?))
    }
}

impl Operation<Iam> for DetachGroupPolicy {
    type Error = IamError;

    fn needs(input: &DetachGroupPolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let need = need_to_change("iam:DetachGroupPolicy", OwnerKind::Group, &input.group_name, view, scope)?;
        Ok(vec![need.with("iam:PolicyARN", input.policy_arn.as_str())])
    }

    fn apply(input: &DetachGroupPolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        Ok(Applied::with((), detach(OwnerKind::Group, &input.group_name, &input.policy_arn, view, cx)?))
    }
}

impl Operation<Iam> for DetachRolePolicy {
    type Error = IamError;

    fn needs(input: &DetachRolePolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let need = need_to_change("iam:DetachRolePolicy", OwnerKind::Role, &input.role_name, view, scope)?;
        Ok(vec![need.with("iam:PolicyARN", input.policy_arn.as_str())])
    }

    fn apply(input: &DetachRolePolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        Ok(Applied::with((), detach(OwnerKind::Role, &input.role_name, &input.policy_arn, view, cx)?))
    }
}
