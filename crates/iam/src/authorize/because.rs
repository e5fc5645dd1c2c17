//! A decision in AWS's words.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>.

use std::borrow::Cow;

use policy::{Decision, Kind, Level, Outcome};
use service::Need;

/// What a kind of policy is called.
pub(super) fn name(level: Level) -> &'static str {
    match level {
        Level::Identity => "identity-based policy",
        Level::Boundary => "permissions boundary",
        Level::Session => "session policy",
        Level::ServiceControl => "service control policy",
        Level::Resource => "resource-based policy",
    }
}

/// The end of the sentence on a need.
pub(super) fn because(decision: &Decision, need: &Need) -> Cow<'static, str> {
    let level = decision.because.level;
    let is_trust = need.policy.as_ref().is_some_and(|policy| policy.kind == Kind::Trust);
    match (decision.outcome, level) {
        (Outcome::Allowed, Level::Resource) => "because a resource-based policy allows it".into(),
        (Outcome::Allowed, _) => "because an identity-based policy allows it".into(),
        (Outcome::ExplicitDeny, Level::Identity) => "with an explicit deny in an identity-based policy".into(),
        (Outcome::ExplicitDeny, Level::Boundary) => "with an explicit deny in a permissions boundary".into(),
        (Outcome::ExplicitDeny, Level::Session) => "with an explicit deny in a session policy".into(),
        (Outcome::ExplicitDeny, Level::ServiceControl) => "with an explicit deny in a service control policy".into(),
        (Outcome::ExplicitDeny, Level::Resource) => "with an explicit deny in a resource-based policy".into(),
        // Who may assume a role is nobody's business, not even as a reason.
        (Outcome::ImplicitDeny, Level::Resource) if is_trust => "".into(),
        (Outcome::ImplicitDeny, level) => {
            format!("because no {} allows the {} action", name(level), need.action).into()
        }
    }
}
