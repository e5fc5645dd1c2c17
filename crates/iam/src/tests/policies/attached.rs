//! Managed policies attached and detached, and who has one.

use api::iam::{
    AttachGroupPolicyRequest, AttachRolePolicyRequest, AttachUserPolicyRequest, DetachGroupPolicyRequest,
    DetachRolePolicyRequest, DetachUserPolicyRequest, IamApi, ListAttachedGroupPoliciesRequest,
    ListAttachedRolePoliciesRequest, ListAttachedUserPoliciesRequest, ListEntitiesForPolicyRequest,
};
use wire::ServiceError;

use super::super::fixture::{Fixture, ours, refusal, theirs};
use super::{create, populated, role, store, user};

const OWNERS: [(&str, &str); 3] = [("user", "Ann"), ("group", "Devs"), ("role", "Ci")];
const ADMIN: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

async fn attach(fixture: &Fixture, kind: &str, owner: &str, arn: &str) -> Result<(), ServiceError> {
    let (owner, policy_arn, iam) = (owner.to_owned(), arn.to_owned(), &fixture.iam);
    match kind {
        "user" => iam.attach_user_policy(ours(), AttachUserPolicyRequest { user_name: owner, policy_arn }).await,
        "group" => iam.attach_group_policy(ours(), AttachGroupPolicyRequest { group_name: owner, policy_arn }).await,
        _ => iam.attach_role_policy(ours(), AttachRolePolicyRequest { role_name: owner, policy_arn }).await,
    }
}

async fn detach(fixture: &Fixture, kind: &str, owner: &str, arn: &str) -> Result<(), ServiceError> {
    let (owner, policy_arn, iam) = (owner.to_owned(), arn.to_owned(), &fixture.iam);
    match kind {
        "user" => iam.detach_user_policy(ours(), DetachUserPolicyRequest { user_name: owner, policy_arn }).await,
        "group" => iam.detach_group_policy(ours(), DetachGroupPolicyRequest { group_name: owner, policy_arn }).await,
        _ => iam.detach_role_policy(ours(), DetachRolePolicyRequest { role_name: owner, policy_arn }).await,
    }
}

async fn list(fixture: &Fixture, kind: &str, owner: &str, path_prefix: Option<&str>) -> Vec<String> {
    let (owner, path_prefix, iam) = (owner.to_owned(), path_prefix.map(str::to_owned), &fixture.iam);
    let (mut names, mut marker, max_items) = (Vec::new(), None, Some(1));
    loop {
        let (page, next) = match kind {
            "user" => {
                let path_prefix = path_prefix.clone();
                let input =
                    ListAttachedUserPoliciesRequest { user_name: owner.clone(), path_prefix, marker, max_items };
                let page = iam.list_attached_user_policies(ours(), input).await.unwrap();
                (page.attached_policies, page.marker)
            }
            "group" => {
                let path_prefix = path_prefix.clone();
                let input =
                    ListAttachedGroupPoliciesRequest { group_name: owner.clone(), path_prefix, marker, max_items };
                let page = iam.list_attached_group_policies(ours(), input).await.unwrap();
                (page.attached_policies, page.marker)
            }
            _ => {
                let path_prefix = path_prefix.clone();
                let input =
                    ListAttachedRolePoliciesRequest { role_name: owner.clone(), path_prefix, marker, max_items };
                let page = iam.list_attached_role_policies(ours(), input).await.unwrap();
                (page.attached_policies, page.marker)
            }
        };
        names.extend(page.unwrap().into_iter().map(|policy| policy.policy_name.unwrap()));
        marker = next;
        if marker.is_none() {
            return names;
        }
    }
}

#[tokio::test]
async fn they_are_attached_listed_and_detached() {
    let fixture = populated().await;
    let arn = create(&fixture, "/x/", "P").await;
    for (kind, owner) in OWNERS {
        attach(&fixture, kind, owner, &arn).await.unwrap();
        attach(&fixture, kind, owner, &arn).await.unwrap();
        attach(&fixture, kind, owner, ADMIN).await.unwrap();
        let title = format!("{}{}", kind[..1].to_uppercase(), &kind[1..]);
        let needed = format!("iam:Attach{title}Policy arn:aws:iam::111111111111:{kind}/{owner}");
        assert_eq!(fixture.needs_text(), [needed]);
        assert_eq!(fixture.context(), [format!("iam:PolicyARN={ADMIN}")]);
        assert_eq!(list(&fixture, kind, owner, None).await, ["P", "AdministratorAccess"]);
        assert_eq!(list(&fixture, kind, owner, Some("/x/")).await, ["P"]);

        detach(&fixture, kind, owner, &arn).await.unwrap();
        let refused = refusal(detach(&fixture, kind, owner, &arn).await);
        assert_eq!(refused, ("NoSuchEntity".to_owned(), format!("Policy {arn} was not found.")));
        assert_eq!(list(&fixture, kind, owner, None).await, ["AdministratorAccess"]);
        let nobody = format!("The {kind} with name nobody cannot be found.");
        assert_eq!(refusal(attach(&fixture, kind, "nobody", &arn).await).1, nobody);
        assert_eq!(refusal(detach(&fixture, kind, "nobody", &arn).await).1, nobody);
    }
}

#[tokio::test]
async fn what_cannot_be_attached() {
    let fixture = populated().await;
    let theirs_arn = {
        let input = api::iam::CreatePolicyRequest {
            policy_name: "T".to_owned(),
            policy_document: super::allow("s3:*"),
            ..Default::default()
        };
        fixture.iam.create_policy(theirs(), input).await.unwrap().policy.unwrap().arn.unwrap()
    };
    let check = async |kind: &str, owner: &str, arn: &str, code: &str, text: &str| {
        let refused = refusal(attach(&fixture, kind, owner, arn).await);
        assert_eq!(refused, (code.to_owned(), text.to_owned()));
    };
    for arn in [theirs_arn.as_str(), "arn:aws:iam::aws:policy/NoSuch", "arn:aws:iam::111111111111:policy/NoSuch"] {
        let text = format!("Policy {arn} does not exist or is not attachable.");
        check("user", "Ann", arn, "NoSuchEntity", &text).await;
    }
    check(
        "role",
        "Ci",
        "not-an-arn-at-all-but-long",
        "ValidationError",
        "ARN not-an-arn-at-all-but-long is not valid.",
    )
    .await;
    let of_service = "arn:aws:iam::aws:policy/aws-service-role/AutoScalingServiceRolePolicy";
    let text = "Cannot attach a Service Role Policy to a Customer Role.";
    check("role", "Ci", of_service, "PolicyNotAttachable", text).await;
    let linked = "Cannot perform the operation on the protected role 'Linked' - this role is only modifiable by AWS";
    check("role", "Linked", ADMIN, "UnmodifiableEntity", linked).await;
    for (kind, owner) in OWNERS {
        for number in 0..10 {
            let name = format!("{kind}{number}");
            let arn = create(&fixture, "/", &name).await;
            attach(&fixture, kind, owner, &arn).await.unwrap();
        }
        let title = format!("{}{}", kind[..1].to_uppercase(), &kind[1..]);
        let text = format!("Cannot exceed quota for PoliciesPer{title}: 10");
        check(kind, owner, ADMIN, "LimitExceeded", &text).await;
    }
}

#[tokio::test]
async fn the_entities_of_a_policy_come_in_pages_each_once() {
    let fixture = populated().await;
    let arn = create(&fixture, "/", "P").await;
    for (kind, owner) in OWNERS {
        attach(&fixture, kind, owner, &arn).await.unwrap();
    }
    // Ann has it attached and is bounded by it, Bob and Run are only bounded.
    let boundary = Some(arn.clone());
    let both = crate::UserRecord { boundary: boundary.clone(), ..user("/", "Ann") };
    store(&fixture, &[both, crate::UserRecord { boundary: boundary.clone(), ..user("/x/", "Bob") }]).await;
    store(&fixture, &[crate::RoleRecord { boundary, ..role("Run") }]).await;
    let listed = async |input: ListEntitiesForPolicyRequest| {
        let (mut names, mut marker) = (Vec::new(), None);
        loop {
            let input = ListEntitiesForPolicyRequest { marker, max_items: Some(2), ..input.clone() };
            let page = fixture.iam.list_entities_for_policy(ours(), input).await.unwrap();
            names.extend(page.policy_groups.unwrap().into_iter().map(|group| group.group_name.unwrap()));
            names.extend(page.policy_users.unwrap().into_iter().map(|user| user.user_name.unwrap()));
            names.extend(page.policy_roles.unwrap().into_iter().map(|role| role.role_name.unwrap()));
            marker = page.marker;
            if marker.is_none() {
                names.sort();
                return names;
            }
        }
    };
    let all = ListEntitiesForPolicyRequest { policy_arn: arn.clone(), ..Default::default() };
    assert_eq!(listed(all.clone()).await, ["Ann", "Bob", "Ci", "Devs", "Run"]);
    let of = |usage: &str| ListEntitiesForPolicyRequest { policy_usage_filter: Some(usage.to_owned()), ..all.clone() };
    assert_eq!(listed(of("PermissionsPolicy")).await, ["Ann", "Ci", "Devs"]);
    assert_eq!(listed(of("PermissionsBoundary")).await, ["Ann", "Bob", "Run"]);
    let users = ListEntitiesForPolicyRequest { entity_filter: Some("User".to_owned()), ..all.clone() };
    assert_eq!(listed(users).await, ["Ann", "Bob"]);
    let below = ListEntitiesForPolicyRequest { path_prefix: Some("/x/".to_owned()), ..all };
    assert_eq!(listed(below).await, ["Bob"]);
    let shown = fixture.iam.get_policy(ours(), api::iam::GetPolicyRequest { policy_arn: arn }).await.unwrap();
    let policy = shown.policy.unwrap();
    assert_eq!((policy.attachment_count, policy.permissions_boundary_usage_count), (Some(3), Some(3)));
}
