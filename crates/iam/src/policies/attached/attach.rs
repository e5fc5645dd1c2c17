//! `iam:AttachUserPolicy`, `AttachGroupPolicy`, `AttachRolePolicy`: attaches a managed policy.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachUserPolicy.html>.

use api::iam::{
    AttachGroupPolicy, AttachGroupPolicyRequest, AttachRolePolicy, AttachRolePolicyRequest, AttachUserPolicy,
    AttachUserPolicyRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::attach;
use crate::policies::owner::{OwnerKind, need_to_change};
use crate::{Iam, IamError};

impl Operation<Iam> for AttachUserPolicy {
    type Error = IamError;

    fn needs(input: &AttachUserPolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let need = need_to_change("iam:AttachUserPolicy", OwnerKind::User, &input.user_name, view, scope)?;
        Ok(vec![need.with("iam:PolicyARN", input.policy_arn.as_str())])
    }

    fn apply(input: &AttachUserPolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        Ok(Applied::with((), attach(OwnerKind::User, &input.user_name, &input.policy_arn, view, cx)?))
    }
}

impl Operation<Iam> for AttachGroupPolicy {
    type Error = IamError;

    fn needs(input: &AttachGroupPolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let need = need_to_change("iam:AttachGroupPolicy", OwnerKind::Group, &input.group_name, view, scope)?;
        Ok(vec![need.with("iam:PolicyARN", input.policy_arn.as_str())])
    }

    fn apply(input: &AttachGroupPolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        Ok(Applied::with((), attach(OwnerKind::Group, &input.group_name, &input.policy_arn, view, cx)?))
    }
}

impl Operation<Iam> for AttachRolePolicy {
    type Error = IamError;

    fn needs(input: &AttachRolePolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let need = need_to_change("iam:AttachRolePolicy", OwnerKind::Role, &input.role_name, view, scope)?;
        Ok(vec![need.with("iam:PolicyARN", input.policy_arn.as_str())])
    }

    fn apply(input: &AttachRolePolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        Ok(Applied::with((), attach(OwnerKind::Role, &input.role_name, &input.policy_arn, view, cx)?))
    }
}
