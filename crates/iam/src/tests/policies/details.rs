//! `GetAccountAuthorizationDetails`.

use api::iam::{
    GetAccountAuthorizationDetailsRequest, GetAccountAuthorizationDetailsResponse, IamApi, PutRolePolicyRequest,
};

use super::super::fixture::{Fixture, our_account, ours, theirs};
use super::{allow, attach, create, populated, store, user};
use crate::policies::encode::encoded;
use crate::{InstanceProfileRecord, MembershipRecord, UserRecord};

async fn all(
    fixture: &Fixture,
    filter: &[&str],
    max_items: Option<i32>,
) -> (GetAccountAuthorizationDetailsResponse, usize) {
    let filter = (!filter.is_empty()).then(|| filter.iter().map(|kind| (*kind).to_owned()).collect());
    let mut whole = GetAccountAuthorizationDetailsResponse::default();
    let (mut marker, mut pages) = (None, 0);
    loop {
        let input = GetAccountAuthorizationDetailsRequest { filter: filter.clone(), max_items, marker };
        let page = fixture.iam.get_account_authorization_details(ours(), input).await.unwrap();
        pages += 1;
        whole.user_detail_list.get_or_insert_default().extend(page.user_detail_list.unwrap());
        whole.group_detail_list.get_or_insert_default().extend(page.group_detail_list.unwrap());
        whole.role_detail_list.get_or_insert_default().extend(page.role_detail_list.unwrap());
        whole.policies.get_or_insert_default().extend(page.policies.unwrap());
        marker = page.marker;
        if marker.is_none() {
            return (whole, pages);
        }
    }
}

#[tokio::test]
async fn everything_is_there_in_pages_of_any_size() {
    let fixture = populated().await;
    let arn = create(&fixture, "/", "P").await;
    attach(&fixture, "Ann", &arn).await;
    attach(&fixture, "Ann", "arn:aws:iam::aws:policy/ReadOnlyAccess").await;
    let tags = vec![("Team".to_owned(), "blue".to_owned())];
    store(&fixture, &[UserRecord { boundary: Some(arn.clone()), tags, ..user("/", "Ann") }]).await;
    store(&fixture, &[MembershipRecord { account: our_account(), user: "ann".into(), group: "devs".into() }]).await;
    let put = PutRolePolicyRequest {
        role_name: "Ci".to_owned(),
        policy_name: "inline".to_owned(),
        policy_document: allow("s3:*"),
    };
    fixture.iam.put_role_policy(ours(), put).await.unwrap();
    let profile = InstanceProfileRecord {
        account: our_account(),
        name: "Web".into(),
        path: "/".into(),
        id: "AIPAWEB".into(),
        created: fixture.now(),
        role: Some("ci".into()),
        tags: Vec::new(),
    };
    store(&fixture, &[profile]).await;

    let (whole, pages) = all(&fixture, &[], None).await;
    assert_eq!(pages, 1);
    for max_items in 1..5 {
        let (paged, pages) = all(&fixture, &[], Some(max_items)).await;
        assert_eq!(paged, whole);
        assert_eq!(pages, 6_usize.div_ceil(usize::try_from(max_items).unwrap()));
    }
    let user = &whole.user_detail_list.as_ref().unwrap()[0];
    assert_eq!(user.group_list, Some(vec!["Devs".to_owned()]));
    let attached: Vec<_> =
        user.attached_managed_policies.iter().flatten().map(|one| one.policy_name.clone().unwrap()).collect();
    assert_eq!(attached, ["P", "ReadOnlyAccess"]);
    assert_eq!(user.permissions_boundary.as_ref().unwrap().permissions_boundary_arn, Some(arn));
    assert_eq!(user.tags.as_ref().unwrap()[0].value, "blue");
    let roles = whole.role_detail_list.as_ref().unwrap();
    assert_eq!(roles.iter().map(|role| role.role_name.as_deref().unwrap()).collect::<Vec<_>>(), ["Ci", "Linked"]);
    let inline = &roles[0].role_policy_list.as_ref().unwrap()[0];
    assert_eq!(inline.policy_document, Some(encoded(&allow("s3:*"))));
    let profile = &roles[0].instance_profile_list.as_ref().unwrap()[0];
    assert_eq!((profile.instance_profile_name.as_str(), profile.roles[0].role_name.as_str()), ("Web", "Ci"));
    let policies = whole.policies.as_ref().unwrap();
    assert_eq!(
        policies.iter().map(|one| one.policy_name.as_deref().unwrap()).collect::<Vec<_>>(),
        ["P", "ReadOnlyAccess"]
    );
    assert_eq!((policies[0].attachment_count, policies[0].permissions_boundary_usage_count), (Some(1), Some(1)));
    assert_eq!(policies[0].policy_version_list.as_ref().unwrap()[0].document, Some(encoded(&allow("s3:GetObject"))));
}

#[tokio::test]
async fn a_filter_leaves_the_other_lists_empty() {
    let fixture = populated().await;
    create(&fixture, "/", "P").await;
    attach(&fixture, "Ann", "arn:aws:iam::aws:policy/ReadOnlyAccess").await;
    for (filter, counts) in [
        (["User"].as_slice(), [1, 0, 0, 0]),
        (&["Group"], [0, 1, 0, 0]),
        (&["Role"], [0, 0, 2, 0]),
        (&["LocalManagedPolicy"], [0, 0, 0, 1]),
        (&["AWSManagedPolicy"], [0, 0, 0, 1]),
        (&["AWSManagedPolicy", "LocalManagedPolicy", "User"], [1, 0, 0, 2]),
    ] {
        let (found, _) = all(&fixture, filter, Some(2)).await;
        let lengths = [
            found.user_detail_list.unwrap().len(),
            found.group_detail_list.unwrap().len(),
            found.role_detail_list.unwrap().len(),
            found.policies.unwrap().len(),
        ];
        assert_eq!(lengths, counts, "{filter:?}");
    }
    let input = GetAccountAuthorizationDetailsRequest::default();
    let theirs = fixture.iam.get_account_authorization_details(theirs(), input).await.unwrap();
    assert_eq!((theirs.user_detail_list, theirs.policies), (Some(Vec::new()), Some(Vec::new())));
}
