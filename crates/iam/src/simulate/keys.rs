//! `iam:GetContextKeysForCustomPolicy`, `GetContextKeysForPrincipalPolicy`: the condition keys that policies ask about.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetContextKeysForPrincipalPolicy.html>.

use api::iam::{
    GetContextKeysForCustomPolicy, GetContextKeysForCustomPolicyRequest, GetContextKeysForPolicyResponse,
    GetContextKeysForPrincipalPolicy, GetContextKeysForPrincipalPolicyRequest,
};
use policy::{Attached, Kind, SourceKind};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::gather::named;
use super::input::policies;
use super::principal::need;
use crate::{Iam, IamError};

impl Operation<Iam> for GetContextKeysForCustomPolicy {
    type Error = IamError;

    fn needs(
        _input: &GetContextKeysForCustomPolicyRequest,
        _view: &View,
        _scope: &Scope,
    ) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("iam:GetContextKeysForCustomPolicy")])
    }

    fn apply(
        input: &GetContextKeysForCustomPolicyRequest,
        _view: &View,
        _cx: &Cx,
    ) -> Result<Applied<GetContextKeysForPolicyResponse>, IamError> {
        let given = policies("PolicyInputList", SourceKind::Inline, Kind::Identity, &input.policy_input_list)?;
        Ok(Applied::read(keys(&given)))
    }
}

impl Operation<Iam> for GetContextKeysForPrincipalPolicy {
    type Error = IamError;

    fn needs(
        input: &GetContextKeysForPrincipalPolicyRequest,
        _view: &View,
        _scope: &Scope,
    ) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:GetContextKeysForPrincipalPolicy", &input.policy_source_arn)])
    }

    fn apply(
        input: &GetContextKeysForPrincipalPolicyRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<GetContextKeysForPolicyResponse>, IamError> {
        let source = named(view, &cx.account, &input.policy_source_arn)?;
        let mut all = Vec::new();
        for policy in source.policies(view)? {
            all.push(policy.attached()?);
        }
        let given = input.policy_input_list.as_deref().unwrap_or_default();
        all.extend(policies("PolicyInputList", SourceKind::Inline, Kind::Identity, given)?);
        Ok(Applied::read(keys(&all)))
    }
}

/// Each key once, whatever its case.
fn keys(policies: &[Attached]) -> GetContextKeysForPolicyResponse {
    let mut names: Vec<String> = Vec::new();
    for key in policies.iter().flat_map(|attached| attached.policy.context_keys()) {
        if !names.iter().any(|name| name.eq_ignore_ascii_case(&key)) {
            names.push(key);
        }
    }
    GetContextKeysForPolicyResponse { context_key_names: Some(names) }
}
