//! The organization itself and its root: `CreateOrganization`, `DescribeOrganization`, `DeleteOrganization`, `ListRoots`,
//! `EnablePolicyType`, `DisablePolicyType`.
//! Source: <https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateOrganization.html>.

use api::organizations::{
    CreateOrganization, CreateOrganizationRequest, CreateOrganizationResponse, DeleteOrganization,
    DescribeOrganization, DescribeOrganizationResponse, DisablePolicyType, DisablePolicyTypeRequest,
    DisablePolicyTypeResponse, EnablePolicyType, EnablePolicyTypeRequest, EnablePolicyTypeResponse, ListRoots,
    ListRootsRequest, ListRootsResponse,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::record::{HandshakeRecord, MemberRecord, OrganizationRecord, ScpRecord, TargetRecord, UnitRecord};
use super::shown::{self, FULL_ACCESS, SCP};
use super::{Organizations, invalid, need, paging, refused, tree};
use crate::IamError;

/// `count` letters and digits, as the ids of Organizations have them.
pub(super) fn random_id<const N: usize>(cx: &Cx) -> String {
    const DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    cx.random::<N>().iter().map(|byte| char::from(DIGITS[usize::from(*byte) % DIGITS.len()])).collect()
}

impl Operation<Organizations> for CreateOrganization {
    type Error = IamError;

    fn needs(_input: &CreateOrganizationRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("organizations:CreateOrganization")])
    }

    fn apply(
        input: &CreateOrganizationRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<CreateOrganizationResponse>, IamError> {
        let has_all_features = match input.feature_set.as_deref() {
            None | Some("ALL") => true,
            Some("CONSOLIDATED_BILLING") => false,
            Some(_) => return Err(invalid("You provided a value for FeatureSet that isn't valid.")),
        };
        if view.contains::<MemberRecord>(&cx.account)? {
            let text = "The AWS account is already a member of an organization.";
            return Err(refused("AlreadyInOrganizationException", text));
        }
        let organization = OrganizationRecord {
            id: format!("o-{}", random_id::<10>(cx)),
            master: cx.account.clone(),
            created: cx.now,
            has_all_features,
            root: format!("r-{}", random_id::<4>(cx)),
            has_service_control: false,
            root_tags: Vec::new(),
        };
        let master = MemberRecord {
            account: cx.account.clone(),
            organization: organization.id.clone(),
            parent: organization.root.clone(),
            // Accounts of this region are made without an address; AWS's answer has one.
            email: format!("root@{}.invalid", cx.account),
            is_invited: true,
            joined: cx.now,
            tags: Vec::new(),
        };
        let mut changes = Changes::new();
        changes.put(&organization)?;
        changes.put(&master)?;
        let organization = Some(shown::organization(&organization, &master));
        Ok(Applied::with(CreateOrganizationResponse { organization }, changes))
    }
}

impl Operation<Organizations> for DescribeOrganization {
    type Error = IamError;

    fn needs(_input: &(), _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("organizations:DescribeOrganization")])
    }

    fn apply(_input: &(), view: &View, cx: &Cx) -> Result<Applied<DescribeOrganizationResponse>, IamError> {
        let (organization, _) = tree::of(view, &cx.account)?;
        let master = tree::member(view, &organization, organization.master.as_str())?;
        let organization = Some(shown::organization(&organization, &master));
        Ok(Applied::read(DescribeOrganizationResponse { organization }))
    }
}

impl Operation<Organizations> for DeleteOrganization {
    type Error = IamError;

    fn needs(_input: &(), _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("organizations:DeleteOrganization")])
    }

    fn apply(_input: &(), view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let organization = tree::managed(view, cx)?;
        let members = view.by_index::<MemberRecord>("organization", organization.id.clone(), None, 2)?;
        let units = tree::all::<UnitRecord>(view, &organization.id)?;
        if members.len() > 1 || !units.is_empty() {
            let text = "The organization isn't empty. To delete an organization, you must first remove all accounts except the management account.";
            return Err(refused("OrganizationNotEmptyException", text));
        }
        let mut changes = Changes::new();
        for policy in tree::all::<ScpRecord>(view, &organization.id)? {
            changes.delete::<ScpRecord>(&(policy.organization, policy.id));
        }
        for target in tree::all::<TargetRecord>(view, &organization.id)? {
            changes.delete::<TargetRecord>(&(target.organization, target.target, target.policy));
        }
        for handshake in view.by_index::<HandshakeRecord>("organization", organization.id.clone(), None, tree::MOST)? {
            changes.delete::<HandshakeRecord>(&handshake.id);
        }
        changes.delete::<MemberRecord>(&cx.account);
        changes.delete::<OrganizationRecord>(&organization.id);
        Ok(Applied::with((), changes))
    }
}

impl Operation<Organizations> for ListRoots {
    type Error = IamError;

    fn needs(_input: &ListRootsRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("organizations:ListRoots")])
    }

    fn apply(input: &ListRootsRequest, view: &View, cx: &Cx) -> Result<Applied<ListRootsResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        let asked = (input.max_results, input.next_token.as_deref());
        let (roots, next_token) = paging::page(cx, &["ListRoots"], asked, vec![shown::root(&organization)], |root| {
            root.id.clone().unwrap_or_default()
        })?;
        Ok(Applied::read(ListRootsResponse { roots: Some(roots), next_token }))
    }
}

/// The organization, if this is its root and this a kind of policies that there can be.
fn rooted(root: &str, kind: &str, view: &View, cx: &Cx) -> Result<OrganizationRecord, IamError> {
    let organization = tree::managed(view, cx)?;
    if root != organization.root {
        return Err(refused("RootNotFoundException", "You specified a root that doesn't exist."));
    }
    if kind != SCP || !organization.has_all_features {
        let text =
            "You can't use the specified policy type with the feature set currently enabled for this organization.";
        return Err(refused("PolicyTypeNotAvailableForOrganizationException", text));
    }
    Ok(organization)
}

impl Operation<Organizations> for EnablePolicyType {
    type Error = IamError;

    fn needs(input: &EnablePolicyTypeRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let needs = need::on("organizations:EnablePolicyType", &[&input.root_id], view, scope)?;
        Ok(needs.into_iter().map(|need| need.with("organizations:PolicyType", &*input.policy_type)).collect())
    }

    fn apply(
        input: &EnablePolicyTypeRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<EnablePolicyTypeResponse>, IamError> {
        let mut organization = rooted(&input.root_id, &input.policy_type, view, cx)?;
        if organization.has_service_control {
            let text = "The specified policy type is already enabled in the specified root.";
            return Err(refused("PolicyTypeAlreadyEnabledException", text));
        }
        organization.has_service_control = true;
        // All that is there is allowed everything until somebody says otherwise.
        let mut changes = Changes::new();
        let units = tree::all::<UnitRecord>(view, &organization.id)?.into_iter().map(|unit| unit.id);
        let members = view.by_index::<MemberRecord>("organization", organization.id.clone(), None, tree::MOST)?;
        let members = members.into_iter().map(|member| member.account.to_string());
        for target in units.chain(members).chain([organization.root.clone()]) {
            allow_all(&organization, target, &mut changes)?;
        }
        changes.put(&organization)?;
        Ok(Applied::with(EnablePolicyTypeResponse { root: Some(shown::root(&organization)) }, changes))
    }
}

/// Attaches the policy that allows everything to a new root, unit or account, if policies are in force.
pub(super) fn allow_all(
    organization: &OrganizationRecord,
    target: String,
    changes: &mut Changes,
) -> Result<(), IamError> {
    if organization.has_service_control {
        let policy = FULL_ACCESS.to_owned();
        changes.put(&TargetRecord { organization: organization.id.clone(), target, policy })?;
    }
    Ok(())
}

impl Operation<Organizations> for DisablePolicyType {
    type Error = IamError;

    fn needs(input: &DisablePolicyTypeRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let needs = need::on("organizations:DisablePolicyType", &[&input.root_id], view, scope)?;
        Ok(needs.into_iter().map(|need| need.with("organizations:PolicyType", &*input.policy_type)).collect())
    }

    fn apply(
        input: &DisablePolicyTypeRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<DisablePolicyTypeResponse>, IamError> {
        let mut organization = rooted(&input.root_id, &input.policy_type, view, cx)?;
        if !organization.has_service_control {
            let text = "The specified policy type isn't currently enabled in this root.";
            return Err(refused("PolicyTypeNotEnabledException", text));
        }
        organization.has_service_control = false;
        let mut changes = Changes::new();
        for target in tree::all::<TargetRecord>(view, &organization.id)? {
            changes.delete::<TargetRecord>(&(target.organization, target.target, target.policy));
        }
        changes.put(&organization)?;
        Ok(Applied::with(DisablePolicyTypeResponse { root: Some(shown::root(&organization)) }, changes))
    }
}
