//! Several policies together.
//! Sources: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>.

use policy::{Attached, Context, Effect, Kind, Level, Outcome, PolicySet, Request, Subject, SubjectKind, decide};

use crate::support::{ACCOUNT, attached, federated, root, session, user, without_account};

const ALLOW: &str = r#""Effect":"Allow","Action":"s3:*","Resource":"*""#;
const DENY: &str = r#""Effect":"Deny","Action":"s3:*","Resource":"*""#;
const OTHER: &str = r#""Effect":"Allow","Action":"ec2:*","Resource":"*""#;
const FOREIGN: &str = "999999999999";

/// What bears on the request. A text is a statement; for the resource, the value of `Principal`.
#[derive(Clone, Copy, Default)]
struct Case<'a> {
    identity: Option<&'a str>,
    boundary: Option<&'a str>,
    session: Option<&'a str>,
    service_control: &'a [&'a str],
    resource: Option<&'a str>,
    owner: Option<&'a str>,
    needs_resource_policy: bool,
}

const ALLOWED: Outcome = Outcome::Allowed;
const IMPLICIT: Outcome = Outcome::ImplicitDeny;
const EXPLICIT: Outcome = Outcome::ExplicitDeny;

#[track_caller]
fn check(subject: &Subject, case: Case<'_>, outcome: Outcome, level: Level) {
    let one = |statement: Option<&str>| -> Vec<Attached> {
        statement.iter().map(|statement| attached(Kind::Identity, &[statement])).collect()
    };
    let (identity, boundary, session) = (one(case.identity), one(case.boundary), one(case.session));
    let service_control: Vec<Vec<Attached>> =
        case.service_control.iter().map(|statement| vec![attached(Kind::ServiceControl, &[statement])]).collect();
    let resource = case.resource.map(|principal| {
        let (effect, principal) = principal.strip_prefix("deny ").map_or(("Allow", principal), |rest| ("Deny", rest));
        let element = if principal.starts_with("not ") { "NotPrincipal" } else { "Principal" };
        let principal = principal.trim_start_matches("not ");
        let statement = format!(r#""Effect":"{effect}","{element}":{principal},"Action":"s3:*","Resource":"*""#);
        attached(Kind::Resource, &[&statement])
    });
    let set = PolicySet {
        identity: &identity,
        boundary: boundary.first(),
        session: case.session.is_some().then_some(session.as_slice()),
        service_control: &service_control,
        resource: resource.as_ref(),
        owner: case.owner,
        needs_resource_policy: case.needs_resource_policy,
        ..PolicySet::default()
    };
    let context = Context::new();
    let request = Request { subject, action: "s3:GetObject", resource: "arn:aws:s3:::bucket/key", context: &context };
    let decision = decide(&request, &set);
    assert_eq!((decision.outcome, decision.because.level), (outcome, level));
    let is_foreign = case.owner.is_some_and(|owner| subject.account.as_deref().is_some_and(|account| account != owner));
    assert_eq!(decision.because.is_cross_account, is_foreign);
    let effect = if outcome == EXPLICIT { Effect::Deny } else { Effect::Allow };
    assert!(decision.matched.iter().all(|matched| matched.effect == effect));
    assert!(
        outcome == IMPLICIT
            || decision.matched.iter().any(|matched| matched.level == level)
            || subject.kind == SubjectKind::Root
    );
}

#[test]
fn identity_policies_alone() {
    let bob = user("bob");
    check(&bob, Case::default(), IMPLICIT, Level::Identity);
    check(&bob, Case { identity: Some(OTHER), ..Case::default() }, IMPLICIT, Level::Identity);
    check(&bob, Case { identity: Some(ALLOW), ..Case::default() }, ALLOWED, Level::Identity);
    check(&bob, Case { identity: Some(DENY), ..Case::default() }, EXPLICIT, Level::Identity);
    check(&session("r"), Case { identity: Some(ALLOW), ..Case::default() }, ALLOWED, Level::Identity);
    check(&root(), Case::default(), ALLOWED, Level::Identity);
}

#[test]
fn boundaries_and_session_policies_limit_what_identity_policies_allow() {
    let role = session("r");
    let all = Case { identity: Some(ALLOW), boundary: Some(ALLOW), session: Some(ALLOW), ..Case::default() };
    check(&role, all, ALLOWED, Level::Identity);
    check(&role, Case { identity: None, ..all }, IMPLICIT, Level::Identity);
    check(&role, Case { boundary: Some(OTHER), ..all }, IMPLICIT, Level::Boundary);
    check(&role, Case { session: Some(OTHER), ..all }, IMPLICIT, Level::Session);
    check(&role, Case { boundary: Some(DENY), ..all }, EXPLICIT, Level::Boundary);
    check(&role, Case { session: Some(DENY), ..all }, EXPLICIT, Level::Session);
    check(&root(), Case { session: Some(OTHER), ..Case::default() }, IMPLICIT, Level::Session);
}

#[test]
fn every_level_of_an_organization_must_allow() {
    let bob = user("bob");
    let case = |service_control| Case { identity: Some(ALLOW), service_control, ..Case::default() };
    check(&bob, case(&[ALLOW, ALLOW]), ALLOWED, Level::Identity);
    check(&bob, case(&[ALLOW, OTHER]), IMPLICIT, Level::ServiceControl);
    check(&bob, case(&[OTHER, ALLOW]), IMPLICIT, Level::ServiceControl);
    check(&bob, case(&[ALLOW, DENY]), EXPLICIT, Level::ServiceControl);
    check(&root(), case(&[OTHER]), IMPLICIT, Level::ServiceControl);
    check(&root(), case(&[DENY]), EXPLICIT, Level::ServiceControl);
    let everyone = Case { resource: Some("\"*\""), ..case(&[DENY]) };
    check(&bob, everyone, EXPLICIT, Level::ServiceControl);
    check(&bob, Case { resource: Some("\"*\""), ..case(&[OTHER]) }, IMPLICIT, Level::ServiceControl);
    check(&session("aws-service-role/s3.amazonaws.com/r"), case(&[DENY]), ALLOWED, Level::Identity);
    check(&without_account(SubjectKind::Anonymous, ""), everyone, ALLOWED, Level::Resource);
    check(&without_account(SubjectKind::Service, "s3.amazonaws.com"), everyone, ALLOWED, Level::Resource);
}

/// The table "Resource-based policies and implicit denies in other policy types (same account)".
#[test]
fn whom_a_policy_of_a_resource_names_decides_what_limits_it() {
    fn limited(resource: &str) -> Case<'_> {
        Case {
            resource: Some(resource),
            boundary: Some(OTHER),
            session: Some(OTHER),
            owner: Some(ACCOUNT),
            ..Case::default()
        }
    }
    let by_user = format!(r#"{{"AWS":"{}"}}"#, user("bob").arn);
    check(&user("bob"), Case { session: None, ..limited(&by_user) }, ALLOWED, Level::Resource);
    check(&user("eve"), Case { session: None, ..limited(&by_user) }, IMPLICIT, Level::Identity);

    let by_role = format!(r#"{{"AWS":"arn:aws:iam::{ACCOUNT}:role/path/r"}}"#);
    let role = session("path/r");
    check(&role, limited(&by_role), IMPLICIT, Level::Boundary);
    check(&role, Case { boundary: None, ..limited(&by_role) }, IMPLICIT, Level::Session);
    check(&role, Case { boundary: Some(ALLOW), session: Some(ALLOW), ..limited(&by_role) }, ALLOWED, Level::Resource);
    check(&role, Case { boundary: None, session: None, ..limited(&by_role) }, ALLOWED, Level::Resource);
    check(&session("r"), Case { boundary: None, session: None, ..limited(&by_role) }, IMPLICIT, Level::Identity);

    let by_session = format!(r#"{{"AWS":"arn:aws:sts::{ACCOUNT}:assumed-role/r/session"}}"#);
    check(&role, limited(&by_session), ALLOWED, Level::Resource);
    check(&session("other"), limited(&by_session), IMPLICIT, Level::Identity);

    let by_federated = format!(r#"{{"AWS":"arn:aws:sts::{ACCOUNT}:federated-user/alice"}}"#);
    let alice = federated("alice", "bob");
    check(&alice, limited(&by_federated), ALLOWED, Level::Resource);
    check(&alice, limited(&by_user), IMPLICIT, Level::Boundary);
    check(&alice, Case { boundary: None, ..limited(&by_user) }, IMPLICIT, Level::Session);
    check(&alice, Case { boundary: None, session: Some(ALLOW), ..limited(&by_user) }, ALLOWED, Level::Resource);

    for by_account in [format!(r#"{{"AWS":"{ACCOUNT}"}}"#), format!(r#"{{"AWS":["arn:aws:iam::{ACCOUNT}:root"]}}"#)] {
        let open = Case { boundary: None, session: None, ..limited(&by_account) };
        check(&user("bob"), open, IMPLICIT, Level::Identity);
        check(&user("bob"), Case { identity: Some(ALLOW), ..open }, ALLOWED, Level::Identity);
        check(&root(), open, ALLOWED, Level::Identity);
    }

    check(&role, limited("\"*\""), ALLOWED, Level::Resource);
    check(&role, limited(r#"{"AWS":"*"}"#), ALLOWED, Level::Resource);
    check(
        &user("bob"),
        Case { identity: Some(ALLOW), resource: Some("deny \"*\""), ..Case::default() },
        EXPLICIT,
        Level::Resource,
    );
    check(&root(), Case { resource: Some("deny \"*\""), ..Case::default() }, EXPLICIT, Level::Resource);
}

#[test]
fn federated_users_have_what_their_user_and_their_session_allow() {
    let alice = federated("alice", "bob");
    let both = Case { identity: Some(ALLOW), session: Some(ALLOW), ..Case::default() };
    check(&alice, both, ALLOWED, Level::Identity);
    check(&alice, Case { identity: None, ..both }, IMPLICIT, Level::Identity);
    check(&alice, Case { session: Some(OTHER), ..both }, IMPLICIT, Level::Session);
    check(&alice, Case { session: None, ..both }, IMPLICIT, Level::Session);
}

#[test]
fn across_accounts_both_sides_must_allow() {
    let account = format!(r#"{{"AWS":"{ACCOUNT}"}}"#);
    let by_user = format!(r#"{{"AWS":"{}"}}"#, user("bob").arn);
    let bob = user("bob");
    for resource in [account.as_str(), by_user.as_str(), "\"*\""] {
        let both = Case { identity: Some(ALLOW), resource: Some(resource), owner: Some(FOREIGN), ..Case::default() };
        check(&bob, both, ALLOWED, Level::Resource);
        check(&bob, Case { identity: None, ..both }, IMPLICIT, Level::Identity);
        check(&bob, Case { boundary: Some(OTHER), ..both }, IMPLICIT, Level::Boundary);
        check(&bob, Case { session: Some(OTHER), ..both }, IMPLICIT, Level::Session);
        check(&bob, Case { service_control: &[OTHER], ..both }, IMPLICIT, Level::ServiceControl);
        check(&bob, Case { resource: None, ..both }, IMPLICIT, Level::Resource);
        check(&bob, Case { needs_resource_policy: true, ..both }, ALLOWED, Level::Resource);
    }
    check(
        &root(),
        Case { resource: Some(&account), owner: Some(FOREIGN), ..Case::default() },
        ALLOWED,
        Level::Resource,
    );
    check(&root(), Case { owner: Some(FOREIGN), ..Case::default() }, IMPLICIT, Level::Resource);
    let of_foreign = format!(r#"{{"AWS":"{FOREIGN}"}}"#);
    let case = Case { identity: Some(ALLOW), resource: Some(&of_foreign), owner: Some(FOREIGN), ..Case::default() };
    check(&bob, case, IMPLICIT, Level::Resource);
}

#[test]
fn trust_policies_must_allow() {
    let bob = user("bob");
    let account = format!(r#"{{"AWS":"{ACCOUNT}"}}"#);
    let by_user = format!(r#"{{"AWS":"{}"}}"#, bob.arn);
    let case = Case { needs_resource_policy: true, owner: Some(ACCOUNT), ..Case::default() };
    check(&bob, Case { identity: Some(ALLOW), ..case }, IMPLICIT, Level::Resource);
    check(&bob, Case { resource: Some(&by_user), ..case }, ALLOWED, Level::Resource);
    check(&bob, Case { resource: Some(&account), ..case }, IMPLICIT, Level::Identity);
    check(&bob, Case { resource: Some(&account), identity: Some(ALLOW), ..case }, ALLOWED, Level::Identity);
    check(&bob, Case { resource: Some(&by_user), identity: Some(DENY), ..case }, EXPLICIT, Level::Identity);
}

#[test]
fn those_without_identity_policies_need_the_resource_alone() {
    let service = r#"{"Service":["ec2.amazonaws.com","lambda.amazonaws.com"]}"#;
    let by = |resource| Case { resource: Some(resource), ..Case::default() };
    check(&without_account(SubjectKind::Service, "ec2.amazonaws.com"), by(service), ALLOWED, Level::Resource);
    check(&without_account(SubjectKind::Service, "s3.amazonaws.com"), by(service), IMPLICIT, Level::Resource);
    check(&user("bob"), by(service), IMPLICIT, Level::Identity);
    let nobody = without_account(SubjectKind::Anonymous, "");
    check(&nobody, Case::default(), IMPLICIT, Level::Resource);
    check(&nobody, by("\"*\""), ALLOWED, Level::Resource);
    check(&nobody, by(r#"{"AWS":"123456789012"}"#), IMPLICIT, Level::Resource);
    check(&nobody, by("deny \"*\""), EXPLICIT, Level::Resource);
    let provider = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/a.example");
    let federated = format!(r#"{{"Federated":"{provider}"}}"#);
    let token = Subject { account: Some(ACCOUNT.to_owned()), ..without_account(SubjectKind::WebIdentity, &provider) };
    check(
        &token,
        Case { owner: Some(ACCOUNT), needs_resource_policy: true, ..by(&federated) },
        ALLOWED,
        Level::Resource,
    );
    check(&token, by(r#"{"Federated":"accounts.google.com"}"#), IMPLICIT, Level::Resource);
    check(&token, by(r#"{"AWS":"123456789012"}"#), IMPLICIT, Level::Resource);
    check(&user("bob"), by(&federated), IMPLICIT, Level::Identity);
    check(&without_account(SubjectKind::Saml, "s"), by(r#"{"Federated":"s"}"#), ALLOWED, Level::Resource);
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>.
#[test]
fn not_principal_takes_in_all_but_those_it_names() {
    let bob = user("bob");
    let deny_but = |principals: &[&str]| format!(r#"deny not {{"AWS":{principals:?}}}"#);
    let account = format!("arn:aws:iam::{ACCOUNT}:root");
    let but_bob = deny_but(&[&bob.arn, &account]);
    let case = |resource| Case { identity: Some(ALLOW), resource: Some(resource), ..Case::default() };
    check(&bob, case(&but_bob), ALLOWED, Level::Identity);
    check(&user("eve"), case(&but_bob), EXPLICIT, Level::Resource);
    check(&root(), case(&but_bob), ALLOWED, Level::Identity);
    check(&without_account(SubjectKind::Anonymous, ""), case(&but_bob), EXPLICIT, Level::Resource);
    check(&bob, Case { boundary: Some(ALLOW), ..case(&but_bob) }, EXPLICIT, Level::Resource);
    let role = session("r");
    let but_role = deny_but(&[role.role_arn.as_ref().unwrap(), &account]);
    check(&role, case(&but_role), EXPLICIT, Level::Resource);
    let but_session = deny_but(&[role.role_arn.as_ref().unwrap(), &role.arn, &account]);
    check(&role, case(&but_session), ALLOWED, Level::Identity);
}

#[test]
fn what_matched_says_where_it_is_from() {
    let identity = [attached(Kind::Identity, &[OTHER, &format!(r#""Sid":"mine",{ALLOW}"#)])];
    let set = PolicySet { identity: &identity, ..PolicySet::default() };
    let (bob, context) = (user("bob"), Context::new());
    let request = Request { subject: &bob, action: "S3:getobject", resource: "*", context: &context };
    let decision = decide(&request, &set);
    assert!(decision.is_allowed());
    let [matched] = decision.matched.as_slice() else { panic!("{decision:?}") };
    assert_eq!((matched.index, matched.sid.as_deref(), matched.source.id.as_str()), (1, Some("mine"), "policy"));
}
