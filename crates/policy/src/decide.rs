//! The decision.

use std::sync::Arc;

use crate::request::{PolicySet, Request, Source};

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

/// Decides on a request.
/// Rule: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>.
pub fn decide(_request: &Request<'_>, _set: &PolicySet<'_>) -> Decision {
    let because = Because { level: Level::Identity, is_cross_account: false };
    Decision { outcome: Outcome::ImplicitDeny, because, matched: Vec::new(), missing: Vec::new() }
}
