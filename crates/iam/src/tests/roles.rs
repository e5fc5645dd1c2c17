//! Roles, whom they trust, and those of services.

use api::iam::{
    AddRoleToInstanceProfileRequest, CreateInstanceProfileRequest, CreateRoleRequest, CreateServiceLinkedRoleRequest,
    CreateUserRequest, DeleteRoleRequest, DeleteServiceLinkedRoleRequest, DeleteUserRequest, GetRoleRequest,
    GetServiceLinkedRoleDeletionStatusRequest, IamApi, ListRoleTagsRequest, ListRolesRequest,
    RemoveRoleFromInstanceProfileRequest, Role, Tag, TagRoleRequest, UntagRoleRequest, UpdateAssumeRolePolicyRequest,
    UpdateRoleDescriptionRequest, UpdateRoleRequest, UpdateUserRequest,
};
use store::Changes;

use super::fixture::{Fixture, THEIRS, our_account, ours, refusal};
use super::users;
use crate::{AttachmentRecord, KeyUseRecord, TrustedRecord};

/// A trust policy that lets this principal in.
fn trusting(principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sts:AssumeRole"}}]}}"#
    )
}

fn named(name: &str, principal: &str) -> CreateRoleRequest {
    CreateRoleRequest {
        role_name: name.to_owned(),
        assume_role_policy_document: trusting(principal),
        ..CreateRoleRequest::default()
    }
}

async fn get(fixture: &Fixture, name: &str) -> Result<Role, wire::ServiceError> {
    fixture.iam.get_role(ours(), GetRoleRequest { role_name: name.to_owned() }).await.map(|answer| answer.role)
}

/// The trust policy that `GetRole` shows, decoded.
async fn trust(fixture: &Fixture, name: &str) -> String {
    let shown = get(fixture, name).await.unwrap().assume_role_policy_document.unwrap();
    assert!(shown.starts_with("%7B%22Version%22%3A"), "{shown}");
    wire::decode_path(&shown).unwrap()
}

async fn delete(fixture: &Fixture, name: &str) -> Result<(), wire::ServiceError> {
    fixture.iam.delete_role(ours(), DeleteRoleRequest { role_name: name.to_owned() }).await
}

#[tokio::test]
async fn a_role_is_as_it_was_made() {
    let fixture = Fixture::new().await;
    let input = CreateRoleRequest {
        path: Some("/app/".into()),
        description: Some("text".into()),
        tags: Some(vec![Tag { key: "Team".into(), value: "blue".into() }]),
        ..named("Ci", "111111111111")
    };
    let made = fixture.iam.create_role(ours(), input).await.unwrap().role;
    let arn = "arn:aws:iam::111111111111:role/app/Ci";
    assert_eq!((made.arn.as_str(), made.max_session_duration), (arn, None));
    assert_eq!(fixture.needs_text(), [format!("iam:CreateRole {arn}"), format!("iam:TagRole {arn}")]);
    let shown = get(&fixture, "ci").await.unwrap();
    assert_eq!((shown.max_session_duration, shown.description.as_deref()), (Some(3600), Some("text")));
    let as_made = Role { role_last_used: None, max_session_duration: None, description: None, ..shown.clone() };
    assert_eq!(as_made, made, "what may be changed later is not shown yet");
    assert_eq!(shown.role_last_used.unwrap().last_used_date, None);
    assert_eq!(trust(&fixture, "ci").await, trusting("111111111111"));
    assert_eq!(fixture.context(), ["aws:ResourceTag/Team=blue", "iam:ResourceTag/Team=blue"]);
    let refused = refusal(fixture.iam.create_role(ours(), named("CI", "*")).await);
    assert_eq!(refused, ("EntityAlreadyExists".into(), "Role with name CI already exists.".into()));

    let input = UpdateRoleRequest { role_name: "ci".into(), description: None, max_session_duration: Some(7200) };
    fixture.iam.update_role(ours(), input).await.unwrap();
    let input = UpdateRoleDescriptionRequest { role_name: "ci".into(), description: "new".into() };
    fixture.iam.update_role_description(ours(), input).await.unwrap();
    let shown = get(&fixture, "ci").await.unwrap();
    assert_eq!((shown.description.as_deref(), shown.max_session_duration), (Some("new"), Some(7200)));

    let roles = fixture.iam.list_roles(ours(), ListRolesRequest::default()).await.unwrap().roles;
    assert_eq!((roles.len(), &roles[0].tags, roles[0].role_last_used.is_some()), (1, &None, false));
    assert_eq!(fixture.needs_text(), ["iam:ListRoles arn:aws:iam::111111111111:role/"]);
}

#[tokio::test]
async fn tags_of_a_role() {
    let fixture = Fixture::new().await;
    fixture.iam.create_role(ours(), named("ci", "*")).await.unwrap();
    let tags = vec![Tag { key: "b".into(), value: "2".into() }, Tag { key: "a".into(), value: "1".into() }];
    fixture.iam.tag_role(ours(), TagRoleRequest { role_name: "ci".into(), tags }).await.unwrap();
    let input = UntagRoleRequest { role_name: "ci".into(), tag_keys: vec!["B".into()] };
    fixture.iam.untag_role(ours(), input).await.unwrap();
    assert_eq!(fixture.context()[0], "aws:ResourceTag/a=1");
    let input = ListRoleTagsRequest { role_name: "ci".into(), ..ListRoleTagsRequest::default() };
    let tags = fixture.iam.list_role_tags(ours(), input).await.unwrap().tags;
    assert_eq!(tags, [Tag { key: "a".into(), value: "1".into() }]);
}

#[tokio::test]
async fn trust_policies_are_checked() {
    let fixture = Fixture::new().await;
    users::create(&fixture, "ann").await;
    fixture.iam.create_role(ours(), named("there", "*")).await.unwrap();
    let good = [
        "*",
        "111111111111",
        THEIRS,
        "arn:aws:iam::222222222222:root",
        "arn:aws:iam::111111111111:user/ann",
        "arn:aws:iam::111111111111:role/there",
        "arn:aws:sts::111111111111:assumed-role/there/session",
    ];
    for (number, principal) in good.iter().enumerate() {
        fixture.iam.create_role(ours(), named(&format!("good{number}"), principal)).await.unwrap();
    }
    let bad = [
        "333333333333",
        "arn:aws:iam::333333333333:root",
        "arn:aws:iam::111111111111:user/bea",
        "arn:aws:iam::111111111111:user/a/ann",
        "arn:aws:iam::111111111111:role/none",
        "arn:aws:iam::111111111111:group/devs",
    ];
    for principal in bad {
        let refused = refusal(fixture.iam.create_role(ours(), named("bad", principal)).await);
        let text = format!("Invalid principal in policy: \"AWS\":\"{principal}\"");
        assert_eq!(refused, ("MalformedPolicyDocument".into(), text));
    }
    let many = trusting("*").replace(r#""*""#, &format!("[{}]", vec![r#""*""#; 600].join(",")));
    let long = CreateRoleRequest { assume_role_policy_document: many, ..named("long", "*") };
    let refused = refusal(fixture.iam.create_role(ours(), long).await);
    assert_eq!(refused.0, "LimitExceeded", "{refused:?}");
    let none = CreateRoleRequest { assume_role_policy_document: "{}".into(), ..named("none", "*") };
    assert_eq!(refusal(fixture.iam.create_role(ours(), none).await).0, "MalformedPolicyDocument");
    let reserved = CreateRoleRequest { path: Some("/aws-service-role/x/".into()), ..named("x", "*") };
    assert_eq!(refusal(fixture.iam.create_role(ours(), reserved).await).0, "InvalidInput");
}

#[tokio::test]
async fn who_is_trusted_stays_so_under_a_new_name_and_a_successor_is_not() {
    let fixture = Fixture::new().await;
    let ann = users::create(&fixture, "ann").await;
    let ann_arn = "arn:aws:iam::111111111111:user/ann";
    fixture.iam.create_role(ours(), named("ci", ann_arn)).await.unwrap();
    assert_eq!(trust(&fixture, "ci").await, trusting(ann_arn));

    let input = UpdateUserRequest { user_name: "ann".into(), new_path: None, new_user_name: Some("bea".into()) };
    fixture.iam.update_user(ours(), input).await.unwrap();
    assert_eq!(trust(&fixture, "ci").await, trusting("arn:aws:iam::111111111111:user/bea"));
    users::create(&fixture, "ann").await;
    assert_eq!(trust(&fixture, "ci").await, trusting("arn:aws:iam::111111111111:user/bea"));

    fixture.iam.delete_user(ours(), DeleteUserRequest { user_name: "bea".into() }).await.unwrap();
    fixture.iam.create_user(ours(), CreateUserRequest { user_name: "bea".into(), ..Default::default() }).await.unwrap();
    assert_eq!(trust(&fixture, "ci").await, trusting(&ann.user_id), "a new bea is another one");

    let input = UpdateAssumeRolePolicyRequest { role_name: "ci".into(), policy_document: trusting("111111111111") };
    fixture.iam.update_assume_role_policy(ours(), input).await.unwrap();
    assert_eq!(trust(&fixture, "ci").await, trusting("111111111111"));
    assert_eq!(fixture.get::<TrustedRecord>(&(our_account(), "ci".into())), None);
    let input = UpdateAssumeRolePolicyRequest { role_name: "ci".into(), policy_document: trusting(&ann.user_id) };
    assert_eq!(refusal(fixture.iam.update_assume_role_policy(ours(), input).await).0, "MalformedPolicyDocument");
}

#[tokio::test]
async fn names_written_with_escapes_are_followed_too() {
    let fixture = Fixture::new().await;
    let ann = users::create(&fixture, "ann").await;
    fixture.iam.create_role(ours(), named("ci", r"arn:aws:iam::111111111111:user\/ann")).await.unwrap();
    fixture.iam.delete_user(ours(), DeleteUserRequest { user_name: "ann".into() }).await.unwrap();
    assert!(trust(&fixture, "ci").await.contains(&ann.user_id));
}

#[tokio::test]
async fn a_role_goes_when_nothing_hangs_on_it() {
    let fixture = Fixture::new().await;
    fixture.iam.create_role(ours(), named("ci", "*")).await.unwrap();
    let profile = || "web".to_owned();
    let input = CreateInstanceProfileRequest { instance_profile_name: profile(), ..Default::default() };
    fixture.iam.create_instance_profile(ours(), input).await.unwrap();
    let input = AddRoleToInstanceProfileRequest { instance_profile_name: profile(), role_name: "ci".into() };
    fixture.iam.add_role_to_instance_profile(ours(), input).await.unwrap();
    let text = "Cannot delete entity, must remove roles from instance profile first.";
    assert_eq!(refusal(delete(&fixture, "ci").await), ("DeleteConflict".into(), text.into()));
    let input = RemoveRoleFromInstanceProfileRequest { instance_profile_name: profile(), role_name: "ci".into() };
    fixture.iam.remove_role_from_instance_profile(ours(), input).await.unwrap();

    let attached = AttachmentRecord {
        account: our_account(),
        owner: "role/ci".into(),
        policy_arn: "arn:aws:iam::aws:policy/ReadOnlyAccess".into(),
    };
    let mut changes = Changes::new();
    changes.put(&attached).unwrap();
    fixture.store.commit(None, changes).await.unwrap();
    let text = "Cannot delete entity, must detach all policies first.";
    assert_eq!(refusal(delete(&fixture, "ci").await), ("DeleteConflict".into(), text.into()));
    let mut changes = Changes::new();
    changes.delete::<AttachmentRecord>(&(attached.account, attached.owner, attached.policy_arn));
    fixture.store.commit(None, changes).await.unwrap();
    delete(&fixture, "ci").await.unwrap();
    let text = "The role with name ci cannot be found.";
    assert_eq!(refusal(get(&fixture, "ci").await), ("NoSuchEntity".into(), text.into()));
}

#[tokio::test]
async fn a_role_tells_when_it_was_last_used() {
    let fixture = Fixture::new().await;
    let id = fixture.iam.create_role(ours(), named("ci", "*")).await.unwrap().role.role_id;
    let used = KeyUseRecord { id, used: fixture.now(), service: "s3".into(), region: "eu-west-1".into() };
    let mut changes = Changes::new();
    changes.put(&used).unwrap();
    fixture.store.commit(None, changes).await.unwrap();
    let shown = get(&fixture, "ci").await.unwrap().role_last_used.unwrap();
    assert_eq!((shown.last_used_date, shown.region.as_deref()), (Some(fixture.now()), Some("eu-west-1")));
}

#[tokio::test]
async fn roles_of_services_are_theirs() {
    let fixture = Fixture::new().await;
    let ask = |service: &str, suffix: Option<&str>| CreateServiceLinkedRoleRequest {
        aws_service_name: service.to_owned(),
        description: None,
        custom_suffix: suffix.map(str::to_owned),
    };
    let create = |input| fixture.iam.create_service_linked_role(ours(), input);
    let role = create(ask("autoscaling.amazonaws.com", None)).await.unwrap().role.unwrap();
    let arn = "arn:aws:iam::111111111111:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling";
    assert_eq!(role.arn, arn);
    assert_eq!(fixture.needs_text(), [format!("iam:CreateServiceLinkedRole {arn}")]);
    assert_eq!(fixture.context(), ["iam:AWSServiceName=autoscaling.amazonaws.com"]);
    let policy = "arn:aws:iam::aws:policy/aws-service-role/AutoScalingServiceRolePolicy".to_owned();
    let owner = "role/awsserviceroleforautoscaling".to_owned();
    assert!(fixture.get::<AttachmentRecord>(&(our_account(), owner, policy)).is_some());

    let taken =
        "Service role name AWSServiceRoleForAutoScaling has been taken in this account, please try a different suffix.";
    for (input, text) in [
        (ask("autoscaling.amazonaws.com", None), taken),
        (ask("nonsense", None), "nonsense is not a valid AWS service name."),
        (ask("ecs.amazonaws.com", Some("x")), "Custom suffix is not allowed for ecs.amazonaws.com"),
    ] {
        assert_eq!(refusal(create(input).await), ("InvalidInput".into(), text.into()));
    }
    create(ask("autoscaling.amazonaws.com", Some("two"))).await.unwrap();
    let unknown = create(ask("new-thing.amazonaws.com", None)).await.unwrap().role.unwrap();
    assert_eq!(unknown.role_name, "AWSServiceRoleForNewThing");

    let name = || "AWSServiceRoleForAutoScaling".to_owned();
    let text = "Cannot perform the operation on the protected role 'AWSServiceRoleForAutoScaling' - this role is only modifiable by AWS";
    let unmodifiable = ("UnmodifiableEntity".to_owned(), text.to_owned());
    let input = UpdateAssumeRolePolicyRequest { role_name: name(), policy_document: trusting("*") };
    assert_eq!(refusal(fixture.iam.update_assume_role_policy(ours(), input).await), unmodifiable);
    assert_eq!(refusal(delete(&fixture, &name()).await), unmodifiable);

    let input = DeleteServiceLinkedRoleRequest { role_name: name() };
    let task = fixture.iam.delete_service_linked_role(ours(), input).await.unwrap().deletion_task_id;
    assert!(
        task.starts_with("task/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling/"),
        "{task}"
    );
    let status = |task: &str| {
        let input = GetServiceLinkedRoleDeletionStatusRequest { deletion_task_id: task.to_owned() };
        fixture.iam.get_service_linked_role_deletion_status(ours(), input)
    };
    assert_eq!(status(&task).await.unwrap().status, "SUCCEEDED");
    assert_eq!(fixture.needs_text(), [format!("iam:GetServiceLinkedRoleDeletionStatus {arn}")]);
    assert_eq!(refusal(status("task/none").await).0, "NoSuchEntity");
    assert_eq!(refusal(get(&fixture, &name()).await).0, "NoSuchEntity");
    fixture.iam.create_role(ours(), named("own", "*")).await.unwrap();
    let input = DeleteServiceLinkedRoleRequest { role_name: "own".into() };
    assert_eq!(refusal(fixture.iam.delete_service_linked_role(ours(), input).await).0, "InvalidInput");
}
