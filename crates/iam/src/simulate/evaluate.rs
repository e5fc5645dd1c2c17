//! One result for each action on each resource.

use std::collections::BTreeMap;

use api::iam::{
    EvaluationResult, OrganizationsDecisionDetail, PermissionsBoundaryDecisionDetail, Position, ResourceSpecificResult,
    SimulatePolicyResponse, Statement,
};
use ids::{AccountId, Arn};
use policy::{Attached, Context, Decision, Kind, Outcome, PolicySet, Request, SourceKind, Subject, decide};
use service::Cx;

use super::input::{Asked, check_actions, policy};
use super::{context, scenario};
use crate::IamError;
use crate::paging::Page;

/// What is simulated with.
pub(super) struct Policies {
    /// Of the identity.
    pub(super) identity: Vec<Attached>,
    /// Its boundary.
    pub(super) boundary: Option<Attached>,
    /// Of the organization, one list a level; none where there is no organization.
    pub(super) service_control: Vec<Vec<Attached>>,
    /// Of the resource.
    resource: Option<Attached>,
    /// The account that owns what does not say so itself.
    owner: Option<AccountId>,
}

impl Policies {
    /// Those of an identity, with its boundary and its organization's.
    pub(super) fn new(
        identity: Vec<Attached>,
        boundary: Option<Attached>,
        service_control: Vec<Vec<Attached>>,
    ) -> Self {
        Self { identity, boundary, service_control, resource: None, owner: None }
    }
}

/// Simulates: `list` is the operation, `subject` who asks.
///
/// # Errors
/// `InvalidInput` for what makes no sense.
pub(super) fn run(
    (list, source): (&str, &str),
    asked: &Asked<'_>,
    mut policies: Policies,
    (subject, mut known): (Subject, Context),
    cx: &Cx,
) -> Result<SimulatePolicyResponse, IamError> {
    check_actions(asked.actions)?;
    let everything = ["*".to_owned()];
    let resources = asked.resources.filter(|list| !list.is_empty()).unwrap_or(&everything);
    scenario::check(asked.scenario, resources)?;
    context::add(&mut known, asked.context)?;
    if let Some(document) = asked.resource_policy {
        policies.resource = Some(policy("ResourcePolicy".to_owned(), SourceKind::Resource, Kind::Resource, document)?);
        policies.owner = asked.resource_owner.map(account_of).transpose()?;
    }
    let page = Page::read(cx, list, &[source], asked.page.0, asked.page.1)?;
    let each = asked.actions.iter().flat_map(|action| resources.iter().map(move |resource| (action, resource)));
    let each = each.enumerate().collect();
    let listed = page.of_list(each, |(number, _): &(usize, _)| format!("{number:08}"));
    let listed = listed.map(|(_, (action, resource))| result(action, resource, &policies, &subject, &known));
    let (is_truncated, marker) = (listed.is_truncated(), listed.marker);
    Ok(SimulatePolicyResponse { evaluation_results: Some(listed.items), is_truncated, marker })
}

/// The account in `arn:aws:iam::123456789012:root`, or the account itself.
fn account_of(owner: &str) -> Result<AccountId, IamError> {
    let account = owner.parse::<Arn>().map_or_else(|_| owner.to_owned(), |arn| arn.account().to_owned());
    account.parse().map_err(|_| IamError::InvalidInput(format!("Invalid ResourceOwner: {owner}")))
}

fn result(action: &str, resource: &str, policies: &Policies, subject: &Subject, context: &Context) -> EvaluationResult {
    // Without a policy of the resource only the identity's side is asked about, whoever owns the resource.
    let owner = policies.resource.as_ref().and_then(|_| {
        let named = resource.parse::<Arn>().ok().map(|arn| arn.account().to_owned());
        let named = named.filter(|account| account.parse::<AccountId>().is_ok());
        named.or_else(|| policies.owner.as_ref().map(ToString::to_string)).or_else(|| subject.account.clone())
    });
    let request = Request { subject, action, resource, context };
    let set = PolicySet {
        identity: &policies.identity,
        boundary: policies.boundary.as_ref(),
        session: None,
        service_control: &policies.service_control,
        resource: policies.resource.as_ref(),
        owner: owner.as_deref(),
        needs_resource_policy: false,
        ..PolicySet::default()
    };
    let decision = decide(&request, &set);
    let is_foreign = owner.as_ref().is_some_and(|owner| subject.account.as_ref() != Some(owner));
    let matched = matched(&decision, policies);
    let boundary = policies.boundary.as_ref().map(|boundary| {
        let set = PolicySet { identity: std::slice::from_ref(boundary), ..PolicySet::default() };
        PermissionsBoundaryDecisionDetail { allowed_by_permissions_boundary: Some(decide(&request, &set).is_allowed()) }
    });
    let organizations = (!policies.service_control.is_empty()).then(|| {
        let is_allowed = |level: &Vec<Attached>| {
            decide(&request, &PolicySet { identity: level, ..PolicySet::default() }).is_allowed()
        };
        let by_organizations = policies.service_control.iter().all(is_allowed);
        OrganizationsDecisionDetail { allowed_by_organizations: Some(by_organizations) }
    });
    let is_specific = resource != "*";
    let details = is_specific.then(|| if is_foreign { sides(&request, policies, &set) } else { BTreeMap::new() });
    let word = word(decision.outcome).to_owned();
    let specific = is_specific.then(|| {
        vec![ResourceSpecificResult {
            eval_resource_name: resource.to_owned(),
            eval_resource_decision: word.clone(),
            matched_statements: Some(matched.clone()),
            missing_context_values: Some(decision.missing.clone()),
            eval_decision_details: details.clone(),
            permissions_boundary_decision_detail: boundary.clone(),
        }]
    });
    EvaluationResult {
        eval_action_name: action.to_owned(),
        eval_resource_name: Some(resource.to_owned()),
        eval_decision: word,
        matched_statements: Some(matched),
        missing_context_values: Some(if is_specific { Vec::new() } else { decision.missing }),
        organizations_decision_detail: organizations,
        permissions_boundary_decision_detail: boundary,
        eval_decision_details: details,
        resource_specific_results: specific,
    }
}

/// What each side of a request across accounts says by itself.
fn sides(request: &Request<'_>, policies: &Policies, set: &PolicySet<'_>) -> BTreeMap<String, String> {
    let identity = PolicySet { resource: None, owner: None, ..*set };
    let mut sides = BTreeMap::new();
    sides.insert("IAM Policy".to_owned(), word(decide(request, &identity).outcome).to_owned());
    if let Some(resource) = &policies.resource {
        // The resource's account, asked alone: as if the caller were in it and had no policy.
        let of_resource =
            PolicySet { resource: Some(resource), owner: request.subject.account.as_deref(), ..PolicySet::default() };
        sides.insert("Resource Policy".to_owned(), word(decide(request, &of_resource).outcome).to_owned());
    }
    sides
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allowed => "allowed",
        Outcome::ExplicitDeny => "explicitDeny",
        Outcome::ImplicitDeny => "implicitDeny",
    }
}

/// The statements that decided, with their places.
fn matched(decision: &Decision, policies: &Policies) -> Vec<Statement> {
    let levels = policies.service_control.iter().flatten();
    let others = policies.boundary.iter().chain(levels).chain(&policies.resource);
    let all: Vec<&Attached> = policies.identity.iter().chain(others).collect();
    let shown = decision.matched.iter().map(|matched| {
        let from = all.iter().find(|attached| std::sync::Arc::ptr_eq(&attached.source, &matched.source));
        let span = from.and_then(|attached| attached.policy.statement_span(matched.index));
        let place = |place: policy::Position| Position {
            line: i32::try_from(place.line).ok(),
            column: i32::try_from(place.column).ok(),
        };
        let kind = match matched.source.kind {
            SourceKind::Inline | SourceKind::Managed | SourceKind::Session => "IAM Policy",
            SourceKind::Boundary => "Permissions Boundary Policy",
            SourceKind::Resource => "Resource Policy",
            SourceKind::ServiceControl => "Service Control Policy",
        };
        Statement {
            source_policy_id: Some(matched.source.id.clone()),
            source_policy_type: Some(kind.to_owned()),
            start_position: span.map(|span| place(span.start)),
            end_position: span.map(|span| place(span.end)),
        }
    });
    shown.collect()
}
