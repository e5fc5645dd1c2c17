//! Permissions boundaries set and taken away.

use api::iam::{
    DeletePolicyRequest, DeleteRolePermissionsBoundaryRequest, DeleteUserPermissionsBoundaryRequest, IamApi,
    PutRolePermissionsBoundaryRequest, PutUserPermissionsBoundaryRequest, PutUserPolicyRequest,
};

use super::super::fixture::{our_account, ours, refusal};
use super::{allow, create, populated};
use crate::policies::check_boundary;
use crate::{RoleRecord, UserRecord};

#[tokio::test]
async fn a_boundary_is_set_seen_by_conditions_and_taken_away() {
    let fixture = populated().await;
    let arn = create(&fixture, "/", "Bound").await;
    let (user_name, permissions_boundary) = ("ann".to_owned(), arn.clone());
    let put = PutUserPermissionsBoundaryRequest { user_name, permissions_boundary };
    fixture.iam.put_user_permissions_boundary(ours(), put).await.unwrap();
    assert_eq!(fixture.context(), [format!("iam:PermissionsBoundary={arn}")]);
    let stored = |name: &str| fixture.get::<UserRecord>(&(our_account(), name.to_owned())).unwrap().boundary;
    assert_eq!(stored("ann"), Some(arn.clone()));
    let role_put = PutRolePermissionsBoundaryRequest { role_name: "ci".to_owned(), permissions_boundary: arn.clone() };
    fixture.iam.put_role_permissions_boundary(ours(), role_put).await.unwrap();
    assert_eq!(fixture.get::<RoleRecord>(&(our_account(), "ci".to_owned())).unwrap().boundary, Some(arn.clone()));

    // Changes of the policies of one who is bounded say so.
    let inline = PutUserPolicyRequest {
        user_name: "Ann".to_owned(),
        policy_name: "p".to_owned(),
        policy_document: allow("s3:*"),
    };
    fixture.iam.put_user_policy(ours(), inline).await.unwrap();
    assert_eq!(fixture.context(), [format!("iam:PermissionsBoundary={arn}")]);
    let refused = refusal(fixture.iam.delete_policy(ours(), DeletePolicyRequest { policy_arn: arn.clone() }).await);
    assert_eq!(refused, ("DeleteConflict".to_owned(), "Cannot delete a policy attached to entities.".to_owned()));

    let delete = DeleteUserPermissionsBoundaryRequest { user_name: "Ann".to_owned() };
    fixture.iam.delete_user_permissions_boundary(ours(), delete.clone()).await.unwrap();
    assert_eq!(fixture.context(), [format!("iam:PermissionsBoundary={arn}")]);
    assert_eq!(stored("ann"), None);
    assert_eq!(refusal(fixture.iam.delete_user_permissions_boundary(ours(), delete).await).0, "NoSuchEntity");
    let delete = DeleteRolePermissionsBoundaryRequest { role_name: "Ci".to_owned() };
    fixture.iam.delete_role_permissions_boundary(ours(), delete).await.unwrap();
    fixture.iam.delete_policy(ours(), DeletePolicyRequest { policy_arn: arn }).await.unwrap();
}

#[tokio::test]
async fn what_bounds_nobody() {
    let fixture = populated().await;
    let check = |arn: &str, text: &str| {
        let refused = check_boundary(&fixture.store.view().unwrap(), &our_account(), arn).unwrap_err();
        assert_eq!(refused.to_string(), text);
    };
    check("arn:aws:iam::aws:policy/No", "Scope ARN: arn:aws:iam::aws:policy/No does not exist or is not attachable.");
    check("ReadOnlyAccess", "ARN ReadOnlyAccess is not valid.");
    let of_service = "arn:aws:iam::aws:policy/aws-service-role/AutoScalingServiceRolePolicy";
    check(of_service, "Cannot use a Service Role Policy as a permissions boundary.");
    let view = fixture.store.view().unwrap();
    check_boundary(&view, &our_account(), "arn:aws:iam::aws:policy/ReadOnlyAccess").unwrap();
}
