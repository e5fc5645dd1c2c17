//! What a call's record will say of a decision. It is made for every call, so what is allowed takes few allocations; of a
//! refusal, all that explains it, in bounded size.

use std::borrow::Cow;

use api::{Caller, Principal, Verdict, VerdictPolicy, VerdictStatement};
use policy::{Attached, Decision, Effect, Level, NearMiss, Outcome, PolicySet, Request};
use service::Need;

use super::because::{self, because};

/// Most statements that a verdict names.
const MAX_STATEMENTS: usize = 16;
/// Most policies that are said to have been looked at.
const MAX_POLICIES: usize = 40;
/// Most statements that nearly applied, of a policy and of all of them.
const MAX_NEAR: usize = 8;
const MAX_NEAR_OF_ALL: usize = 24;
/// The most bytes of the words on one of them.
const MAX_WORDS: usize = 400;

fn resource_of(need: &Need) -> Cow<'static, str> {
    need.resource.as_ref().map_or(Cow::Borrowed("*"), |resource| Cow::Owned(resource.as_str().to_owned()))
}

/// Of what a root user does in its account.
pub(super) fn unbound(need: &Need, caller: &Caller) -> Verdict {
    let because = match caller.principal {
        Principal::Service(_) => "because the caller is a service of the region",
        _ => "because the caller is the root user of the account",
    };
    Verdict {
        action: need.action.clone(),
        resource: resource_of(need),
        is_allowed: true,
        because: because.into(),
        statements: Vec::new(),
        considered: Vec::new(),
    }
}

/// Of what policies decided.
pub(super) fn decided(need: &Need, decision: &Decision, considered: Vec<VerdictPolicy>) -> Verdict {
    let statements = decision.matched.iter().take(MAX_STATEMENTS).map(|matched| VerdictStatement {
        kind: because::name(matched.level),
        policy: matched.source.id.clone(),
        attached_to: matched.source.attached_to.clone(),
        number: matched.index + 1,
        sid: matched.sid.clone(),
        is_deny: matched.effect == Effect::Deny,
    });
    Verdict {
        action: need.action.clone(),
        resource: resource_of(need),
        is_allowed: decision.is_allowed(),
        because: because(decision, need),
        statements: statements.collect(),
        considered,
    }
}

/// The policies that were looked at for a refused request, and where one of them should have allowed it, what is nearly
/// so.
pub(super) fn considered(decision: &Decision, request: &Request<'_>, set: &PolicySet<'_>) -> Vec<VerdictPolicy> {
    let has_boundary = set.boundary.is_some();
    let is_missing = |level| decision.outcome == Outcome::ImplicitDeny && decision.because.level == level;
    let levels: [(Level, Vec<&Attached>); 5] = [
        (Level::ServiceControl, set.service_control.iter().flatten().collect()),
        (Level::Resource, set.resource.iter().copied().collect()),
        (Level::Identity, set.identity.iter().collect()),
        (Level::Boundary, set.boundary.iter().copied().collect()),
        (Level::Session, set.session.unwrap_or_default().iter().collect()),
    ];
    let mut considered = Vec::new();
    let mut room = MAX_NEAR_OF_ALL;
    for (level, attached) in levels.iter().flat_map(|(level, all)| all.iter().map(move |one| (*level, *one))) {
        if considered.len() >= MAX_POLICIES {
            break;
        }
        let mut nearly = Vec::new();
        if is_missing(level) && room > 0 {
            let misses = attached.policy.near_misses(request, has_boundary);
            let allowing = misses.iter().filter(|near| near.effect == Effect::Allow);
            nearly.extend(allowing.take(MAX_NEAR.min(room)).map(words));
            room -= nearly.len();
        }
        considered.push(VerdictPolicy {
            kind: because::name(level),
            policy: attached.source.id.clone(),
            attached_to: attached.source.attached_to.clone(),
            nearly,
        });
    }
    considered
}

/// Such as `statement 2 (One): its resources are arn:aws:s3:::b/*`.
fn words(near: &NearMiss) -> String {
    let mut text = format!("statement {}", near.index + 1);
    if let Some(sid) = near.sid.as_deref().filter(|sid| !sid.is_empty()) {
        text.push_str(&format!(" ({sid})"));
    }
    for (index, lack) in near.lacks.iter().enumerate() {
        text.push_str(if index == 0 { ": " } else { "; " });
        text.push_str(&lack.to_string());
    }
    if text.len() > MAX_WORDS {
        text.truncate(text.floor_char_boundary(MAX_WORDS));
        text.push('…');
    }
    text
}
