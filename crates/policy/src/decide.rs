//! The decision: what applies at each level, and what comes of all levels together.
//! Rules: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html> and
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>.
//! Not here: whether one statement applies.

use std::sync::Arc;

use crate::principal::{Asked, Naming};
use crate::request::{Attached, Granted, PolicySet, Request, Source, Subject, SubjectKind};
use crate::statement::Query;

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Allows.
    Allow,
    /// Denies, whatever allows.
    Deny,
}

/// Which policies decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// The identity's.
    Identity,
    /// The identity's boundary.
    Boundary,
    /// The session's.
    Session,
    /// The organization's.
    ServiceControl,
    /// The resource's.
    Resource,
}

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It is allowed.
    Allowed,
    /// A statement denies it.
    ExplicitDeny,
    /// Nothing that must allow it does.
    ImplicitDeny,
}

/// Why it is so: the policies that denied it, or that should have allowed it and did not; for what is allowed, those
/// that did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Because {
    /// Which policies.
    pub level: Level,
    /// Whether the subject's account is not the owner's.
    pub is_cross_account: bool,
}

/// A statement that applies to the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// Where its document comes from.
    pub source: Arc<Source>,
    /// Which policies it is among.
    pub level: Level,
    /// Which statement, from 0.
    pub index: usize,
    /// Its `Sid`.
    pub sid: Option<String>,
    /// What it does.
    pub effect: Effect,
}

/// What is decided, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What.
    pub outcome: Outcome,
    /// Why.
    pub because: Because,
    /// The statements that apply: those that deny if any does, else those that allow.
    pub matched: Vec<Matched>,
    /// Condition keys that statements asked for in vain, as they are written there, each once.
    pub missing: Vec<String>,
}

impl Decision {
    /// Whether it is allowed.
    pub fn is_allowed(&self) -> bool {
        self.outcome == Outcome::Allowed
    }
}

/// Decides on a request. What denies anywhere decides; else each kind of policy that bears on it must allow, as far as a
/// policy of the resource does not grant by itself. Of several kinds that refuse, one is said, in AWS's order.
/// Rule: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>.
pub fn decide(request: &Request<'_>, set: &PolicySet<'_>) -> Decision {
    let action = request.action.to_ascii_lowercase();
    let asked = Asked { subject: request.subject, context: request.context, has_boundary: set.boundary.is_some() };
    let query = Query { asked, action: &action, resource: request.resource };
    let mut scan = Scan { query, found: Vec::new(), missing: Vec::new() };
    let levels = Levels {
        identity: scan.level(Level::Identity, set.identity).is_some(),
        boundary: set.boundary.is_none_or(|one| scan.level(Level::Boundary, std::slice::from_ref(one)).is_some()),
        session: match set.session {
            Some(session) => scan.level(Level::Session, session).is_some(),
            // "If you do not pass a policy, the resulting federated user session has no permissions": GetFederationToken.
            None => request.subject.kind != SubjectKind::FederatedUser,
        },
        service_control: scan.service_control(set.service_control),
        naming: set
            .resource
            .and_then(|one| scan.level(Level::Resource, std::slice::from_ref(one)))
            .filter(|_| !set.resource_only_denies)
            .max(set.granted.map(naming)),
    };
    let is_cross_account = match (&request.subject.account, set.owner) {
        (Some(account), Some(owner)) => account != owner,
        _ => false,
    };
    let (outcome, level) = match scan.denier() {
        Some(level) => (Outcome::ExplicitDeny, level),
        None => match levels.grant(request.subject.kind, is_cross_account, set.needs_resource_policy) {
            Ok(level) => (Outcome::Allowed, level),
            Err(level) => (Outcome::ImplicitDeny, level),
        },
    };
    let effect = if outcome == Outcome::ExplicitDeny { Effect::Deny } else { Effect::Allow };
    let matched = scan.found.iter().filter(|found| found.effect == effect).map(Found::matched).collect();
    let missing = scan.missing.into_iter().map(str::to_owned).collect();
    Decision { outcome, because: Because { level, is_cross_account }, matched, missing }
}

/// How a grant names its subject.
fn naming(granted: Granted) -> Naming {
    match granted {
        Granted::ToAccount => Naming::Account,
        Granted::ToAll => Naming::Itself,
    }
}

/// What each level says if nothing denies.
struct Levels {
    identity: bool,
    boundary: bool,
    session: bool,
    service_control: bool,
    /// How the policy of the resource, or a grant beside it, names the subject where it allows.
    naming: Option<Naming>,
}

impl Levels {
    /// The level that grants, or the one that should and does not.
    fn grant(&self, kind: SubjectKind, is_cross_account: bool, needs_resource_policy: bool) -> Result<Level, Level> {
        let is = |is_so: bool, level: Level| if is_so { Ok(level) } else { Err(level) };
        is(self.service_control, Level::ServiceControl)?;
        let by_resource = is(self.naming.is_some(), Level::Resource);
        let limits = || is(self.boundary, Level::Boundary).and_then(|_| is(self.session, Level::Session));
        let identity = match kind {
            // They have no identity that a policy could be attached to.
            SubjectKind::Anonymous | SubjectKind::WebIdentity | SubjectKind::Saml | SubjectKind::Service => {
                return by_resource;
            }
            SubjectKind::Root => limits().map(|_| Level::Identity),
            SubjectKind::User | SubjectKind::Role | SubjectKind::FederatedUser => {
                is(self.identity, Level::Identity).and_then(|_| limits()).map(|_| Level::Identity)
            }
        };
        if is_cross_account {
            return identity.and(by_resource);
        }
        match self.naming {
            None if needs_resource_policy => Err(Level::Resource),
            Some(Naming::Itself) if kind != SubjectKind::Root => Ok(Level::Resource),
            Some(Naming::Origin) => limits().map(|_| Level::Resource),
            None | Some(Naming::Account | Naming::Itself) => identity,
        }
    }
}

/// A statement that applies.
struct Found<'a> {
    attached: &'a Attached,
    level: Level,
    index: usize,
    effect: Effect,
}

impl Found<'_> {
    fn matched(&self) -> Matched {
        let sid = self.attached.policy.statement_sid(self.index).map(str::to_owned);
        Matched { source: self.attached.source.clone(), level: self.level, index: self.index, sid, effect: self.effect }
    }
}

/// Goes through policies and keeps what applies.
struct Scan<'a> {
    query: Query<'a>,
    found: Vec<Found<'a>>,
    missing: Vec<&'a str>,
}

impl<'a> Scan<'a> {
    /// How directly the policies of a level allow; none if they do not.
    fn level(&mut self, level: Level, policies: &'a [Attached]) -> Option<Naming> {
        let service = self.query.action.split(':').next().unwrap_or_default();
        let mut best = None;
        for attached in policies {
            for (index, statement) in attached.policy.candidates(service) {
                let missing = &mut self.missing;
                let naming = statement.applies(&self.query, &mut |key: &'a str| {
                    if !missing.iter().any(|known| known.eq_ignore_ascii_case(key)) {
                        missing.push(key);
                    }
                });
                if naming.is_none() {
                    continue;
                }
                if statement.effect == Effect::Allow {
                    best = best.max(naming);
                }
                self.found.push(Found { attached, level, index, effect: statement.effect });
            }
        }
        best
    }

    /// Whether every level of the organization allows, or none binds the subject.
    fn service_control(&mut self, levels: &'a [Vec<Attached>]) -> bool {
        if is_beyond_organization(self.query.asked.subject) {
            return true;
        }
        let mut allows = true;
        for policies in levels {
            allows &= self.level(Level::ServiceControl, policies).is_some();
        }
        allows
    }

    /// The level of an explicit deny that is said.
    fn denier(&self) -> Option<Level> {
        let order = [Level::ServiceControl, Level::Resource, Level::Identity, Level::Boundary, Level::Session];
        let denies =
            |level: &Level| self.found.iter().any(|found| found.level == *level && found.effect == Effect::Deny);
        order.into_iter().find(denies)
    }
}

/// Service control policies bind the users and roles of accounts, but for roles that are linked to a service.
/// Rule: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html>.
fn is_beyond_organization(subject: &Subject) -> bool {
    match subject.kind {
        SubjectKind::Anonymous | SubjectKind::WebIdentity | SubjectKind::Saml | SubjectKind::Service => true,
        SubjectKind::Root | SubjectKind::User | SubjectKind::FederatedUser => false,
        SubjectKind::Role => {
            let role = subject.role_arn.as_deref().unwrap_or_default();
            role.split_once(":role/").is_some_and(|(_, path)| path.starts_with("aws-service-role/"))
        }
    }
}
