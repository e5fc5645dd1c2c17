//! Managed and inline policies, attachments and boundaries, through the service.

mod access;
mod attached;
mod boundary;
mod delegation;
mod details;
mod inline;
mod managed;
mod simulate;

use api::iam::{AttachUserPolicyRequest, CreatePolicyRequest, IamApi};
use store::{Changes, Record};

use super::fixture::{Fixture, our_account, ours};
use crate::{GroupRecord, RoleRecord, UserRecord};

/// A document that allows this action.
pub(crate) fn allow(action: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#)
}

/// Stores records, as if other operations had made them.
pub(crate) async fn store<R: Record>(fixture: &Fixture, records: &[R]) {
    let mut changes = Changes::new();
    for record in records {
        changes.put(record).unwrap();
    }
    fixture.store.commit(None, changes).await.unwrap();
}

/// A user at this path.
pub(crate) fn user(path: &str, name: &str) -> UserRecord {
    UserRecord {
        account: our_account(),
        name: name.to_owned(),
        path: path.to_owned(),
        id: format!("AIDA{:A>17}", name.to_uppercase()),
        created: "2026-01-01T00:00:00Z".parse().unwrap(),
        boundary: None,
        tags: Vec::new(),
    }
}

/// A group.
pub(crate) fn group(name: &str) -> GroupRecord {
    GroupRecord {
        account: our_account(),
        name: name.to_owned(),
        path: "/".to_owned(),
        id: format!("AGPA{:A>17}", name.to_uppercase()),
        created: "2026-01-01T00:00:00Z".parse().unwrap(),
    }
}

/// A role.
pub(crate) fn role(name: &str) -> RoleRecord {
    RoleRecord {
        account: our_account(),
        name: name.to_owned(),
        path: "/".to_owned(),
        id: format!("AROA{:A>17}", name.to_uppercase()),
        created: "2026-01-01T00:00:00Z".parse().unwrap(),
        trust: "{}".to_owned(),
        description: None,
        max_session: 3600,
        boundary: None,
        tags: Vec::new(),
        linked_service: None,
    }
}

/// A region with the user Ann, the group Devs, the role Ci and the role of a service.
pub(crate) async fn populated() -> Fixture {
    let fixture = Fixture::new().await;
    store(&fixture, &[user("/", "Ann")]).await;
    store(&fixture, &[group("Devs")]).await;
    let linked = RoleRecord { linked_service: Some("autoscaling.amazonaws.com".to_owned()), ..role("Linked") };
    store(&fixture, &[role("Ci"), linked]).await;
    fixture
}

/// Makes a managed policy and gives its ARN.
pub(crate) async fn create(fixture: &Fixture, path: &str, name: &str) -> String {
    let input = CreatePolicyRequest {
        policy_name: name.to_owned(),
        path: Some(path.to_owned()),
        policy_document: allow("s3:GetObject"),
        ..CreatePolicyRequest::default()
    };
    let made = fixture.iam.create_policy(ours(), input).await.unwrap();
    made.policy.unwrap().arn.unwrap()
}

/// Attaches a policy to a user.
pub(crate) async fn attach(fixture: &Fixture, name: &str, arn: &str) {
    let input = AttachUserPolicyRequest { user_name: name.to_owned(), policy_arn: arn.to_owned() };
    fixture.iam.attach_user_policy(ours(), input).await.unwrap();
}
