//! Inline policies of users, groups and roles.

use api::iam::{
    DeleteGroupPolicyRequest, DeleteRolePolicyRequest, DeleteUserPolicyRequest, GetGroupPolicyRequest,
    GetRolePolicyRequest, GetUserPolicyRequest, IamApi, ListGroupPoliciesRequest, ListRolePoliciesRequest,
    ListUserPoliciesRequest, PutGroupPolicyRequest, PutRolePolicyRequest, PutUserPolicyRequest,
};
use wire::ServiceError;

use super::super::fixture::{Fixture, ours, refusal};
use super::{allow, populated};
use crate::policies::encode::encoded;

/// The kinds of owner, one of each of which there is.
const OWNERS: [(&str, &str); 3] = [("user", "Ann"), ("group", "Devs"), ("role", "Ci")];

async fn put(fixture: &Fixture, kind: &str, owner: &str, name: &str, document: &str) -> Result<(), ServiceError> {
    let (owner, policy_name, policy_document) = (owner.to_owned(), name.to_owned(), document.to_owned());
    let iam = &fixture.iam;
    match kind {
        "user" => {
            iam.put_user_policy(ours(), PutUserPolicyRequest { user_name: owner, policy_name, policy_document }).await
        }
        "group" => {
            iam.put_group_policy(ours(), PutGroupPolicyRequest { group_name: owner, policy_name, policy_document })
                .await
        }
        _ => iam.put_role_policy(ours(), PutRolePolicyRequest { role_name: owner, policy_name, policy_document }).await,
    }
}

async fn get(fixture: &Fixture, kind: &str, owner: &str, name: &str) -> Result<(String, String), ServiceError> {
    let (owner, policy_name, iam) = (owner.to_owned(), name.to_owned(), &fixture.iam);
    Ok(match kind {
        "user" => {
            let found = iam.get_user_policy(ours(), GetUserPolicyRequest { user_name: owner, policy_name }).await?;
            (found.user_name, found.policy_document)
        }
        "group" => {
            let found = iam.get_group_policy(ours(), GetGroupPolicyRequest { group_name: owner, policy_name }).await?;
            (found.group_name, found.policy_document)
        }
        _ => {
            let found = iam.get_role_policy(ours(), GetRolePolicyRequest { role_name: owner, policy_name }).await?;
            (found.role_name, found.policy_document)
        }
    })
}

async fn delete(fixture: &Fixture, kind: &str, owner: &str, name: &str) -> Result<(), ServiceError> {
    let (owner, policy_name, iam) = (owner.to_owned(), name.to_owned(), &fixture.iam);
    match kind {
        "user" => iam.delete_user_policy(ours(), DeleteUserPolicyRequest { user_name: owner, policy_name }).await,
        "group" => iam.delete_group_policy(ours(), DeleteGroupPolicyRequest { group_name: owner, policy_name }).await,
        _ => iam.delete_role_policy(ours(), DeleteRolePolicyRequest { role_name: owner, policy_name }).await,
    }
}

async fn list(fixture: &Fixture, kind: &str, owner: &str, marker: Option<String>) -> (Vec<String>, Option<String>) {
    let (owner, max_items, iam) = (owner.to_owned(), Some(2), &fixture.iam);
    match kind {
        "user" => {
            let input = ListUserPoliciesRequest { user_name: owner, marker, max_items };
            let page = iam.list_user_policies(ours(), input).await.unwrap();
            (page.policy_names, page.marker)
        }
        "group" => {
            let input = ListGroupPoliciesRequest { group_name: owner, marker, max_items };
            let page = iam.list_group_policies(ours(), input).await.unwrap();
            (page.policy_names, page.marker)
        }
        _ => {
            let input = ListRolePoliciesRequest { role_name: owner, marker, max_items };
            let page = iam.list_role_policies(ours(), input).await.unwrap();
            (page.policy_names, page.marker)
        }
    }
}

#[tokio::test]
async fn they_are_written_read_listed_and_taken_away() {
    let fixture = populated().await;
    for (kind, owner) in OWNERS {
        for name in ["b", "c", "a"] {
            put(&fixture, kind, &owner.to_lowercase(), name, "{}").await.ok();
            put(&fixture, kind, &owner.to_lowercase(), name, &allow("s3:*")).await.unwrap();
        }
        let title = format!("{}{}", kind[..1].to_uppercase(), &kind[1..]);
        let arn = format!("arn:aws:iam::111111111111:{kind}/{owner}");
        assert_eq!(fixture.needs_text(), [format!("iam:Put{title}Policy {arn}")]);
        put(&fixture, kind, owner, "b", &allow("ec2:*")).await.unwrap();
        let found = get(&fixture, kind, owner, "b").await.unwrap();
        assert_eq!(found, (owner.to_owned(), encoded(&allow("ec2:*"))));

        let (first, marker) = list(&fixture, kind, owner, None).await;
        assert_eq!(first, ["a", "b"]);
        assert!(marker.is_some());
        assert_eq!(list(&fixture, kind, owner, marker).await, (vec!["c".to_owned()], None));

        delete(&fixture, kind, owner, "b").await.unwrap();
        let gone = format!("The {kind} policy with name b cannot be found.");
        assert_eq!(refusal(delete(&fixture, kind, owner, "b").await), ("NoSuchEntity".to_owned(), gone.clone()));
        assert_eq!(refusal(get(&fixture, kind, owner, "b").await), ("NoSuchEntity".to_owned(), gone));
        let nobody = format!("The {kind} with name nobody cannot be found.");
        assert_eq!(refusal(put(&fixture, kind, "nobody", "b", &allow("s3:*")).await).1, nobody);
        assert_eq!(refusal(get(&fixture, kind, "nobody", "b").await).1, nobody);
        assert_eq!(refusal(put(&fixture, kind, owner, "b", "[").await).0, "MalformedPolicyDocument");
    }
}

#[tokio::test]
async fn all_of_an_owner_together_are_bounded_in_size() {
    let fixture = populated().await;
    for ((kind, owner), most) in OWNERS.into_iter().zip([2048, 5120, 10240]) {
        let document = |size: usize| {
            let empty = allow("s3:").len();
            allow(&format!("s3:{}", "x".repeat(size - empty)))
        };
        put(&fixture, kind, owner, "half", &document(most / 2)).await.unwrap();
        put(&fixture, kind, owner, "rest", &document(most / 2)).await.unwrap();
        put(&fixture, kind, owner, "rest", &document(most / 2).replace("\":", "\" : ")).await.unwrap();
        let text = format!("Maximum policy size of {most} bytes exceeded for {kind} {owner}");
        let refused = refusal(put(&fixture, kind, owner, "rest", &document(most / 2 + 1)).await);
        assert_eq!(refused, ("LimitExceeded".to_owned(), text));
    }
}

#[tokio::test]
async fn the_role_of_a_service_is_not_changed() {
    let fixture = populated().await;
    let refused = refusal(put(&fixture, "role", "Linked", "p", &allow("s3:*")).await);
    let text = "Cannot perform the operation on the protected role 'Linked' - this role is only modifiable by AWS";
    assert_eq!(refused, ("UnmodifiableEntity".to_owned(), text.to_owned()));
    assert_eq!(refusal(delete(&fixture, "role", "Linked", "p").await).0, "UnmodifiableEntity");
}
