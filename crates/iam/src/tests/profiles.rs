//! Instance profiles.

use api::iam::{
    AddRoleToInstanceProfileRequest, CreateInstanceProfileRequest, CreateRoleRequest, DeleteInstanceProfileRequest,
    GetInstanceProfileRequest, IamApi, InstanceProfile, ListInstanceProfileTagsRequest,
    ListInstanceProfilesForRoleRequest, ListInstanceProfilesRequest, RemoveRoleFromInstanceProfileRequest, Tag,
    TagInstanceProfileRequest, UntagInstanceProfileRequest,
};

use super::fixture::{Fixture, ours, refusal};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

async fn create(fixture: &Fixture, name: &str) -> InstanceProfile {
    let input = CreateInstanceProfileRequest {
        instance_profile_name: name.to_owned(),
        path: Some("/p/".into()),
        tags: Some(vec![Tag { key: "a".into(), value: "1".into() }]),
    };
    fixture.iam.create_instance_profile(ours(), input).await.unwrap().instance_profile
}

async fn get(fixture: &Fixture, name: &str) -> Result<InstanceProfile, wire::ServiceError> {
    let input = GetInstanceProfileRequest { instance_profile_name: name.to_owned() };
    fixture.iam.get_instance_profile(ours(), input).await.map(|answer| answer.instance_profile)
}

fn add(profile: &str, role: &str) -> AddRoleToInstanceProfileRequest {
    AddRoleToInstanceProfileRequest { instance_profile_name: profile.to_owned(), role_name: role.to_owned() }
}

#[tokio::test]
async fn a_profile_holds_one_role_which_its_giver_may_pass() {
    let fixture = Fixture::new().await;
    let made = create(&fixture, "Web").await;
    let arn = "arn:aws:iam::111111111111:instance-profile/p/Web";
    assert_eq!(made.arn, arn);
    assert_eq!(
        fixture.needs_text(),
        [format!("iam:CreateInstanceProfile {arn}"), format!("iam:TagInstanceProfile {arn}")]
    );
    assert_eq!(get(&fixture, "web").await.unwrap(), made);
    for name in ["one", "two"] {
        let input = CreateRoleRequest {
            role_name: name.into(),
            assume_role_policy_document: TRUST.into(),
            ..CreateRoleRequest::default()
        };
        fixture.iam.create_role(ours(), input).await.unwrap();
    }
    fixture.iam.add_role_to_instance_profile(ours(), add("web", "one")).await.unwrap();
    assert_eq!(
        fixture.needs_text(),
        [format!("iam:AddRoleToInstanceProfile {arn}"), "iam:PassRole arn:aws:iam::111111111111:role/one".to_owned()]
    );
    assert_eq!(get(&fixture, "web").await.unwrap().roles[0].role_name, "one");
    let refused = refusal(fixture.iam.add_role_to_instance_profile(ours(), add("web", "two")).await);
    let text = "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1";
    assert_eq!(refused, ("LimitExceeded".into(), text.into()));
    let list = |role: &str| {
        let input = ListInstanceProfilesForRoleRequest { role_name: role.to_owned(), ..Default::default() };
        fixture.iam.list_instance_profiles_for_role(ours(), input)
    };
    assert_eq!(list("one").await.unwrap().instance_profiles[0].arn, arn);
    assert!(list("two").await.unwrap().instance_profiles.is_empty());

    let delete = || {
        let input = DeleteInstanceProfileRequest { instance_profile_name: "web".into() };
        fixture.iam.delete_instance_profile(ours(), input)
    };
    let text = "Cannot delete entity, must remove roles from instance profile first.";
    assert_eq!(refusal(delete().await), ("DeleteConflict".into(), text.into()));
    let remove = |role: &str| {
        let input =
            RemoveRoleFromInstanceProfileRequest { instance_profile_name: "web".into(), role_name: role.to_owned() };
        fixture.iam.remove_role_from_instance_profile(ours(), input)
    };
    assert_eq!(refusal(remove("two").await).0, "NoSuchEntity");
    remove("one").await.unwrap();
    delete().await.unwrap();
    let text = "Instance Profile web cannot be found.";
    assert_eq!(refusal(get(&fixture, "web").await), ("NoSuchEntity".into(), text.into()));
}

#[tokio::test]
async fn profiles_are_listed_and_tagged() {
    let fixture = Fixture::new().await;
    for name in ["a", "b", "c"] {
        create(&fixture, name).await;
    }
    let tags = vec![Tag { key: "A".into(), value: "2".into() }];
    let input = TagInstanceProfileRequest { instance_profile_name: "a".into(), tags };
    fixture.iam.tag_instance_profile(ours(), input).await.unwrap();
    let tags = || {
        let input = ListInstanceProfileTagsRequest { instance_profile_name: "a".into(), ..Default::default() };
        fixture.iam.list_instance_profile_tags(ours(), input)
    };
    let keys = |tags: Vec<Tag>| tags.into_iter().map(|tag| tag.key).collect::<Vec<_>>();
    assert_eq!(keys(tags().await.unwrap().tags), ["A", "a"], "keys of profiles differ by case");
    let input = UntagInstanceProfileRequest { instance_profile_name: "a".into(), tag_keys: vec!["a".into()] };
    fixture.iam.untag_instance_profile(ours(), input).await.unwrap();
    assert_eq!(keys(tags().await.unwrap().tags), ["A"]);

    let ask = |marker| ListInstanceProfilesRequest { path_prefix: Some("/p".into()), marker, max_items: Some(2) };
    let first = fixture.iam.list_instance_profiles(ours(), ask(None)).await.unwrap();
    assert_eq!(fixture.needs_text(), ["iam:ListInstanceProfiles arn:aws:iam::111111111111:instance-profile/p"]);
    let second = fixture.iam.list_instance_profiles(ours(), ask(first.marker)).await.unwrap();
    assert_eq!((first.instance_profiles.len(), second.instance_profiles.len(), second.marker), (2, 1, None));
}
