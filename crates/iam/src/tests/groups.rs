//! Groups and their members.

use api::iam::{
    AddUserToGroupRequest, CreateGroupRequest, DeleteGroupRequest, GetGroupRequest, IamApi, ListGroupsForUserRequest,
    ListGroupsRequest, RemoveUserFromGroupRequest, UpdateGroupRequest,
};

use super::fixture::{Fixture, ours, refusal};
use super::users;

async fn create(fixture: &Fixture, name: &str) {
    let input = CreateGroupRequest { group_name: name.to_owned(), path: Some("/g/".into()) };
    fixture.iam.create_group(ours(), input).await.unwrap();
}

async fn add(fixture: &Fixture, group: &str, user: &str) -> Result<(), wire::ServiceError> {
    let input = AddUserToGroupRequest { group_name: group.to_owned(), user_name: user.to_owned() };
    fixture.iam.add_user_to_group(ours(), input).await
}

async fn members(fixture: &Fixture, group: &str) -> Vec<String> {
    let (mut names, mut marker) = (Vec::new(), None);
    loop {
        let input = GetGroupRequest { group_name: group.to_owned(), marker, max_items: Some(2) };
        let page = fixture.iam.get_group(ours(), input).await.unwrap();
        assert_eq!(page.group.arn, format!("arn:aws:iam::111111111111:group/g/{group}"));
        names.extend(page.users.into_iter().filter_map(|user| user.user_name));
        match page.marker {
            None => return names,
            found => marker = found,
        }
    }
}

#[tokio::test]
async fn members_come_and_go_and_follow_the_name() {
    let fixture = Fixture::new().await;
    create(&fixture, "devs").await;
    assert_eq!(fixture.needs_text(), ["iam:CreateGroup arn:aws:iam::111111111111:group/g/devs"]);
    for name in ["ann", "Bea", "cem", "Dan", "eve"] {
        users::create(&fixture, name).await;
        add(&fixture, "DEVS", name).await.unwrap();
        add(&fixture, "devs", name).await.unwrap();
    }
    assert_eq!(fixture.needs_text(), ["iam:AddUserToGroup arn:aws:iam::111111111111:group/g/devs"]);
    assert_eq!(members(&fixture, "devs").await, ["ann", "Bea", "cem", "Dan", "eve"]);
    let gone = || RemoveUserFromGroupRequest { group_name: "devs".into(), user_name: "cem".into() };
    fixture.iam.remove_user_from_group(ours(), gone()).await.unwrap();
    fixture.iam.remove_user_from_group(ours(), gone()).await.unwrap();
    let nobody = RemoveUserFromGroupRequest { group_name: "none".into(), user_name: "nobody".into() };
    let text = "The user with name nobody cannot be found.";
    assert_eq!(refusal(fixture.iam.remove_user_from_group(ours(), nobody).await).1, text, "before the group");

    let input = UpdateGroupRequest { group_name: "devs".into(), new_path: None, new_group_name: Some("crew".into()) };
    fixture.iam.update_group(ours(), input).await.unwrap();
    assert_eq!(members(&fixture, "crew").await, ["ann", "Bea", "Dan", "eve"]);
    let input = ListGroupsForUserRequest { user_name: "ann".into(), ..ListGroupsForUserRequest::default() };
    let groups = fixture.iam.list_groups_for_user(ours(), input).await.unwrap().groups;
    assert_eq!(groups[0].group_name, "crew");

    let input = || DeleteGroupRequest { group_name: "crew".into() };
    let text = "Cannot delete entity, must remove users from group first.";
    assert_eq!(refusal(fixture.iam.delete_group(ours(), input()).await), ("DeleteConflict".into(), text.into()));
    for name in ["ann", "Bea", "Dan", "eve"] {
        let gone = RemoveUserFromGroupRequest { group_name: "crew".into(), user_name: name.into() };
        fixture.iam.remove_user_from_group(ours(), gone).await.unwrap();
    }
    fixture.iam.delete_group(ours(), input()).await.unwrap();
    assert!(fixture.iam.list_groups(ours(), ListGroupsRequest::default()).await.unwrap().groups.is_empty());
}

#[tokio::test]
async fn a_user_is_in_ten_groups_at_most() {
    let fixture = Fixture::new().await;
    users::create(&fixture, "ann").await;
    for number in 0..11 {
        create(&fixture, &format!("g{number}")).await;
    }
    for number in 0..10 {
        add(&fixture, &format!("g{number}"), "ann").await.unwrap();
    }
    let refused = refusal(add(&fixture, "g10", "ann").await);
    assert_eq!(refused, ("LimitExceeded".into(), "Cannot exceed quota for GroupsPerUser: 10".into()));
    add(&fixture, "g9", "ann").await.unwrap();
    assert_eq!(refusal(add(&fixture, "none", "ann").await).1, "The group with name none cannot be found.");
    assert_eq!(refusal(add(&fixture, "g1", "none").await).1, "The user with name none cannot be found.");
}
