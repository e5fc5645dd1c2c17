//! What the operations need, with what conditions may ask about it.

use api::ec2::{
    CreateSecurityGroup, CreateSecurityGroupRequest, CreateTags, CreateTagsRequest, DeleteKeyPair,
    DeleteKeyPairRequest, DeleteTags, DeleteTagsRequest, Ec2Api, RunInstances, RunInstancesRequest, Tag,
    TagSpecification, TerminateInstances, TerminateInstancesRequest,
};
use service::{Need, Operation, Scope};

use super::rig::{Rig, account, group, root, subnet, vpc};
use crate::{Ec2, Ec2Error};

fn scope() -> Scope {
    let caller = root(1).caller;
    Scope {
        region: "us-east-1".into(),
        account: caller.account.clone(),
        caller,
        now: jiff::Timestamp::UNIX_EPOCH,
        despite: service::Despite::default(),
    }
}

fn needs<O>(rig: &Rig, input: &O::Input) -> Vec<Need>
where
    O: Operation<Ec2, Error = Ec2Error>,
{
    O::needs(input, &rig.store.view().unwrap(), &scope()).unwrap()
}

fn value(need: &Need, key: &str) -> Option<String> {
    need.context.get(key).map(|values| values.join(","))
}

#[track_caller]
fn check(need: &Need, action: &str, resource: &str, keys: &[(&str, Option<&str>)]) {
    assert_eq!((&*need.action, need.resource_text()), (action, resource));
    for (key, expected) in keys {
        assert_eq!(value(need, key).as_deref(), *expected, "{key} of {resource}");
    }
}

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: Some(key.into()), value: Some(value.into()) }
}

fn tags(kind: &str) -> Vec<TagSpecification> {
    vec![TagSpecification { resource_type: Some(kind.into()), tags: Some(vec![tag("team", "blue")]) }]
}

#[tokio::test]
async fn a_launch_needs_all_that_it_uses_and_makes() {
    let rig = Rig::new().await;
    let input = RunInstancesRequest { tag_specifications: Some(tags("instance")), ..rig.request() };
    let needs = needs::<RunInstances>(&rig, &input);
    let arn = |resource: &str| format!("arn:aws:ec2:us-east-1:{}:{resource}", account(1));
    let (subnet, group, vpc) = (subnet(1), group(1), arn(&format!("vpc/{}", vpc(1))));
    assert_eq!(needs.len(), 6);
    let team = [("aws:RequestTag/team", Some("blue")), ("aws:TagKeys", Some("team"))];
    let keys = [
        ("ec2:InstanceType", Some("t3.nano")),
        ("ec2:Region", Some("us-east-1")),
        ("ec2:AvailabilityZone", Some("us-east-1a")),
        ("ec2:MetadataHttpTokens", Some("optional")),
        ("ec2:CreateAction", None),
    ];
    check(&needs[0], "ec2:RunInstances", &arn("instance/*"), &[&keys[..], &team].concat());
    let keys = [("ec2:CreateAction", Some("RunInstances"))];
    check(&needs[1], "ec2:CreateTags", &arn("instance/*"), &[&keys[..], &team].concat());
    let keys = [("ec2:Vpc", Some(&*vpc)), ("ec2:AssociatePublicIpAddress", Some("true")), ("aws:TagKeys", None)];
    check(&needs[2], "ec2:RunInstances", &arn("network-interface/*"), &keys);
    let keys = [("ec2:Vpc", Some(&*vpc)), ("ec2:AvailabilityZone", Some("us-east-1a"))];
    check(&needs[3], "ec2:RunInstances", &arn(&format!("subnet/{subnet}")), &keys);
    check(&needs[4], "ec2:RunInstances", &arn(&format!("security-group/{group}")), &[("ec2:Vpc", Some(&*vpc))]);
    let keys = [("ec2:Owner", Some("amazon")), ("ec2:Public", Some("true")), ("ec2:ImageType", Some("machine"))];
    check(&needs[5], "ec2:RunInstances", &format!("arn:aws:ec2:us-east-1::image/{}", rig.image), &keys);
}

#[tokio::test]
async fn an_instance_is_known_by_its_tags_and_facts() {
    let rig = Rig::new().await;
    let input = RunInstancesRequest { tag_specifications: Some(tags("instance")), ..rig.request() };
    let launched = rig.ec2.run_instances(root(1), input).await.unwrap();
    let id = launched.instances.unwrap()[0].instance_id.clone().unwrap();
    let input = TerminateInstancesRequest { instance_ids: vec![id.clone()], ..Default::default() };
    let found = needs::<TerminateInstances>(&rig, &input);
    let keys = [
        ("aws:ResourceTag/team", Some("blue")),
        ("ec2:ResourceTag/team", Some("blue")),
        ("ec2:InstanceType", Some("t3.nano")),
        ("ec2:InstanceID", Some(&*id)),
        ("ec2:InstanceProfile", None),
    ];
    let resource = format!("arn:aws:ec2:us-east-1:{}:instance/{id}", account(1));
    check(&found[0], "ec2:TerminateInstances", &resource, &keys);

    let input = CreateTagsRequest { resources: vec![id.clone()], tags: vec![tag("stage", "x")], ..Default::default() };
    let keys = [
        ("aws:ResourceTag/team", Some("blue")),
        ("aws:RequestTag/stage", Some("x")),
        ("aws:TagKeys", Some("stage")),
        ("ec2:CreateAction", None),
    ];
    check(&needs::<CreateTags>(&rig, &input)[0], "ec2:CreateTags", &resource, &keys);
    let without_value = Tag { key: Some("stage".into()), value: None };
    let input = DeleteTagsRequest { resources: vec![id], tags: Some(vec![without_value]), ..Default::default() };
    let keys = [("aws:RequestTag/stage", None), ("aws:TagKeys", Some("stage"))];
    check(&needs::<DeleteTags>(&rig, &input)[0], "ec2:DeleteTags", &resource, &keys);
}

#[tokio::test]
async fn names_stand_for_what_they_name() {
    let rig = Rig::new().await;
    let input = CreateSecurityGroupRequest {
        group_name: "web".into(),
        description: "web".into(),
        tag_specifications: Some(tags("security-group")),
        ..Default::default()
    };
    let found = needs::<CreateSecurityGroup>(&rig, &input);
    let actions: Vec<&str> = found.iter().map(|need| &*need.action).collect();
    assert_eq!(actions, ["ec2:CreateSecurityGroup", "ec2:CreateTags", "ec2:CreateSecurityGroup"]);
    assert!(found[2].resource_text().ends_with(&format!(":vpc/{}", vpc(1))), "{}", found[2].resource_text());
    let id = ids::KeyPairId::from_random([1; 8]).to_string();
    let input = DeleteKeyPairRequest { key_pair_id: Some(id), ..Default::default() };
    let need = needs::<DeleteKeyPair>(&rig, &input).remove(0);
    assert!(need.resource_text().ends_with(":key-pair/mine"), "{}", need.resource_text());
}
