//! The table of decisions, a kind of caller at a time.

use std::sync::Arc;

use api::{Caller, Principal, Session, SessionPolicy};
use ids::Arn;
use jiff::Span;
use policy::Kind;
use service::{Authorizer, Need, ResourcePolicy};

use super::world::{ACCOUNT, NOW, OTHER, World, account, bucket_doc, call, doc, on, under};

const NO_IDENTITY: &str = "because no identity-based policy allows the s3:GetObject action";
const NO_RESOURCE: &str = "because no resource-based policy allows the s3:GetObject action";
const NO_BOUNDARY: &str = "because no permissions boundary allows the s3:GetObject action";
const NO_SESSION: &str = "because no session policy allows the s3:GetObject action";
const DENY_IDENTITY: &str = "with an explicit deny in an identity-based policy";
const DENY_BOUNDARY: &str = "with an explicit deny in a permissions boundary";
const DENY_SESSION: &str = "with an explicit deny in a session policy";
const DENY_RESOURCE: &str = "with an explicit deny in a resource-based policy";

fn inline(document: &str) -> Option<Vec<SessionPolicy>> {
    Some(vec![SessionPolicy { arn: None, document: Some(document.to_owned()) }])
}

#[tokio::test]
async fn users_have_what_they_and_their_groups_were_given() {
    let world = World::new().await;
    let ann = world.user("ann", None).await;
    assert_eq!(world.asks(&ann, on("s3:GetObject", "b/k")), NO_IDENTITY);
    world.inline("user/ann", &doc("Allow", "s3:GetObject", "arn:aws:s3:::b/*")).await;
    assert_eq!(world.asks(&ann, on("s3:GetObject", "b/k")), "allowed");
    assert_eq!(world.asks(&ann, on("s3:GetObject", "c/k")), NO_IDENTITY);
    let policy = world.managed("P", &doc("Allow", "s3:GetObject", "arn:aws:s3:::c/*")).await;
    world.attach("user/ann", &policy).await;
    assert_eq!(world.asks(&ann, on("s3:GetObject", "c/k")), "allowed");
    assert_eq!(world.asks(&ann, on("s3:GetObject", "d/k")), NO_IDENTITY, "the older version is not in force");
    world.group("devs", &["ann"]).await;
    world.inline("group/devs", &doc("Allow", "s3:GetObject", "arn:aws:s3:::d/*")).await;
    assert_eq!(world.asks(&ann, on("s3:GetObject", "d/k")), "allowed");
    world.attach("group/devs", "arn:aws:iam::aws:policy/AdministratorAccess").await;
    assert_eq!(world.asks(&ann, on("s3:GetObject", "e/k")), "allowed");
    world.inline("user/ann", &doc("Deny", "s3:*", "*")).await;
    assert_eq!(world.asks(&ann, on("s3:GetObject", "d/k")), DENY_IDENTITY);
    let bob = world.user("bob", None).await;
    assert_eq!(world.asks(&bob, on("s3:GetObject", "b/k")), NO_IDENTITY);
}

#[tokio::test]
async fn a_later_user_of_the_same_name_is_another() {
    let world = World::new().await;
    let mut ann = world.user("ann", None).await;
    world.inline("user/ann", &doc("Allow", "*", "*")).await;
    ann.principal = Principal::User { name: "ann".into(), path: "/".into(), id: "AIDAold".into() };
    assert_eq!(world.asks(&ann, on("s3:GetObject", "b/k")), NO_IDENTITY);
}

#[tokio::test]
async fn boundaries_bound() {
    let world = World::new().await;
    let limit = world.managed("Limit", &doc("Allow", "s3:GetObject", "arn:aws:s3:::b/*")).await;
    let ann = world.user("ann", Some(&limit)).await;
    assert_eq!(world.asks(&ann, on("s3:GetObject", "b/k")), NO_IDENTITY, "a boundary gives nothing");
    world.inline("user/ann", &doc("Allow", "s3:*", "*")).await;
    assert_eq!(world.asks(&ann, on("s3:GetObject", "b/k")), "allowed");
    assert_eq!(world.asks(&ann, on("s3:GetObject", "c/k")), NO_BOUNDARY);
    world.managed("Limit", &doc("Deny", "s3:GetObject", "arn:aws:s3:::b/*")).await;
    assert_eq!(world.asks(&ann, on("s3:GetObject", "b/k")), DENY_BOUNDARY);
}

#[tokio::test]
async fn sessions_of_roles_have_what_both_sides_allow() {
    let world = World::new().await;
    let plain = world.role("ci", None, Session::default()).await;
    assert_eq!(world.asks(&plain, on("s3:GetObject", "b/k")), NO_IDENTITY);
    world.inline("role/ci", &doc("Allow", "s3:*", "*")).await;
    assert_eq!(world.asks(&plain, on("s3:GetObject", "b/k")), "allowed");
    let bound = |policies| {
        let session = Some(Arc::new(Session { policies, issued: NOW, ..Session::default() }));
        Caller { session, ..plain.clone() }
    };
    let narrow = bound(inline(&doc("Allow", "s3:GetObject", "arn:aws:s3:::b/*")));
    assert_eq!(world.asks(&narrow, on("s3:GetObject", "b/k")), "allowed");
    assert_eq!(world.asks(&narrow, on("s3:GetObject", "c/k")), NO_SESSION);
    let denied = bound(inline(&doc("Deny", "s3:GetObject", "*")));
    assert_eq!(world.asks(&denied, on("s3:GetObject", "b/k")), DENY_SESSION);
    let policy = world.managed("P", &doc("Allow", "s3:GetObject", "arn:aws:s3:::c/*")).await;
    let named = |arn: &str| SessionPolicy { arn: Some(arn.to_owned()), document: None };
    let managed = bound(Some(vec![named(&policy)]));
    assert_eq!(world.asks(&managed, on("s3:GetObject", "c/k")), "allowed");
    assert_eq!(world.asks(&managed, on("s3:GetObject", "b/k")), NO_SESSION);
    // Of a policy that is gone nobody knows what it denied, whatever the others say; one that was made since is another.
    let gone = named(&format!("arn:aws:iam::{ACCOUNT}:policy/gone"));
    for gone in [bound(Some(vec![gone.clone()])), bound(Some(vec![named(&policy), gone]))] {
        assert_eq!(world.asks(&gone, on("s3:GetObject", "c/k")), NO_SESSION);
    }
    let session =
        Session { policies: Some(vec![named(&policy)]), issued: NOW - Span::new().seconds(1), ..Session::default() };
    let before = Caller { session: Some(Arc::new(session)), ..plain.clone() };
    assert_eq!(world.asks(&before, on("s3:GetObject", "c/k")), NO_SESSION);
    assert_eq!(world.asks(&plain, on("s3:GetObject", "c/k")), "allowed", "other sessions of the role are not bound");
}

#[tokio::test]
async fn federated_users_have_what_their_maker_and_their_session_allow() {
    let world = World::new().await;
    world.user("ann", None).await;
    world.inline("user/ann", &doc("Allow", "s3:*", "arn:aws:s3:::b/*")).await;
    let unbound = world.federated(Some("ann"), None);
    assert_eq!(world.asks(&unbound, on("s3:GetObject", "b/k")), NO_SESSION, "without policies there is nothing");
    let wide = world.federated(Some("ann"), inline(&doc("Allow", "*", "*")));
    assert_eq!(world.asks(&wide, on("s3:GetObject", "b/k")), "allowed");
    assert_eq!(world.asks(&wide, on("s3:GetObject", "c/k")), NO_IDENTITY);
    let of_root = world.federated(None, inline(&doc("Allow", "s3:GetObject", "arn:aws:s3:::c/*")));
    assert_eq!(world.asks(&of_root, on("s3:GetObject", "c/k")), "allowed");
    assert_eq!(world.asks(&of_root, on("s3:GetObject", "b/k")), NO_SESSION);
}

#[tokio::test]
async fn root_users_and_services_may_do_all_at_home_and_nothing_abroad() {
    let world = World::new().await;
    let root = Caller::root(account(ACCOUNT), "AKIAroot");
    let service = Caller::service(account(ACCOUNT), "autoscaling.amazonaws.com");
    for caller in [&root, &service] {
        assert_eq!(world.asks(caller, on("s3:GetObject", "b/k")), "allowed");
        assert_eq!(world.asks(caller, Need::any("ec2:DescribeVpcs")), "allowed");
        assert_eq!(world.asks(caller, under("s3:GetObject", "b/k", ACCOUNT, None)), "allowed");
        assert_eq!(world.asks(caller, under("s3:GetObject", "b/k", OTHER, None)), NO_RESOURCE);
        let foreign = Need::on("ec2:StopInstances", Arn::new("ec2", "eu-lab-1", OTHER, "instance/i-1"));
        assert_eq!(world.asks(caller, foreign), "because no resource-based policy allows the ec2:StopInstances action");
        let images = Need::on("ec2:RunInstances", Arn::new("ec2", "eu-lab-1", "", "image/ami-1"));
        assert_eq!(world.asks(caller, images), "allowed");
        let of_aws = Need::on("iam:GetPolicy", Arn::new("iam", "", "aws", "policy/ReadOnlyAccess"));
        assert_eq!(world.asks(caller, of_aws), "allowed");
    }
}

#[tokio::test]
async fn policies_of_buckets_bind_root_users_but_for_mending_them() {
    let world = World::new().await;
    let root = Caller::root(account(ACCOUNT), "AKIAroot");
    let locked = bucket_doc("Deny", "\"*\"", "s3:*", "b");
    for (action, expected) in [
        ("s3:ListBucket", DENY_RESOURCE),
        ("s3:GetBucketPolicy", "allowed"),
        ("s3:PutBucketPolicy", "allowed"),
        ("s3:DeleteBucketPolicy", "allowed"),
    ] {
        assert_eq!(world.asks(&root, under(action, "b", ACCOUNT, Some(&locked))), expected, "{action}");
    }
    assert_eq!(world.asks(&root, under("s3:DeleteBucketPolicy", "b", OTHER, Some(&locked))), DENY_RESOURCE);
    let mut ann = world.user("ann", None).await;
    world.inline("user/ann", &doc("Allow", "s3:*", "*")).await;
    assert_eq!(world.asks(&ann, under("s3:DeleteBucketPolicy", "b", ACCOUNT, Some(&locked))), DENY_RESOURCE);
    // A text that is no policy was never stored; if it is there all the same, its owner can mend it and nobody else.
    let broken = under("s3:GetObject", "b/k", ACCOUNT, Some("{"));
    assert_eq!(world.asks(&root, broken.clone()), "allowed");
    ann.access_key = None;
    assert!(world.asks(&ann, broken).starts_with("error"));
}

#[tokio::test]
async fn across_accounts_both_sides_must_allow() {
    let world = World::new().await;
    let ann = world.user("ann", None).await;
    let lets_in = bucket_doc("Allow", &format!("{{\"AWS\":\"{ACCOUNT}\"}}"), "s3:GetObject", "b/*");
    let names = bucket_doc("Allow", &format!("{{\"AWS\":\"{}\"}}", ann.arn().unwrap()), "s3:GetObject", "b/*");
    let get = |owner, document| under("s3:GetObject", "b/k", owner, document);
    assert_eq!(world.asks(&ann, get(OTHER, Some(&lets_in))), NO_IDENTITY);
    assert_eq!(world.asks(&ann, get(ACCOUNT, Some(&lets_in))), NO_IDENTITY, "the account may delegate, and did not");
    assert_eq!(world.asks(&ann, get(ACCOUNT, Some(&names))), "allowed", "at home one side is enough");
    assert_eq!(world.asks(&ann, get(OTHER, Some(&names))), NO_IDENTITY);
    world.inline("user/ann", &doc("Allow", "s3:*", "*")).await;
    assert_eq!(world.asks(&ann, get(OTHER, Some(&lets_in))), "allowed");
    assert_eq!(world.asks(&ann, get(OTHER, Some(&names))), "allowed");
    assert_eq!(world.asks(&ann, get(OTHER, None)), NO_RESOURCE);
}

#[tokio::test]
async fn who_does_not_sign_has_what_everybody_has() {
    let world = World::new().await;
    let public = bucket_doc("Allow", "\"*\"", "s3:GetObject", "b/*");
    let nobody = Caller::ANONYMOUS;
    assert_eq!(world.asks(&nobody, under("s3:GetObject", "b/k", ACCOUNT, Some(&public))), "allowed");
    assert_eq!(world.asks(&nobody, under("s3:GetObject", "c/k", ACCOUNT, Some(&public))), NO_RESOURCE);
    assert_eq!(world.asks(&nobody, under("s3:GetObject", "b/k", ACCOUNT, None)), NO_RESOURCE);
    assert_eq!(world.asks(&nobody, on("s3:GetObject", "b/k")), NO_RESOURCE);
}

#[tokio::test]
async fn roles_are_assumed_by_those_whom_they_trust() {
    let world = World::new().await;
    let ann = world.user("ann", None).await;
    let assume = |owner: &str, principal: &str| {
        let document = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sts:AssumeRole"}}]}}"#
        );
        let policy = ResourcePolicy { document, kind: Kind::Trust, must_allow: true, principals: Vec::new() };
        let role = Arn::new("iam", "", owner, "role/ci");
        Need::on("sts:AssumeRole", role).under(account(owner), Some(Arc::new(policy)))
    };
    let arn = ann.arn().unwrap();
    let no_identity = "because no identity-based policy allows the sts:AssumeRole action";
    assert_eq!(world.asks(&ann, assume(ACCOUNT, OTHER)), "", "no reason is given");
    assert_eq!(world.asks(&ann, assume(ACCOUNT, &arn)), "allowed");
    assert_eq!(world.asks(&ann, assume(ACCOUNT, ACCOUNT)), no_identity);
    assert_eq!(world.asks(&ann, assume(OTHER, &arn)), no_identity);
    world.inline("user/ann", &doc("Allow", "sts:AssumeRole", "*")).await;
    assert_eq!(world.asks(&ann, assume(ACCOUNT, ACCOUNT)), "allowed");
    assert_eq!(world.asks(&ann, assume(ACCOUNT, OTHER)), "");
    assert_eq!(world.asks(&ann, assume(OTHER, &arn)), "allowed");
    let (_, _, refusal) = world.asks_with(&super::world::call(&ann), assume(ACCOUNT, OTHER));
    assert_eq!(
        refusal.unwrap().message(&ann),
        format!("User: {arn} is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::{ACCOUNT}:role/ci")
    );
}

#[tokio::test]
async fn parts_are_refused_each_for_itself() {
    let world = World::new().await;
    let ann = world.user("ann", None).await;
    world.inline("user/ann", &doc("Allow", "s3:DeleteObject", "arn:aws:s3:::c/open/*")).await;
    let view = world.store.view().unwrap();
    let delete = |key: &str, part: usize| under("s3:DeleteObject", key, ACCOUNT, None).for_part(part);
    let needs = [
        delete("c/open/1", 0),
        delete("c/shut/2", 1),
        on("s3:GetObject", "c/shut/2").for_part(1),
        delete("c/open/3", 2),
    ];
    let call = call(&ann);
    let refusals = world.authorizer.authorize(&call, &needs, &view).unwrap();
    let refused: Vec<_> = refusals.iter().map(|refusal| (refusal.need.part, refusal.need.resource_text())).collect();
    assert_eq!(refused, [(Some(1), "arn:aws:s3:::c/shut/2")], "once for each part");
    let verdicts: Vec<bool> = call.verdicts.take().iter().map(|verdict| verdict.is_allowed).collect();
    assert_eq!(verdicts, [true, false, true]);
    let whole = [delete("c/open/1", 0), on("s3:ListBucket", "c")];
    assert!(world.authorizer.authorize(&call, &whole, &view).is_err());
}
