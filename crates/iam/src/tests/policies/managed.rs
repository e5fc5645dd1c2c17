//! Managed policies, their versions and their tags.

use std::time::Duration;

use api::iam::{
    CreatePolicyRequest, CreatePolicyVersionRequest, DeletePolicyRequest, DeletePolicyVersionRequest, GetPolicyRequest,
    GetPolicyVersionRequest, IamApi, ListPoliciesRequest, ListPolicyTagsRequest, ListPolicyVersionsRequest,
    SetDefaultPolicyVersionRequest, Tag, TagPolicyRequest, UntagPolicyRequest,
};

use super::super::fixture::{Fixture, our_account, ours, refusal, theirs};
use super::{allow, attach, create, populated, store};
use crate::CountRecord;
use crate::policies::encode::encoded;

const ADMIN: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

fn version_of(arn: &str, version: &str) -> GetPolicyVersionRequest {
    GetPolicyVersionRequest { policy_arn: arn.to_owned(), version_id: version.to_owned() }
}

async fn add_version(fixture: &Fixture, arn: &str, action: &str, is_default: bool) -> Result<String, (String, String)> {
    let input = CreatePolicyVersionRequest {
        policy_arn: arn.to_owned(),
        policy_document: allow(action),
        set_as_default: Some(is_default),
    };
    let made = fixture.iam.create_policy_version(ours(), input).await;
    made.map(|made| made.policy_version.unwrap().version_id.unwrap()).map_err(|error| refusal::<()>(Err(error)))
}

#[tokio::test]
async fn a_policy_is_made_shown_and_taken_away() {
    let fixture = populated().await;
    let tag = Tag { key: "Team".to_owned(), value: "blue".to_owned() };
    let input = CreatePolicyRequest {
        policy_name: "Read".to_owned(),
        path: Some("/a/b/".to_owned()),
        policy_document: allow("s3:GetObject"),
        description: Some("text".to_owned()),
        tags: Some(vec![tag.clone()]),
    };
    let made = fixture.iam.create_policy(ours(), input.clone()).await.unwrap().policy.unwrap();
    let arn = made.arn.clone().unwrap();
    assert_eq!(arn, "arn:aws:iam::111111111111:policy/a/b/Read");
    assert_eq!(fixture.needs_text(), [format!("iam:CreatePolicy {arn}"), format!("iam:TagPolicy {arn}")]);
    assert_eq!(fixture.context(), ["aws:RequestTag/Team=blue", "aws:TagKeys=Team"]);
    assert!(made.policy_id.unwrap().starts_with("ANPA"));
    assert_eq!((made.description, made.tags.clone()), (None, Some(vec![tag.clone()])));

    let again = CreatePolicyRequest { policy_name: "READ".to_owned(), path: None, ..input };
    let taken = "A policy called READ already exists. Duplicate names are not allowed.";
    let refused = refusal(fixture.iam.create_policy(ours(), again).await);
    assert_eq!(refused, ("EntityAlreadyExists".to_owned(), taken.to_owned()));

    attach(&fixture, "Ann", &arn).await;
    let get = GetPolicyRequest { policy_arn: arn.clone() };
    let shown = fixture.iam.get_policy(ours(), get.clone()).await.unwrap().policy.unwrap();
    assert_eq!(fixture.context(), ["aws:ResourceTag/Team=blue", "iam:ResourceTag/Team=blue"]);
    assert_eq!((shown.attachment_count, shown.permissions_boundary_usage_count), (Some(1), Some(0)));
    assert_eq!((shown.is_attachable, shown.default_version_id.as_deref()), (Some(true), Some("v1")));
    assert_eq!((shown.description.as_deref(), shown.tags), (Some("text"), Some(vec![tag])));

    let delete = DeletePolicyRequest { policy_arn: arn.clone() };
    let refused = refusal(fixture.iam.delete_policy(ours(), delete.clone()).await);
    assert_eq!(refused, ("DeleteConflict".to_owned(), "Cannot delete a policy attached to entities.".to_owned()));
    let detach = api::iam::DetachUserPolicyRequest { user_name: "ann".to_owned(), policy_arn: arn.clone() };
    fixture.iam.detach_user_policy(ours(), detach).await.unwrap();
    fixture.iam.delete_policy(ours(), delete.clone()).await.unwrap();
    let refused = refusal(fixture.iam.get_policy(ours(), get).await);
    assert_eq!(refused, ("NoSuchEntity".to_owned(), format!("Policy {arn} was not found.")));
    let refused = refusal(fixture.iam.delete_policy(ours(), delete).await);
    assert_eq!(refused, ("NoSuchEntity".to_owned(), format!("Policy {arn} was not found.")));
    let shapes = fixture.store.view().unwrap().scan::<crate::PolicyVersionRecord>(&::store::KeyPrefix::all(), None, 9);
    assert!(shapes.unwrap().is_empty(), "its versions are gone too");
}

#[tokio::test]
async fn what_is_no_policy_is_refused() {
    let fixture = populated().await;
    let check = async |name: &str, document: String, code: &str, text: &str| {
        let (policy_name, policy_document) = (name.to_owned(), document);
        let input = CreatePolicyRequest { policy_name, policy_document, ..CreatePolicyRequest::default() };
        let (found, message) = refusal(fixture.iam.create_policy(ours(), input).await);
        assert_eq!(found, code);
        assert!(message.contains(text), "{message}");
    };
    check("P", "{".to_owned(), "MalformedPolicyDocument", "").await;
    let long = allow(&format!("s3:{}", "x".repeat(6144)));
    check("P", long, "LimitExceeded", "Cannot exceed quota for PolicySize: 6144").await;
    let counted = |count| [CountRecord { account: our_account(), kind: "Policies".to_owned(), count }];
    store(&fixture, &counted(1500)).await;
    check("P", allow("s3:*"), "LimitExceeded", "Cannot exceed quota for PoliciesPerAccount: 1500").await;
    store(&fixture, &counted(1499)).await;
    for arn in ["arn:aws:s3:::bucket-of-things", "arn:aws:iam::111111111111:user/ann", "something-not-an-arn"] {
        let input = GetPolicyRequest { policy_arn: arn.to_owned() };
        let refused = refusal(fixture.iam.get_policy(ours(), input).await);
        assert_eq!(refused, ("ValidationError".to_owned(), format!("ARN {arn} is not valid.")));
    }
    let spaced = allow("s3:GetObject").replace("\":", &format!("\":{}", " ".repeat(3000)));
    let input = CreatePolicyRequest { policy_name: "Q".to_owned(), policy_document: spaced, ..Default::default() };
    fixture.iam.create_policy(ours(), input).await.unwrap();
}

#[tokio::test]
async fn versions_are_five_and_their_numbers_never_return() {
    let fixture = populated().await;
    let arn = create(&fixture, "/", "P").await;
    fixture.advance(Duration::from_secs(60));
    for number in 2..=5 {
        assert_eq!(add_version(&fixture, &arn, "s3:*", number == 3).await, Ok(format!("v{number}")));
    }
    let full = "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing \
                version.";
    assert_eq!(add_version(&fixture, &arn, "s3:*", false).await, Err(("LimitExceeded".to_owned(), full.to_owned())));
    let delete = |version: &str| {
        let input = DeletePolicyVersionRequest { policy_arn: arn.clone(), version_id: version.to_owned() };
        fixture.iam.delete_policy_version(ours(), input)
    };
    let refused = refusal(delete("v3").await);
    assert_eq!(refused, ("DeleteConflict".to_owned(), "Cannot delete the default version of a policy.".to_owned()));
    delete("v5").await.unwrap();
    let gone = format!("Policy {arn} version v5 does not exist or is not attachable.");
    assert_eq!(refusal(delete("v5").await), ("NoSuchEntity".to_owned(), gone.clone()));
    assert_eq!(add_version(&fixture, &arn, "s3:*", false).await, Ok("v6".to_owned()));

    let refused = refusal(fixture.iam.get_policy_version(ours(), version_of(&arn, "v5")).await);
    assert_eq!(refused.1, gone);
    let shown = fixture.iam.get_policy_version(ours(), version_of(&arn, "v1")).await.unwrap().policy_version.unwrap();
    assert_eq!(shown.document, Some(encoded(&allow("s3:GetObject"))));
    assert_eq!(shown.is_default_version, Some(false));

    let set = SetDefaultPolicyVersionRequest { policy_arn: arn.clone(), version_id: "v1".to_owned() };
    fixture.iam.set_default_policy_version(ours(), set).await.unwrap();
    let mut pages = Vec::new();
    let mut marker = None;
    loop {
        let input = ListPolicyVersionsRequest { policy_arn: arn.clone(), marker, max_items: Some(2) };
        let page = fixture.iam.list_policy_versions(ours(), input).await.unwrap();
        let shown = page.versions.unwrap().into_iter();
        pages.push(shown.map(|v| (v.version_id.unwrap(), v.is_default_version.unwrap())).collect::<Vec<_>>());
        marker = page.marker;
        if marker.is_none() {
            break;
        }
    }
    let found: Vec<(&str, bool)> = pages.iter().flatten().map(|(id, is)| (id.as_str(), *is)).collect();
    assert_eq!(found, [("v6", false), ("v4", false), ("v3", false), ("v2", false), ("v1", true)]);
    assert_eq!(pages.len(), 3);
    let conflict = refusal(fixture.iam.delete_policy(ours(), DeletePolicyRequest { policy_arn: arn }).await);
    assert!(conflict.1.starts_with("This policy has more than one version."), "{conflict:?}");
}

#[tokio::test]
async fn those_of_aws_are_there_and_stay_as_they_are() {
    let fixture = populated().await;
    attach(&fixture, "Ann", ADMIN).await;
    for (call, count) in [(ours(), 1), (theirs(), 0)] {
        let input = GetPolicyRequest { policy_arn: ADMIN.to_owned() };
        let shown = fixture.iam.get_policy(call, input).await.unwrap().policy.unwrap();
        assert_eq!((shown.attachment_count, shown.policy_name.as_deref()), (Some(count), Some("AdministratorAccess")));
    }
    let shown = fixture.iam.get_policy_version(ours(), version_of(ADMIN, "v1")).await.unwrap().policy_version.unwrap();
    assert!(shown.document.unwrap().starts_with("%7B%22Version%22%3A%222012-10-17%22"));
    assert_eq!(add_version(&fixture, ADMIN, "s3:*", true).await.unwrap_err().0, "AccessDenied");
    let delete = DeletePolicyRequest { policy_arn: ADMIN.to_owned() };
    assert_eq!(refusal(fixture.iam.delete_policy(ours(), delete).await).0, "AccessDenied");
}

async fn listed(fixture: &Fixture, input: ListPoliciesRequest) -> Vec<String> {
    let (mut names, mut marker) = (Vec::new(), None);
    loop {
        let page = fixture.iam.list_policies(ours(), ListPoliciesRequest { marker, ..input.clone() }).await.unwrap();
        names.extend(page.policies.unwrap().into_iter().map(|policy| policy.policy_name.unwrap()));
        marker = page.marker;
        assert_eq!(page.is_truncated, Some(marker.is_some()));
        if marker.is_none() {
            return names;
        }
    }
}

#[tokio::test]
async fn lists_are_of_ours_then_of_aws_and_filtered() {
    let fixture = populated().await;
    for (path, name) in [("/", "B"), ("/x/", "A"), ("/x/y/", "C")] {
        create(&fixture, path, name).await;
    }
    attach(&fixture, "Ann", ADMIN).await;
    attach(&fixture, "Ann", "arn:aws:iam::111111111111:policy/x/A").await;
    let all = listed(&fixture, ListPoliciesRequest { max_items: Some(100), ..Default::default() }).await;
    assert_eq!(all[..3], ["A", "B", "C"]);
    assert_eq!(all.len(), 3 + crate::managed::all().len());
    let check = async |input: ListPoliciesRequest, names: &[&str]| {
        for max_items in [None, Some(1), Some(2)] {
            assert_eq!(listed(&fixture, ListPoliciesRequest { max_items, ..input.clone() }).await, names);
        }
    };
    let local = ListPoliciesRequest { scope: Some("Local".to_owned()), ..Default::default() };
    check(local.clone(), &["A", "B", "C"]).await;
    check(ListPoliciesRequest { path_prefix: Some("/x/".to_owned()), ..local.clone() }, &["A", "C"]).await;
    check(ListPoliciesRequest { only_attached: Some(true), ..local }, &["A"]).await;
    let attached = ListPoliciesRequest { only_attached: Some(true), ..Default::default() };
    check(attached.clone(), &["A", "AdministratorAccess"]).await;
    check(ListPoliciesRequest { scope: Some("AWS".to_owned()), ..attached.clone() }, &["AdministratorAccess"]).await;
    let bounding = Some("PermissionsBoundary".to_owned());
    check(ListPoliciesRequest { policy_usage_filter: bounding, ..attached }, &[]).await;
    let theirs = fixture
        .iam
        .list_policies(theirs(), ListPoliciesRequest { scope: Some("Local".to_owned()), ..Default::default() });
    assert_eq!(theirs.await.unwrap().policies, Some(Vec::new()));
}

#[tokio::test]
async fn tags_come_and_go() {
    let fixture = populated().await;
    let policy_arn = create(&fixture, "/", "P").await;
    let tags = ["c", "a", "b"].map(|key| Tag { key: key.to_owned(), value: String::new() });
    let input = TagPolicyRequest { policy_arn: policy_arn.clone(), tags: tags.to_vec() };
    fixture.iam.tag_policy(ours(), input).await.unwrap();
    assert_eq!(fixture.context()[3], "aws:TagKeys=c,a,b");
    let input = UntagPolicyRequest { policy_arn: policy_arn.clone(), tag_keys: vec!["b".to_owned()] };
    fixture.iam.untag_policy(ours(), input).await.unwrap();
    let input = ListPolicyTagsRequest { policy_arn, marker: None, max_items: Some(1) };
    let page = fixture.iam.list_policy_tags(ours(), input.clone()).await.unwrap();
    assert_eq!((page.tags[0].key.as_str(), page.is_truncated), ("a", Some(true)));
    let page =
        fixture.iam.list_policy_tags(ours(), ListPolicyTagsRequest { marker: page.marker, ..input }).await.unwrap();
    assert_eq!((page.tags[0].key.as_str(), page.is_truncated), ("c", Some(false)));
    let aws = TagPolicyRequest { policy_arn: ADMIN.to_owned(), tags: tags.to_vec() };
    assert_eq!(refusal(fixture.iam.tag_policy(ours(), aws).await).0, "AccessDenied");
}
