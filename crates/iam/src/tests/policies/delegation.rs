//! AWS's guide "Delegating responsibility to others using permissions boundaries", with the authoriser that decides.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>.

use std::sync::Arc;

use api::Call;
use api::iam::{
    AttachUserPolicyRequest, CreatePolicyRequest, CreatePolicyVersionRequest, CreateUserRequest,
    DeleteUserPermissionsBoundaryRequest, IamApi, PutUserPermissionsBoundaryRequest, PutUserPolicyRequest,
};
use testkit::FixedEffects;

use super::super::fixture::{Fixture, ours};
use super::{allow, store, user};
use crate::{PolicyAuthorizer, UserRecord};

const COMPANY: &str = "arn:aws:iam::111111111111:policy/XCompanyBoundaries";
const DELEGATED: &str = "arn:aws:iam::111111111111:policy/DelegatedUserBoundary";

const ZHANG: &str = r#"{"Version":"2012-10-17","Statement":[
  {"Sid":"CreateOrChangeOnlyWithBoundary","Effect":"Allow",
   "Action":["iam:AttachUserPolicy","iam:CreateUser","iam:DeleteUserPolicy","iam:DetachUserPolicy",
             "iam:PutUserPermissionsBoundary","iam:PutUserPolicy"],
   "Resource":"*",
   "Condition":{"StringEquals":{"iam:PermissionsBoundary":"arn:aws:iam::111111111111:policy/XCompanyBoundaries"}}},
  {"Sid":"CloudWatchAndOtherIAMTasks","Effect":"Allow",
   "Action":["cloudwatch:*","iam:CreatePolicy","iam:GetPolicy","iam:ListPolicies","iam:CreatePolicyVersion",
             "iam:DeleteUserPermissionsBoundary"],
   "Resource":"*"},
  {"Sid":"NoBoundaryPolicyEdit","Effect":"Deny",
   "Action":["iam:CreatePolicyVersion","iam:DeletePolicy","iam:DeletePolicyVersion","iam:SetDefaultPolicyVersion"],
   "Resource":["arn:aws:iam::111111111111:policy/XCompanyBoundaries",
               "arn:aws:iam::111111111111:policy/DelegatedUserBoundary"]},
  {"Sid":"NoBoundaryUserDelete","Effect":"Deny","Action":"iam:DeleteUserPermissionsBoundary","Resource":"*"}]}"#;

async fn create(fixture: &Fixture, name: &str, document: &str) {
    let (policy_name, policy_document) = (name.to_owned(), document.to_owned());
    let input = CreatePolicyRequest { policy_name, policy_document, ..Default::default() };
    fixture.iam.create_policy(ours(), input).await.unwrap();
}

async fn put(fixture: &Fixture, call: Call, name: &str) -> bool {
    let (user_name, policy_name) = (name.to_owned(), "own".to_owned());
    let input = PutUserPolicyRequest { user_name, policy_name, policy_document: allow("s3:*") };
    fixture.iam.put_user_policy(call, input).await.is_ok()
}

async fn attach(fixture: &Fixture, call: Call, name: &str, arn: &str) -> bool {
    let input = AttachUserPolicyRequest { user_name: name.to_owned(), policy_arn: arn.to_owned() };
    fixture.iam.attach_user_policy(call, input).await.is_ok()
}

async fn bound(fixture: &Fixture, call: Call, name: &str, arn: &str) -> bool {
    let (user_name, permissions_boundary) = (name.to_owned(), arn.to_owned());
    let input = PutUserPermissionsBoundaryRequest { user_name, permissions_boundary };
    fixture.iam.put_user_permissions_boundary(call, input).await.is_ok()
}

#[tokio::test]
async fn a_delegate_gives_no_more_than_the_boundary_and_cannot_lift_it() {
    let fixture =
        Fixture::enforcing(|store| Arc::new(PolicyAuthorizer::new(store, Arc::new(FixedEffects::default())))).await;
    create(&fixture, "XCompanyBoundaries", &allow("s3:*")).await;
    create(&fixture, "DelegatedUserBoundary", ZHANG).await;
    store(&fixture, &[UserRecord { boundary: Some(DELEGATED.to_owned()), ..user("/", "Zhang") }]).await;
    store(&fixture, &[UserRecord { boundary: Some(COMPANY.to_owned()), ..user("/", "Nikhil") }, user("/", "Free")])
        .await;
    // Zhang has all permissions, and his boundary leaves him those of the guide.
    assert!(attach(&fixture, ours(), "Zhang", "arn:aws:iam::aws:policy/AdministratorAccess").await);
    let zhang = || fixture.user("Zhang");

    for (boundary, is_allowed) in [(None, false), (Some(DELEGATED), false), (Some(COMPANY), true)] {
        let (user_name, permissions_boundary) = ("Nadia".to_owned(), boundary.map(str::to_owned));
        let input = CreateUserRequest { user_name, permissions_boundary, ..Default::default() };
        assert_eq!(fixture.iam.create_user(zhang(), input).await.is_ok(), is_allowed, "{boundary:?}");
    }
    assert!(put(&fixture, zhang(), "Nadia").await);
    assert!(attach(&fixture, zhang(), "Nikhil", "arn:aws:iam::aws:policy/AmazonS3FullAccess").await);
    assert!(put(&fixture, zhang(), "Nikhil").await);
    assert!(!attach(&fixture, zhang(), "Free", "arn:aws:iam::aws:policy/AmazonS3FullAccess").await, "unbounded");
    assert!(!put(&fixture, zhang(), "Free").await, "unbounded");
    assert!(!attach(&fixture, zhang(), "Zhang", "arn:aws:iam::aws:policy/AmazonS3FullAccess").await, "himself");
    assert!(!bound(&fixture, zhang(), "Free", "arn:aws:iam::aws:policy/AdministratorAccess").await, "a wider one");
    assert!(bound(&fixture, zhang(), "Free", COMPANY).await);
    assert!(put(&fixture, zhang(), "Free").await, "now bounded");
    let lift = DeleteUserPermissionsBoundaryRequest { user_name: "Nikhil".to_owned() };
    assert!(fixture.iam.delete_user_permissions_boundary(zhang(), lift).await.is_err());
    for (arn, is_allowed) in [(COMPANY, false), (DELEGATED, false)] {
        let (policy_arn, policy_document) = (arn.to_owned(), allow("*"));
        let widen = CreatePolicyVersionRequest { policy_arn, policy_document, set_as_default: Some(true) };
        assert_eq!(fixture.iam.create_policy_version(zhang(), widen).await.is_ok(), is_allowed);
    }
    // What he gave is worth no more than the boundary.
    let nikhil = fixture.user("Nikhil");
    assert!(attach(&fixture, ours(), "Nikhil", "arn:aws:iam::aws:policy/AdministratorAccess").await);
    assert!(!put(&fixture, nikhil, "Nikhil").await);
}
