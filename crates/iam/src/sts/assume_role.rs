//! `sts:AssumeRole`: a session of a role, of the caller's account or another, for who its trust policy lets in.
//! `ProvidedContexts` (trusted context assertions of IAM Identity Center) is refused.
//! Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.

use api::Principal;
use api::sts::{AssumeRole, AssumeRoleRequest, AssumeRoleResponse, AssumedRoleUser};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::given::{credentials, packed_size, policies, token_size, widen};
use super::mfa::{self, Shown};
use super::role;
use super::session_tags::{asked, inherited};
use crate::sessions::{keep, new_session};
use crate::{IamError, RoleRecord, SessionHolder, Sts};

impl Operation<Sts> for AssumeRole {
    type Error = IamError;

    fn needs(input: &AssumeRoleRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let caller = &scope.caller;
        if matches!(caller.principal, Principal::Root) {
            return Err(IamError::AccessDenied("Roles may not be assumed by root accounts.".to_owned()));
        }
        let before = caller.session.as_deref();
        let tags = asked(input.tags.as_ref(), input.transitive_tag_keys.as_ref());
        let source = source_identity(input, before.and_then(|session| session.source_identity.as_deref()));
        let (serial, code) = (input.serial_number.as_deref(), input.token_code.as_deref());
        // Whoever shows a wrong code is told so, whatever the role demands; else a role without trust in the caller would be
        // a place to guess at.
        let shown = mfa::shown(view, caller, serial, code, (scope.now, &scope.despite))?;
        let has_mfa = matches!(shown, Shown::Possession(_));
        let said = |action: &'static str| -> Result<Need, IamError> {
            let mut need = tags.in_need(role::need(action, &input.role_arn, view)?);
            need.context.set("sts:RoleSessionName", input.role_session_name.as_str());
            if let Some(external) = &input.external_id {
                need.context.set("sts:ExternalId", external.as_str());
            }
            if let Some(source) = source {
                need.context.set("sts:SourceIdentity", source);
            }
            if has_mfa {
                need.context.set("aws:MultiFactorAuthPresent", "true");
                need.context.set("aws:MultiFactorAuthAge", "0");
            }
            Ok(need)
        };
        let mut needs = vec![said("sts:AssumeRole")?];
        // Tags that come from the session before must be allowed as well, and so must a source identity.
        if !tags.tags.is_empty() || !inherited(before).tags.is_empty() {
            needs.push(said("sts:TagSession")?);
        }
        if source.is_some() {
            needs.push(said("sts:SetSourceIdentity")?);
        }
        Ok(needs)
    }

    fn apply(input: &AssumeRoleRequest, view: &View, cx: &Cx) -> Result<Applied<AssumeRoleResponse>, IamError> {
        let caller = &cx.call.caller;
        let arn = role::parse(&input.role_arn)?;
        let refused =
            |action: &'static str| IamError::AccessDenied(role::refused(caller, &Need::on(action, arn.clone())));
        let role = role::find(view, &arn)?.ok_or_else(|| refused("sts:AssumeRole"))?;
        if input.provided_contexts.as_ref().is_some_and(|contexts| !contexts.is_empty()) {
            return Err(IamError::Validation("ProvidedContexts is not supported in this region.".to_owned()));
        }
        let (serial, code) = (input.serial_number.as_deref(), input.token_code.as_deref());
        let used = match mfa::shown(view, caller, serial, code, (cx.now, &cx.despite))? {
            Shown::Nothing => Changes::new(),
            Shown::Possession(used) => used,
        };
        let seconds = role::lifetime(input.duration_seconds, &role, role::is_chained(caller))?;
        let before = caller.session.as_deref();
        let own = before.and_then(|session| session.source_identity.as_deref());
        let source = source_identity(input, own);
        if own.is_some() && source != own {
            return Err(refused("sts:SetSourceIdentity"));
        }
        let asked = asked(input.tags.as_ref(), input.transitive_tag_keys.as_ref());
        let tags = asked.onto(before)?;
        let policies = policies(input.policy.as_deref(), input.policy_arns.as_ref(), &role.account, view)?;
        let packed_policy_size = packed_size(policies.as_ref(), &asked)?;

        let holder = SessionHolder::Role { id: role.id.clone(), session: input.role_session_name.clone() };
        let mut session = new_session(&cx.random(), role.account.clone(), holder, cx.now, seconds);
        session.policies = policies;
        session.tags = tags.tags;
        session.transitive_tags = tags.transitive;
        session.source_identity = source.map(str::to_owned);
        widen(&mut session, input.minimum_session_token_size);
        let mut changes = keep(view, &session)?;
        changes.merge(used);
        let (session_token_size, session_token_utilization) = token_size(&session);
        let output = AssumeRoleResponse {
            credentials: Some(credentials(&session)),
            assumed_role_user: Some(assumed(&role, &input.role_session_name)),
            packed_policy_size,
            source_identity: session.source_identity,
            session_token_utilization,
            session_token_size,
        };
        Ok(Applied::with(output, changes))
    }
}

/// The source identity of the new session: the one that is asked for, or that of the session that asks.
fn source_identity<'a>(input: &'a AssumeRoleRequest, own: Option<&'a str>) -> Option<&'a str> {
    input.source_identity.as_deref().or(own)
}

/// A session of a role as STS names it.
pub(super) fn assumed(role: &RoleRecord, session: &str) -> AssumedRoleUser {
    AssumedRoleUser {
        assumed_role_id: format!("{}:{session}", role.id),
        arn: format!("arn:aws:sts::{}:assumed-role/{}/{session}", role.account, role.name),
    }
}
