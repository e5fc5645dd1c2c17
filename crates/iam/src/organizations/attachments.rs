//! Policies on roots, units and accounts.
//! Source: <https://docs.aws.amazon.com/organizations/latest/APIReference/API_AttachPolicy.html>.

use api::organizations::{
    AttachPolicy, AttachPolicyRequest, DetachPolicy, DetachPolicyRequest, ListPoliciesForTarget,
    ListPoliciesForTargetRequest, ListPoliciesForTargetResponse, ListTargetsForPolicy, ListTargetsForPolicyRequest,
    ListTargetsForPolicyResponse, PolicyTargetSummary,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, KeyPrefix, View};

use super::policies::{check_kind, find};
use super::record::{OrganizationRecord, TargetRecord};
use super::shown::{self, SCP};
use super::{Organizations, need, paging, refused, tree};
use crate::{AccountRecord, IamError};

/// Most policies on one target; there must always be one.
/// Source: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>.
const MAX_ON_TARGET: usize = 5;

/// Refuses a target that is not there.
fn check_target(view: &View, organization: &OrganizationRecord, id: &str) -> Result<(), IamError> {
    if tree::is_parent(view, organization, id)? {
        return Ok(());
    }
    tree::member(view, organization, id).map(drop).map_err(|error| match error {
        IamError::Store(error) => IamError::Store(error),
        _ => refused("TargetNotFoundException", "You specified a target that doesn't exist."),
    })
}

fn on_target(view: &View, organization: &OrganizationRecord, id: &str) -> Result<Vec<TargetRecord>, IamError> {
    let prefix = KeyPrefix::of((organization.id.clone(), id.to_owned()));
    Ok(view.scan::<TargetRecord>(&prefix, None, tree::MOST)?)
}

/// The organization, if policies are in force there.
fn in_force(view: &View, cx: &Cx) -> Result<OrganizationRecord, IamError> {
    let organization = tree::managed(view, cx)?;
    if organization.has_service_control {
        return Ok(organization);
    }
    let text = "The specified policy type isn't currently enabled in this root.";
    Err(refused("PolicyTypeNotEnabledException", text))
}

fn needs(action: &'static str, policy: &str, target: &str, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
    let needs = need::on(action, &[policy, target], view, scope)?;
    Ok(needs.into_iter().map(|need| need.with("organizations:PolicyType", SCP)).collect())
}

impl Operation<Organizations> for AttachPolicy {
    type Error = IamError;

    fn needs(input: &AttachPolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        needs("organizations:AttachPolicy", &input.policy_id, &input.target_id, view, scope)
    }

    fn apply(input: &AttachPolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let organization = in_force(view, cx)?;
        let policy = find(view, &organization, &input.policy_id)?;
        check_target(view, &organization, &input.target_id)?;
        let attached = on_target(view, &organization, &input.target_id)?;
        if attached.iter().any(|target| target.policy == policy.id) {
            let text = "The selected policy is already attached to the specified target.";
            return Err(refused("DuplicatePolicyAttachmentException", text));
        }
        if attached.len() >= MAX_ON_TARGET {
            let text = "You have exceeded the number of policies attached to an entity.";
            return Err(refused("ConstraintViolationException", text));
        }
        let mut changes = Changes::new();
        let (target, policy) = (input.target_id.clone(), policy.id);
        changes.put(&TargetRecord { organization: organization.id, target, policy })?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Organizations> for DetachPolicy {
    type Error = IamError;

    fn needs(input: &DetachPolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        needs("organizations:DetachPolicy", &input.policy_id, &input.target_id, view, scope)
    }

    fn apply(input: &DetachPolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let organization = in_force(view, cx)?;
        let policy = find(view, &organization, &input.policy_id)?;
        check_target(view, &organization, &input.target_id)?;
        let attached = on_target(view, &organization, &input.target_id)?;
        if !attached.iter().any(|target| target.policy == policy.id) {
            let text = "The policy isn't attached to the specified target in the specified root.";
            return Err(refused("PolicyNotAttachedException", text));
        }
        if attached.len() == 1 {
            let text = "You can't remove the last policy attached to the specified target. You must have at least one attached at all times.";
            return Err(refused("ConstraintViolationException", text));
        }
        let mut changes = Changes::new();
        changes.delete::<TargetRecord>(&(organization.id, input.target_id.clone(), policy.id));
        Ok(Applied::with((), changes))
    }
}

impl Operation<Organizations> for ListPoliciesForTarget {
    type Error = IamError;

    fn needs(input: &ListPoliciesForTargetRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        need::on("organizations:ListPoliciesForTarget", &[&input.target_id], view, scope)
    }

    fn apply(
        input: &ListPoliciesForTargetRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListPoliciesForTargetResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        check_kind(&input.filter)?;
        check_target(view, &organization, &input.target_id)?;
        let attached = on_target(view, &organization, &input.target_id)?;
        let asked = (input.max_results, input.next_token.as_deref());
        let list = ["ListPoliciesForTarget", &input.target_id];
        let (page, next_token) = paging::page(cx, &list, asked, attached, |target| target.policy.clone())?;
        let mut policies = Vec::with_capacity(page.len());
        for target in page {
            policies.push(shown::summary(&organization, &find(view, &organization, &target.policy)?));
        }
        Ok(Applied::read(ListPoliciesForTargetResponse { policies: Some(policies), next_token }))
    }
}

impl Operation<Organizations> for ListTargetsForPolicy {
    type Error = IamError;

    fn needs(input: &ListTargetsForPolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        need::on("organizations:ListTargetsForPolicy", &[&input.policy_id], view, scope)
    }

    fn apply(
        input: &ListTargetsForPolicyRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListTargetsForPolicyResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        let policy = find(view, &organization, &input.policy_id)?;
        let key = (organization.id.clone(), policy.id);
        let attached = view.by_index::<TargetRecord>("policy", key, None, tree::MOST)?;
        let asked = (input.max_results, input.next_token.as_deref());
        let list = ["ListTargetsForPolicy", &input.policy_id];
        let (page, next_token) = paging::page(cx, &list, asked, attached, |target| target.target.clone())?;
        let mut targets = Vec::with_capacity(page.len());
        for target in page {
            targets.push(target_summary(view, &organization, &target.target)?);
        }
        Ok(Applied::read(ListTargetsForPolicyResponse { targets: Some(targets), next_token }))
    }
}

fn target_summary(view: &View, organization: &OrganizationRecord, id: &str) -> Result<PolicyTargetSummary, IamError> {
    let (name, kind) = match id {
        _ if id.starts_with("r-") => (Some("Root".to_owned()), "ROOT"),
        _ if id.starts_with("ou-") => (Some(tree::unit(view, organization, id)?.name), "ORGANIZATIONAL_UNIT"),
        _ => {
            let member = tree::member(view, organization, id)?;
            (view.get::<AccountRecord>(&member.account)?.map(|account| account.name), "ACCOUNT")
        }
    };
    Ok(PolicyTargetSummary {
        target_id: Some(id.to_owned()),
        arn: Some(shown::target_arn(organization, id)),
        name,
        r#type: Some(kind.to_owned()),
    })
}
