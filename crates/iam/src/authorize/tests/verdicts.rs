//! What a call's record will say.

use api::Caller;

use super::world::{ACCOUNT, World, account, call, doc, doc_if, on};

#[tokio::test]
async fn an_allowed_call_names_the_statements_that_allow() {
    let world = World::new().await;
    let ann = world.user("ann", None).await;
    world.group("devs", &["ann"]).await;
    world.inline("group/devs", &doc("Allow", "s3:*", "*")).await;
    let (_, verdict, _) = world.asks_with(&call(&ann), on("s3:GetObject", "b/k"));
    let verdict = verdict.unwrap();
    assert_eq!((&*verdict.action, &*verdict.resource), ("s3:GetObject", "arn:aws:s3:::b/k"));
    assert_eq!(&*verdict.because, "because an identity-based policy allows it");
    let [statement] = &verdict.statements[..] else { panic!("one statement") };
    assert_eq!((statement.kind, statement.policy.as_str()), ("identity-based policy", "I"));
    assert_eq!(statement.attached_to, format!("arn:aws:iam::{ACCOUNT}:group/devs"));
    assert_eq!((statement.number, statement.sid.as_deref(), statement.is_deny), (1, Some("One"), false));
    assert!(verdict.considered.is_empty());
    let root = Caller::root(account(ACCOUNT), "AKIAroot");
    let (_, verdict, _) = world.asks_with(&call(&root), on("s3:GetObject", "b/k"));
    let verdict = verdict.unwrap();
    assert_eq!(&*verdict.because, "because the caller is the root user of the account");
    assert!(verdict.statements.is_empty() && verdict.considered.is_empty());
}

#[tokio::test]
async fn a_refused_call_says_what_was_looked_at_and_what_was_nearly_so() {
    let world = World::new().await;
    let ann = world.user("ann", None).await;
    let conditions = r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#;
    world.inline("user/ann", &doc_if("Allow", "s3:Get*", "arn:aws:s3:::c/*", conditions)).await;
    world.attach("user/ann", &world.managed("P", &doc("Allow", "s3:Put*", "*")).await).await;
    let (_, verdict, _) = world.asks_with(&call(&ann), on("s3:GetObject", "b/k"));
    let verdict = verdict.unwrap();
    let said: Vec<_> = verdict.considered.iter().map(|one| (one.policy.as_str(), one.nearly.as_slice())).collect();
    let near = "statement 1 (One): its resources are arn:aws:s3:::c/*; \
                IpAddress of aws:SourceIp wants 10.0.0.0/8 and the request has 203.0.113.7; \
                Bool of aws:MultiFactorAuthPresent wants true and the request has no such key";
    let managed = format!("arn:aws:iam::{ACCOUNT}:policy/P");
    assert_eq!(said, [("I", &[near.to_owned()][..]), (managed.as_str(), &[])]);
    world.inline("user/ann", &doc("Deny", "s3:Get*", "*")).await;
    let (_, verdict, _) = world.asks_with(&call(&ann), on("s3:GetObject", "b/k"));
    let verdict = verdict.unwrap();
    assert!(verdict.statements[0].is_deny);
    assert!(verdict.considered.iter().all(|policy| policy.nearly.is_empty()), "what denies says enough");
}

#[tokio::test]
async fn what_is_said_of_a_refusal_is_bounded() {
    let world = World::new().await;
    let ann = world.user("ann", None).await;
    let statement = |number: usize| {
        let resource = format!("arn:aws:s3:::{}", "x".repeat(300));
        format!(r#"{{"Sid":"S{number}","Effect":"Allow","Action":"s3:Get*","Resource":["{resource}","{resource}"]}}"#)
    };
    let statements: Vec<_> = (0..20).map(statement).collect();
    let document = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
    for number in 0..60 {
        let policy = world.managed(&format!("P{number}"), &document).await;
        world.attach("user/ann", &policy).await;
    }
    let (_, verdict, _) = world.asks_with(&call(&ann), on("s3:GetObject", "b/k"));
    let considered = verdict.unwrap().considered;
    let words: usize = considered.iter().flat_map(|policy| &policy.nearly).map(String::len).sum();
    assert!(considered.len() <= 40 && words < 12_000, "{} policies, {words} bytes", considered.len());
}
