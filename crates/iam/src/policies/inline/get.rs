//! `iam:GetUserPolicy`, `GetGroupPolicy`, `GetRolePolicy`: an inline policy with its document.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUserPolicy.html>.

use api::iam::{
    GetGroupPolicy, GetGroupPolicyRequest, GetGroupPolicyResponse, GetRolePolicy, GetRolePolicyRequest,
    GetRolePolicyResponse, GetUserPolicy, GetUserPolicyRequest, GetUserPolicyResponse,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::find;
use crate::policies::encode::encoded;
use crate::policies::owner::{OwnerKind, need};
use crate::{Iam, IamError};

impl Operation<Iam> for GetUserPolicy {
    type Error = IamError;

    fn needs(input: &GetUserPolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:GetUserPolicy", OwnerKind::User, &input.user_name, view, scope)?])
    }

    fn apply(input: &GetUserPolicyRequest, view: &View, cx: &Cx) -> Result<Applied<GetUserPolicyResponse>, IamError> {
        let (owner, policy) = find(OwnerKind::User, &input.user_name, &input.policy_name, view, cx)?;
        Ok(Applied::read(GetUserPolicyResponse {
            user_name: owner.name().to_owned(),
            policy_name: policy.name,
            policy_document: encoded(&policy.document),
        }))
    }
}

impl Operation<Iam> for GetGroupPolicy {
    type Error = IamError;

    fn needs(input: &GetGroupPolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:GetGroupPolicy", OwnerKind::Group, &input.group_name, view, scope)?])
    }

    fn apply(input: &GetGroupPolicyRequest, view: &View, cx: &Cx) -> Result<Applied<GetGroupPolicyResponse>, IamError> {
        let (owner, policy) = find(OwnerKind::Group, &input.group_name, &input.policy_name, view, cx)?;
        Ok(Applied::read(GetGroupPolicyResponse {
            group_name: owner.name().to_owned(),
            policy_name: policy.name,
            policy_document: encoded(&policy.document),
        }))
    }
}

impl Operation<Iam> for GetRolePolicy {
    type Error = IamError;

    fn needs(input: &GetRolePolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:GetRolePolicy", OwnerKind::Role, &input.role_name, view, scope)?])
    }

    fn apply(input: &GetRolePolicyRequest, view: &View, cx: &Cx) -> Result<Applied<GetRolePolicyResponse>, IamError> {
        let (owner, policy) = find(OwnerKind::Role, &input.role_name, &input.policy_name, view, cx)?;
        Ok(Applied::read(GetRolePolicyResponse {
            role_name: owner.name().to_owned(),
            policy_name: policy.name,
            policy_document: encoded(&policy.document),
        }))
    }
}
