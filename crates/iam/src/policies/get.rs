//! `iam:GetPolicy`: a managed policy, with what it is attached to counted.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicy.html>.

use api::iam::{GetPolicy, GetPolicyRequest, GetPolicyResponse};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::managed::{Managed, is_arn, need, not_there, shown};
use crate::{Iam, IamError};

impl Operation<Iam> for GetPolicy {
    type Error = IamError;

    fn needs(input: &GetPolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:GetPolicy", &input.policy_arn, view, scope)?])
    }

    fn apply(input: &GetPolicyRequest, view: &View, cx: &Cx) -> Result<Applied<GetPolicyResponse>, IamError> {
        is_arn(&input.policy_arn)?;
        let found = Managed::find(view, &cx.account, &input.policy_arn)?;
        let policy = found.ok_or_else(|| not_there(&input.policy_arn))?;
        let mut policy = shown(&policy, view, &cx.account)?;
        // IAM shows here, and here alone, that there are no tags.
        policy.tags.get_or_insert_default();
        Ok(Applied::read(GetPolicyResponse { policy: Some(policy) }))
    }
}
