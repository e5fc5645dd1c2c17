//! Service control policies: made, read, changed and deleted.
//! Source: <https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreatePolicy.html>.

use api::organizations::{
    CreatePolicy, CreatePolicyRequest, CreatePolicyResponse, DeletePolicy, DeletePolicyRequest, DescribePolicy,
    DescribePolicyRequest, DescribePolicyResponse, ListPolicies, ListPoliciesRequest, ListPoliciesResponse,
    UpdatePolicy, UpdatePolicyRequest, UpdatePolicyResponse,
};
use policy::{Kind, Policy};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::organization::random_id;
use super::record::{OrganizationRecord, ScpRecord, TargetRecord};
use super::shown::{self, FULL_ACCESS, FULL_ACCESS_CONTENT, SCP};
use super::{Organizations, invalid, need, paging, refused, tags, tree};
use crate::IamError;

/// Longest document in characters.
const MAX_CONTENT: usize = 5120;
/// Most policies of an organization.
const MAX_POLICIES: usize = 1000;

/// The policy of AWS, as if it were one of the organization's.
pub(super) fn full_access(organization: &OrganizationRecord) -> ScpRecord {
    ScpRecord {
        organization: organization.id.clone(),
        id: FULL_ACCESS.to_owned(),
        name: "FullAWSAccess".to_owned(),
        description: "Allows access to every operation".to_owned(),
        content: FULL_ACCESS_CONTENT.to_owned(),
        tags: Vec::new(),
    }
}

/// The policy of this id, AWS's own included.
pub(super) fn find(view: &View, organization: &OrganizationRecord, id: &str) -> Result<ScpRecord, IamError> {
    if id == FULL_ACCESS {
        return Ok(full_access(organization));
    }
    let found = view.get::<ScpRecord>(&(organization.id.clone(), id.to_owned()))?;
    found.ok_or_else(|| {
        refused("PolicyNotFoundException", "We can't find a policy with the PolicyId that you specified.")
    })
}

fn check_content(content: &str) -> Result<(), IamError> {
    let text = "The provided policy document does not meet the requirements of the specified policy type.";
    let malformed = || refused("MalformedPolicyDocumentException", text);
    Policy::parse(content, Kind::ServiceControl).map_err(|_| malformed())?;
    if content.chars().count() > MAX_CONTENT {
        let text = "You have exceeded the maximum policy size for this type of policy.";
        return Err(refused("ConstraintViolationException", text));
    }
    Ok(())
}

fn check_name(view: &View, organization: &OrganizationRecord, name: &str, own: &str) -> Result<(), IamError> {
    let all = tree::all::<ScpRecord>(view, &organization.id)?;
    if name == "FullAWSAccess" || all.iter().any(|policy| policy.name == name && policy.id != own) {
        return Err(refused("DuplicatePolicyException", "A policy with the same name already exists."));
    }
    Ok(())
}

/// Refuses kinds of policies that there are none of here.
pub(super) fn check_kind(kind: &str) -> Result<(), IamError> {
    if kind == SCP { Ok(()) } else { Err(invalid("You specified a policy type that this region does not have.")) }
}

impl Operation<Organizations> for CreatePolicy {
    type Error = IamError;

    fn needs(input: &CreatePolicyRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        let need = Need::any("organizations:CreatePolicy").with("organizations:PolicyType", &*input.r#type);
        Ok(need::tagging(vec![need], input.tags.as_ref()))
    }

    fn apply(input: &CreatePolicyRequest, view: &View, cx: &Cx) -> Result<Applied<CreatePolicyResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        check_kind(&input.r#type)?;
        if !organization.has_all_features {
            let text =
                "You can't use the specified policy type with the feature set currently enabled for this organization.";
            return Err(refused("PolicyTypeNotAvailableForOrganizationException", text));
        }
        check_content(&input.content)?;
        check_name(view, &organization, &input.name, "")?;
        if tree::all::<ScpRecord>(view, &organization.id)?.len() >= MAX_POLICIES {
            let text = "You have exceeded the number of policies that you can have in an organization.";
            return Err(refused("ConstraintViolationException", text));
        }
        let record = ScpRecord {
            organization: organization.id.clone(),
            id: format!("p-{}", random_id::<8>(cx)),
            name: input.name.clone(),
            description: input.description.clone(),
            content: input.content.clone(),
            tags: tags::merged(Vec::new(), input.tags.as_deref().unwrap_or_default())?,
        };
        let mut changes = Changes::new();
        changes.put(&record)?;
        let policy = Some(shown::policy(&organization, &record));
        Ok(Applied::with(CreatePolicyResponse { policy }, changes))
    }
}

impl Operation<Organizations> for DescribePolicy {
    type Error = IamError;

    fn needs(input: &DescribePolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        need::on("organizations:DescribePolicy", &[&input.policy_id], view, scope)
    }

    fn apply(input: &DescribePolicyRequest, view: &View, cx: &Cx) -> Result<Applied<DescribePolicyResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        let record = find(view, &organization, &input.policy_id)?;
        Ok(Applied::read(DescribePolicyResponse { policy: Some(shown::policy(&organization, &record)) }))
    }
}

/// The policy of this id, if it can be changed.
fn own(view: &View, organization: &OrganizationRecord, id: &str) -> Result<ScpRecord, IamError> {
    if id == FULL_ACCESS {
        return Err(tree::denied());
    }
    find(view, organization, id)
}

impl Operation<Organizations> for UpdatePolicy {
    type Error = IamError;

    fn needs(input: &UpdatePolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        need::on("organizations:UpdatePolicy", &[&input.policy_id], view, scope)
    }

    fn apply(input: &UpdatePolicyRequest, view: &View, cx: &Cx) -> Result<Applied<UpdatePolicyResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        let mut record = own(view, &organization, &input.policy_id)?;
        if let Some(content) = &input.content {
            check_content(content)?;
            record.content.clone_from(content);
        }
        if let Some(name) = &input.name {
            check_name(view, &organization, name, &record.id)?;
            record.name.clone_from(name);
        }
        if let Some(description) = &input.description {
            record.description.clone_from(description);
        }
        let mut changes = Changes::new();
        changes.put(&record)?;
        let policy = Some(shown::policy(&organization, &record));
        Ok(Applied::with(UpdatePolicyResponse { policy }, changes))
    }
}

impl Operation<Organizations> for DeletePolicy {
    type Error = IamError;

    fn needs(input: &DeletePolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        need::on("organizations:DeletePolicy", &[&input.policy_id], view, scope)
    }

    fn apply(input: &DeletePolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let organization = tree::managed(view, cx)?;
        let record = own(view, &organization, &input.policy_id)?;
        let key = (organization.id.clone(), record.id.clone());
        if !view.by_index::<TargetRecord>("policy", key.clone(), None, 1)?.is_empty() {
            let text = "The policy is attached to one or more entities. You must detach it from all roots, OUs, and accounts before performing this operation.";
            return Err(refused("PolicyInUseException", text));
        }
        let mut changes = Changes::new();
        changes.delete::<ScpRecord>(&key);
        Ok(Applied::with((), changes))
    }
}

impl Operation<Organizations> for ListPolicies {
    type Error = IamError;

    fn needs(_input: &ListPoliciesRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("organizations:ListPolicies")])
    }

    fn apply(input: &ListPoliciesRequest, view: &View, cx: &Cx) -> Result<Applied<ListPoliciesResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        check_kind(&input.filter)?;
        let mut all = tree::all::<ScpRecord>(view, &organization.id)?;
        all.push(full_access(&organization));
        all.sort_by(|one, other| one.id.cmp(&other.id));
        let asked = (input.max_results, input.next_token.as_deref());
        let (page, next_token) = paging::page(cx, &["ListPolicies"], asked, all, |policy| policy.id.clone())?;
        let policies = Some(page.iter().map(|policy| shown::summary(&organization, policy)).collect());
        Ok(Applied::read(ListPoliciesResponse { policies, next_token }))
    }
}
