//! `iam:SimulatePrincipalPolicy`: what the policies of a user, a group or a role would decide, with others handed in or
//! some left out.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>.

use api::iam::{PolicyIdentifier, SimulatePolicyResponse, SimulatePrincipalPolicy, SimulatePrincipalPolicyRequest};
use ids::Arn;
use policy::{Attached, Context, Kind, SourceKind, Subject, SubjectKind};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{StoreError, View};

use super::context::of_caller;
use super::evaluate::{Policies, run};
use super::gather::{Gathered, Named, named, stored};
use super::input::{Asked, boundary, policies};
use crate::names::folded;
use crate::policies::owner::{Owner, OwnerKind};
use crate::{Iam, IamError, managed};

impl Operation<Iam> for SimulatePrincipalPolicy {
    type Error = IamError;

    fn needs(input: &SimulatePrincipalPolicyRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:SimulatePrincipalPolicy", &input.policy_source_arn)])
    }

    fn apply(
        input: &SimulatePrincipalPolicyRequest,
        view: &View,
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
        let source = named(view, &cx.account, &input.policy_source_arn)?;
        let without = input.policy_exclusion_list.as_deref().unwrap_or_default();
        let mut identity = Vec::new();
        for policy in source.policies(view)? {
            if !without.iter().any(|excluded| is_policy(excluded, &policy)) {
                identity.push(policy.attached()?);
            }
        }
        let given = input.policy_input_list.as_deref().unwrap_or_default();
        identity.extend(policies("PolicyInputList", SourceKind::Inline, Kind::Identity, given)?);
        let is_unbounded = without.iter().any(|excluded| is_boundary(excluded, source.owner.boundary()));
        let boundary = match boundary(input.permissions_boundary_policy_input_list.as_deref())? {
            Some(boundary) => Some(boundary),
            None if is_unbounded => None,
            None => source.boundary(view)?,
        };
        let levels = levels(&source, without, view)?;
        let caller = caller(&source, &asked, view)?;
        let policies = Policies::new(identity, boundary, levels);
        let list = ("SimulatePrincipalPolicy", input.policy_source_arn.as_str());
        Ok(Applied::read(run(list, &asked, policies, caller, cx)?))
    }
}

/// What an operation on a user, a group or a role by its ARN needs.
pub(super) fn need(action: &'static str, arn: &str) -> Need {
    arn.parse::<Arn>().map_or_else(|_| Need::any(action), |arn| Need::on(action, arn))
}

/// The service control policies that bind it, but for those that are left out.
fn levels(source: &Named, without: &[PolicyIdentifier], view: &View) -> Result<Vec<Vec<Attached>>, StoreError> {
    let is_out = |id: &str| {
        let is_it = |arn: &str| arn == id || arn.rsplit('/').next() == Some(id);
        let scp = |excluded: &PolicyIdentifier| excluded.policy_type.as_deref() == Some("scp");
        without.iter().filter(|excluded| scp(excluded)).any(|excluded| excluded.policy_arn.as_deref().is_none_or(is_it))
    };
    let mut levels = Vec::new();
    for level in source.service_control(view)? {
        let kept = level.into_iter().filter(|(id, _)| !is_out(id));
        let read =
            |(id, document): (String, String)| stored(SourceKind::ServiceControl, id, &document, Kind::ServiceControl);
        levels.push(kept.map(read).collect::<Result<Vec<_>, _>>()?);
    }
    // A level of which all is left out would allow nothing.
    levels.retain(|level| !level.is_empty());
    Ok(levels)
}

/// Whether an entry of the exclusion list is about this policy.
fn is_policy(excluded: &PolicyIdentifier, policy: &Gathered) -> bool {
    let of = excluded.policy_type.as_deref();
    match &policy.arn {
        Some(arn) => {
            let is_type = match of {
                Some("aws-managed") => managed::is_aws(arn),
                Some("user-managed") => !managed::is_aws(arn),
                Some(_) => false,
                None => excluded.inline_policy_identifier.is_none(),
            };
            is_type && excluded.policy_arn.as_ref() == Some(arn)
        }
        None => excluded.inline_policy_identifier.as_ref().is_some_and(|inline| {
            of.is_none_or(|of| of == "inline")
                && inline.policy_name == policy.name
                && inline.attachment_type == policy.of.0.word()
                && folded(&inline.attachment_name) == folded(&policy.of.1)
        }),
    }
}

fn is_boundary(excluded: &PolicyIdentifier, boundary: Option<&str>) -> bool {
    excluded.policy_type.as_deref() == Some("permission-boundary")
        && excluded.policy_arn.as_deref().is_none_or(|arn| Some(arn) == boundary)
}

/// Who asks: the user that is named, else the source itself.
fn caller(source: &Named, asked: &Asked<'_>, view: &View) -> Result<(Subject, Context), IamError> {
    if let Some(caller) = asked.caller {
        let (subject, known) = user_of(caller)?;
        // One of this account is known better.
        return Ok(match named(view, &source.account, caller) {
            Ok(user) => (subject, of_caller(&user)),
            Err(IamError::Store(error)) => return Err(error.into()),
            Err(_) => (subject, known),
        });
    }
    let account = Some(source.account.to_string());
    let subject = match &source.owner {
        Owner::User(user) => {
            Subject { kind: SubjectKind::User, account, arn: user.arn(), role_arn: None, service: None }
        }
        _ if asked.resource_policy.is_some() => {
            let text =
                "CallerArn is required when a ResourcePolicy is given and PolicySourceArn is not that of a user.";
            return Err(IamError::InvalidInput(text.to_owned()));
        }
        Owner::Role(role) => {
            let arn = format!("arn:aws:sts::{}:assumed-role/{}/simulated", role.account, role.name);
            Subject { kind: SubjectKind::Role, account, arn, role_arn: Some(role.arn()), service: None }
        }
        Owner::Group(_) => {
            Subject { kind: SubjectKind::User, account, arn: String::new(), role_arn: None, service: None }
        }
    };
    Ok((subject, of_caller(source)))
}

/// A user by ARN, of whatever account, there or not.
///
/// # Errors
/// `InvalidInput` for the ARN of anything else.
pub(super) fn user_of(arn: &str) -> Result<(Subject, Context), IamError> {
    let parsed = arn.parse::<Arn>().ok();
    let name = parsed.as_ref().filter(|arn| arn.service() == "iam").and_then(|arn| {
        let (kind, name) = arn.resource().split_once('/')?;
        let (kind, _) = OwnerKind::split(&format!("{kind}/"))?;
        (kind == OwnerKind::User).then(|| name.rsplit('/').next().unwrap_or_default().to_owned())
    });
    let (Some(parsed), Some(name)) = (parsed, name) else {
        return Err(IamError::InvalidInput(format!("Invalid CallerArn: {arn} is not the ARN of an IAM user.")));
    };
    let account = parsed.account().to_owned();
    let known = Context::new()
        .with("aws:username", name)
        .with("aws:PrincipalType", "User")
        .with("aws:PrincipalArn", arn)
        .with("aws:PrincipalAccount", account.clone());
    let (arn, account) = (arn.to_owned(), Some(account));
    Ok((Subject { kind: SubjectKind::User, account, arn, role_arn: None, service: None }, known))
}
