//! Users.

use api::Call;
use api::iam::{
    AddUserToGroupRequest, CreateAccessKeyRequest, CreateGroupRequest, CreateUserRequest, DeleteUserRequest,
    GetUserRequest, IamApi, ListAccessKeysRequest, ListGroupsForUserRequest, ListUserTagsRequest, ListUsersRequest,
    Tag, TagUserRequest, UntagUserRequest, UpdateUserRequest, User,
};
use store::Changes;

use super::fixture::{Fixture, our_account, ours, refusal, theirs};
use crate::{AccessKeyRecord, AttachmentRecord, InlinePolicyRecord, KeyOwner};

fn named(name: &str) -> CreateUserRequest {
    CreateUserRequest { user_name: name.to_owned(), ..CreateUserRequest::default() }
}

pub(super) async fn create(fixture: &Fixture, name: &str) -> User {
    fixture.iam.create_user(ours(), named(name)).await.unwrap().user.unwrap()
}

async fn get(fixture: &Fixture, call: Call, name: Option<&str>) -> Result<User, wire::ServiceError> {
    let input = GetUserRequest { user_name: name.map(str::to_owned) };
    fixture.iam.get_user(call, input).await.map(|answer| answer.user)
}

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.to_owned(), value: value.to_owned() }
}

#[tokio::test]
async fn a_user_is_as_it_was_made() {
    let fixture = Fixture::new().await;
    let tags = vec![tag("Team", "blue")];
    let input = CreateUserRequest { path: Some("/a/".into()), tags: Some(tags.clone()), ..named("Ann") };
    let made = fixture.iam.create_user(ours(), input).await.unwrap().user.unwrap();
    assert_eq!(made.arn, "arn:aws:iam::111111111111:user/a/Ann");
    assert_eq!((made.user_id.len(), &made.user_id[..4]), (21, "AIDA"));
    assert_eq!(
        fixture.needs_text(),
        ["iam:CreateUser arn:aws:iam::111111111111:user/a/Ann", "iam:TagUser arn:aws:iam::111111111111:user/a/Ann"]
    );
    assert_eq!(fixture.context(), ["aws:RequestTag/Team=blue", "aws:TagKeys=Team"]);

    assert_eq!(get(&fixture, ours(), Some("aNN")).await.unwrap(), made, "names are one whatever their case");
    assert_eq!(fixture.context(), ["aws:ResourceTag/Team=blue", "iam:ResourceTag/Team=blue"]);
    assert_eq!(get(&fixture, fixture.user("ann"), None).await.unwrap(), made, "who asks for oneself");
    assert_eq!(fixture.needs_text(), ["iam:GetUser arn:aws:iam::111111111111:user/a/Ann"]);

    let (code, text) = refusal(fixture.iam.create_user(ours(), named("ANN")).await);
    assert_eq!((code.as_str(), text.as_str()), ("EntityAlreadyExists", "User with name ANN already exists."));
    assert!(fixture.iam.create_user(theirs(), named("Ann")).await.is_ok(), "in another account");
}

#[tokio::test]
async fn the_root_user_has_no_name() {
    let fixture = Fixture::new().await;
    let root = get(&fixture, ours(), None).await.unwrap();
    assert_eq!((root.user_name, root.path, root.user_id.as_str()), (None, None, "111111111111"));
    assert_eq!(root.arn, "arn:aws:iam::111111111111:root");
}

#[tokio::test]
async fn a_boundary_must_exist() {
    let fixture = Fixture::new().await;
    let bounded = |arn: &str| CreateUserRequest { permissions_boundary: Some(arn.to_owned()), ..named("ann") };
    let refused = refusal(fixture.iam.create_user(ours(), bounded("arn:aws:iam::111111111111:policy/none")).await);
    assert_eq!(refused.0, "NoSuchEntity");
    let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let made = fixture.iam.create_user(ours(), bounded(arn)).await.unwrap().user.unwrap();
    let boundary = made.permissions_boundary.unwrap();
    assert_eq!(boundary.permissions_boundary_arn.as_deref(), Some(arn));
    assert_eq!(fixture.context(), [format!("iam:PermissionsBoundary={arn}")]);
}

#[tokio::test]
async fn a_renamed_user_keeps_all_it_had() {
    let fixture = Fixture::new().await;
    let made = create(&fixture, "ann").await;
    let group = CreateGroupRequest { group_name: "devs".into(), ..CreateGroupRequest::default() };
    fixture.iam.create_group(ours(), group).await.unwrap();
    let member = AddUserToGroupRequest { group_name: "devs".into(), user_name: "ann".into() };
    fixture.iam.add_user_to_group(ours(), member).await.unwrap();
    let key = CreateAccessKeyRequest { user_name: Some("ann".into()) };
    let key = fixture.iam.create_access_key(ours(), key).await.unwrap().access_key;
    let (account, owner) = (our_account(), "user/ann".to_owned());
    let inline =
        InlinePolicyRecord { account: account.clone(), owner: owner.clone(), name: "I".into(), document: "{}".into() };
    let attached = AttachmentRecord { account, owner, policy_arn: "arn:aws:iam::aws:policy/ReadOnlyAccess".into() };
    let mut changes = Changes::new();
    changes.put(&inline).unwrap();
    changes.put(&attached).unwrap();
    fixture.store.commit(None, changes).await.unwrap();

    let input =
        UpdateUserRequest { user_name: "ann".into(), new_path: Some("/b/".into()), new_user_name: Some("Bea".into()) };
    fixture.iam.update_user(ours(), input).await.unwrap();
    assert_eq!(
        fixture.needs_text(),
        ["iam:UpdateUser arn:aws:iam::111111111111:user/ann", "iam:UpdateUser arn:aws:iam::111111111111:user/b/Bea"]
    );
    assert_eq!(refusal(get(&fixture, ours(), Some("ann")).await).1, "The user with name ann cannot be found.");
    let renamed = get(&fixture, ours(), Some("bea")).await.unwrap();
    assert_eq!((renamed.arn.as_str(), renamed.user_id), ("arn:aws:iam::111111111111:user/b/Bea", made.user_id));
    let groups = ListGroupsForUserRequest { user_name: "bea".into(), ..ListGroupsForUserRequest::default() };
    assert_eq!(fixture.iam.list_groups_for_user(ours(), groups).await.unwrap().groups.len(), 1);
    let keys = ListAccessKeysRequest { user_name: Some("bea".into()), ..ListAccessKeysRequest::default() };
    let keys = fixture.iam.list_access_keys(ours(), keys).await.unwrap().access_key_metadata;
    assert_eq!(keys[0].access_key_id.as_ref(), Some(&key.access_key_id));
    let stored = fixture.get::<AccessKeyRecord>(&key.access_key_id).unwrap();
    assert!(matches!(stored.owner, KeyOwner::User { name, .. } if name == "Bea"));
    let new_key = |last: &str| (our_account(), "user/bea".to_owned(), last.to_owned());
    assert!(fixture.get::<InlinePolicyRecord>(&new_key("I")).is_some());
    assert!(fixture.get::<AttachmentRecord>(&new_key("arn:aws:iam::aws:policy/ReadOnlyAccess")).is_some());
    let (code, text) = refusal(delete(&fixture, "bea").await);
    assert_eq!((code.as_str(), text.as_str()), CONFLICT_POLICIES);

    create(&fixture, "ann").await;
    let taken = UpdateUserRequest { user_name: "ann".into(), new_path: None, new_user_name: Some("BEA".into()) };
    assert_eq!(refusal(fixture.iam.update_user(ours(), taken).await).0, "EntityAlreadyExists");
}

const CONFLICT_POLICIES: (&str, &str) = ("DeleteConflict", "Cannot delete entity, must detach all policies first.");

async fn delete(fixture: &Fixture, name: &str) -> Result<(), wire::ServiceError> {
    fixture.iam.delete_user(ours(), DeleteUserRequest { user_name: name.to_owned() }).await
}

#[tokio::test]
async fn another_case_is_the_same_user() {
    let fixture = Fixture::new().await;
    create(&fixture, "ann").await;
    let input = UpdateUserRequest { user_name: "ann".into(), new_path: None, new_user_name: Some("ANN".into()) };
    fixture.iam.update_user(ours(), input).await.unwrap();
    assert_eq!(get(&fixture, ours(), Some("ann")).await.unwrap().user_name.as_deref(), Some("ANN"));
}

#[tokio::test]
async fn a_user_goes_when_nothing_hangs_on_it() {
    let fixture = Fixture::new().await;
    create(&fixture, "ann").await;
    let key = CreateAccessKeyRequest { user_name: Some("ann".into()) };
    fixture.iam.create_access_key(ours(), key).await.unwrap();
    let text = "Cannot delete entity, must delete access keys first.";
    assert_eq!(refusal(delete(&fixture, "ann").await), ("DeleteConflict".to_owned(), text.to_owned()));
    create(&fixture, "bea").await;
    delete(&fixture, "bea").await.unwrap();
    assert_eq!(refusal(delete(&fixture, "bea").await).0, "NoSuchEntity");
    assert_eq!(
        refusal(fixture.iam.delete_user(theirs(), DeleteUserRequest { user_name: "ann".into() }).await).0,
        "NoSuchEntity"
    );
}

#[tokio::test]
async fn tags_come_sorted_and_page_by_page() {
    let fixture = Fixture::new().await;
    create(&fixture, "ann").await;
    let tags = vec![tag("c", "3"), tag("a", "1"), tag("b", "2")];
    fixture.iam.tag_user(ours(), TagUserRequest { user_name: "ann".into(), tags }).await.unwrap();
    assert_eq!(
        fixture.context(),
        ["aws:RequestTag/a=1", "aws:RequestTag/b=2", "aws:RequestTag/c=3", "aws:TagKeys=c,a,b"]
    );
    let untag = UntagUserRequest { user_name: "ann".into(), tag_keys: vec!["B".into()] };
    fixture.iam.untag_user(ours(), untag).await.unwrap();
    let ask = |marker| ListUserTagsRequest { user_name: "ann".into(), marker, max_items: Some(1) };
    let first = fixture.iam.list_user_tags(ours(), ask(None)).await.unwrap();
    assert_eq!((first.tags, first.is_truncated), (vec![tag("a", "1")], Some(true)));
    let second = fixture.iam.list_user_tags(ours(), ask(first.marker)).await.unwrap();
    assert_eq!((second.tags, second.is_truncated, second.marker), (vec![tag("c", "3")], Some(false), None));
}

#[tokio::test]
async fn lists_know_paths() {
    let fixture = Fixture::new().await;
    for (name, path) in [("ann", "/a/"), ("Bea", "/b/"), ("cem", "/a/x/")] {
        let input = CreateUserRequest { path: Some(path.into()), ..named(name) };
        fixture.iam.create_user(ours(), input).await.unwrap();
    }
    let list = |prefix: Option<&str>| ListUsersRequest {
        path_prefix: prefix.map(str::to_owned),
        ..ListUsersRequest::default()
    };
    for (prefix, names, need) in [
        (None, &["ann", "Bea", "cem"][..], "user/"),
        (Some("/a/"), &["ann", "cem"], "user/a/"),
        (Some("/a/x"), &["cem"], "user/a/x"),
        (Some("/c/"), &[], "user/c/"),
    ] {
        let users = fixture.iam.list_users(ours(), list(prefix)).await.unwrap().users;
        let found: Vec<&str> = users.iter().filter_map(|user| user.user_name.as_deref()).collect();
        assert_eq!(found, names);
        assert_eq!(fixture.needs_text(), [format!("iam:ListUsers arn:aws:iam::111111111111:{need}")]);
    }
}
