//! Whether a role's trust policy lets in somebody who has no credentials yet, but a provider's word.
//! The runner cannot ask this of its authoriser: who it is about is known only once the token is verified.

use std::borrow::Cow;
use std::sync::Arc;

use api::{Verdict, VerdictStatement};
use policy::{Attached, Context, Kind, Outcome, Policy, PolicySet, Request, Source, SourceKind, Subject, decide};
use service::Cx;

use super::session_tags::AskedTags;
use crate::{IamError, RoleRecord};

/// Most statements that a verdict names.
const MAX_STATEMENTS: usize = 8;

/// Somebody who comes with a provider's word.
pub(super) struct Stranger<'a> {
    /// Who.
    pub(super) subject: Subject,
    /// What is asked for: `sts:AssumeRoleWithWebIdentity` or `sts:AssumeRoleWithSAML`.
    pub(super) action: &'static str,
    /// What the provider says.
    pub(super) claims: Context,
    /// The tags that the provider gives.
    pub(super) tags: &'a AskedTags,
    /// Who the provider says is behind it.
    pub(super) source_identity: Option<&'a str>,
}

impl Stranger<'_> {
    /// Goes on if the role trusts the stranger, with the tags and the source identity that it brings.
    ///
    /// # Errors
    /// `AccessDenied`, in the same words whatever is in the way.
    pub(super) fn check(&self, role: Option<&RoleRecord>, session: &str, cx: &Cx) -> Result<(), IamError> {
        let refused = || IamError::AccessDenied(format!("Not authorized to perform {}", self.action));
        let role = role.ok_or_else(refused)?;
        let policy = Policy::parse(&role.trust, Kind::Trust).map_err(|_| refused())?;
        let arn = role.arn();
        let source = Source { kind: SourceKind::Resource, id: arn.clone(), attached_to: arn.clone() };
        let trust = Attached { source: Arc::new(source), policy: Arc::new(policy) };
        let owner = Some(role.account.as_str());
        let set = PolicySet { resource: Some(&trust), owner, needs_resource_policy: true, ..PolicySet::default() };
        let context = self.context(role, session, cx);
        let mut actions = vec![self.action];
        if !self.tags.tags.is_empty() {
            actions.push("sts:TagSession");
        }
        if self.source_identity.is_some() {
            actions.push("sts:SetSourceIdentity");
        }
        cx.call.verdicts.clear();
        for action in actions {
            let request = Request { subject: &self.subject, action, resource: &arn, context: &context };
            let decision = decide(&request, &set);
            let is_allowed = decision.is_allowed();
            let because: Cow<'static, str> = match decision.outcome {
                Outcome::Allowed => "because the trust policy allows it".into(),
                Outcome::ExplicitDeny => "with an explicit deny in the trust policy".into(),
                Outcome::ImplicitDeny => format!("because the trust policy does not allow the {action} action").into(),
            };
            let statements = decision.matched.iter().take(MAX_STATEMENTS).map(|matched| VerdictStatement {
                kind: "trust policy",
                policy: matched.source.id.clone(),
                attached_to: matched.source.attached_to.clone(),
                number: matched.index + 1,
                sid: matched.sid.clone(),
                is_deny: !is_allowed,
            });
            cx.call.verdicts.push(Verdict {
                action: action.into(),
                resource: arn.clone().into(),
                is_allowed,
                because,
                statements: statements.collect(),
                considered: Vec::new(),
            });
            if !is_allowed {
                return Err(refused());
            }
        }
        Ok(())
    }

    /// All that conditions may ask about.
    fn context(&self, role: &RoleRecord, session: &str, cx: &Cx) -> Context {
        let mut context = self.claims.clone();
        let call = &cx.call;
        context.set("aws:FederatedProvider", self.subject.arn.as_str());
        context.set("sts:RoleSessionName", session);
        context.set("aws:CurrentTime", cx.now.to_string());
        context.set("aws:EpochTime", cx.now.as_second().to_string());
        context.set("aws:SecureTransport", call.is_secure.to_string());
        context.set("aws:RequestedRegion", cx.region_name());
        if let Some(address) = call.source_ip {
            context.set("aws:SourceIp", address.to_canonical().to_string());
        }
        if !call.user_agent.is_empty() {
            context.set("aws:UserAgent", call.user_agent.as_str());
        }
        if let Some(referer) = &call.manner.referer {
            context.set("aws:Referer", referer.as_str());
        }
        for (key, value) in &role.tags {
            context.set(format!("iam:ResourceTag/{key}"), value.as_str());
            context.set(format!("aws:ResourceTag/{key}"), value.as_str());
        }
        for (key, value) in &self.tags.tags {
            context.set(format!("aws:RequestTag/{key}"), value.as_str());
        }
        if !self.tags.tags.is_empty() {
            context.set_all("aws:TagKeys", self.tags.tags.iter().map(|(key, _)| key.clone()).collect());
        }
        if !self.tags.transitive.is_empty() {
            context.set_all("sts:TransitiveTagKeys", self.tags.transitive.clone());
        }
        if let Some(source) = self.source_identity {
            context.set("sts:SourceIdentity", source);
        }
        context
    }
}
