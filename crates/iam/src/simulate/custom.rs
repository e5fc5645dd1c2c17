//! `iam:SimulateCustomPolicy`: what policies that are handed in would decide. It reads nothing of the account.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html>.

use api::iam::{SimulateCustomPolicy, SimulateCustomPolicyRequest, SimulatePolicyResponse};
use policy::{Context, Kind, SourceKind, Subject, SubjectKind};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::evaluate::{Policies, run};
use super::input::{Asked, boundary, policies};
use super::principal::user_of;
use crate::{Iam, IamError};

impl Operation<Iam> for SimulateCustomPolicy {
    type Error = IamError;

    fn needs(_input: &SimulateCustomPolicyRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("iam:SimulateCustomPolicy")])
    }

    fn apply(
        input: &SimulateCustomPolicyRequest,
        _view: &View,
        cx: &Cx,
    ) -> Result<Applied<SimulatePolicyResponse>, IamError> {
        let asked = Asked {
            actions: &input.action_names,
            resources: input.resource_arns.as_deref(),
            resource_policy: input.resource_policy.as_deref(),
            resource_owner: input.resource_owner.as_deref(),
            caller: input.caller_arn.as_deref(),
            context: input.context_entries.as_deref().unwrap_or_default(),
            scenario: input.resource_handling_option.as_deref(),
            page: (input.max_items, input.marker.as_deref()),
        };
        let identity = policies("PolicyInputList", SourceKind::Inline, Kind::Identity, &input.policy_input_list)?;
        let boundary = boundary(input.permissions_boundary_policy_input_list.as_deref())?;
        let mut levels = Vec::new();
        for (level, number) in input.ordered_organization_policy_input_list.iter().flatten().zip(1..) {
            let list = format!("OrderedOrganizationPolicyInputList.{number}.ServiceControlPolicyInputList");
            let documents = level.service_control_policy_input_list.as_deref().unwrap_or_default();
            levels.push(policies(&list, SourceKind::ServiceControl, Kind::ServiceControl, documents)?);
        }
        let subject = match asked.caller {
            Some(caller) => user_of(caller)?,
            None if asked.resource_policy.is_some() => {
                let text = "CallerArn is required when a ResourcePolicy is given.";
                return Err(IamError::InvalidInput(text.to_owned()));
            }
            None => {
                let known = Context::new();
                let (account, role_arn, service) = (Some(cx.account.to_string()), None, None);
                (Subject { kind: SubjectKind::User, account, arn: String::new(), role_arn, service }, known)
            }
        };
        let policies = Policies::new(identity, boundary, levels);
        Ok(Applied::read(run(("SimulateCustomPolicy", ""), &asked, policies, subject, cx)?))
    }
}
