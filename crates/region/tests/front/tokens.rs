//! Tokens and references that one account hands to another: they open nothing.

use crate::client::{Answer, Key, Request};
use crate::fixture::World;

async fn ec2(world: &World, key: &Key, form: &str) -> Answer {
    Request::form(&format!("{form}&Version=2016-11-15")).signed(key, "ec2").send(world.address).await
}

/// The run of an owner's instances with a token: an idempotency token means one thing in each account.
#[tokio::test]
async fn an_idempotency_token_is_its_accounts_own() {
    let world = World::new().await;
    let image = world.ec2("Action=DescribeImages").await.element("imageId").unwrap().to_owned();
    let run = format!("Action=RunInstances&MinCount=1&MaxCount=1&ImageId={image}&ClientToken=the-same");
    let first = world.ec2(&run).await.element("instanceId").unwrap().to_owned();
    assert_eq!(world.ec2(&run).await.element("instanceId"), Some(first.as_str()), "it is the same call again");
    let other = ec2(&world, &world.stranger, &run).await;
    assert_eq!(other.status, 200, "{}", other.body);
    assert!(!other.body.contains(&first), "{}", other.body);
}

#[tokio::test]
async fn a_page_token_shows_another_account_nothing() {
    let world = World::new().await;
    let image = world.ec2("Action=DescribeImages").await.element("imageId").unwrap().to_owned();
    for _ in 0..6 {
        world.ec2(&format!("Action=RunInstances&MinCount=1&MaxCount=1&ImageId={image}")).await;
    }
    let page = "Action=DescribeInstances&MaxResults=5";
    let token = world.ec2(page).await.element("nextToken").expect("there are more").to_owned();
    let token: String = token.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let next = format!("{page}&NextToken={token}");
    assert!(world.ec2(&next).await.body.contains("<instanceId>"), "the owner gets the next page");
    let other = ec2(&world, &world.stranger, &next).await;
    assert!(!other.body.contains("<instanceId>"), "{}", other.body);
    let cut = ec2(&world, &world.owner, &next[..next.len() - 6]).await;
    assert!(
        cut.status == 200 || cut.code() == "InvalidNextToken" || cut.code() == "InvalidParameterValue",
        "{}",
        cut.body
    );
}

/// A rule of one's own group may name another group, but not one of a stranger's.
#[tokio::test]
async fn a_rule_cannot_name_a_foreign_group() {
    let world = World::new().await;
    let create = "Action=CreateSecurityGroup&GroupName=mine&GroupDescription=mine";
    let owners = world.ec2(create).await.element("groupId").unwrap().to_owned();
    let strangers = ec2(&world, &world.stranger, create).await.element("groupId").unwrap().to_owned();
    let rows = world.rows();
    for action in ["AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress"] {
        let form = format!(
            "Action={action}&GroupId={strangers}&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=80&IpPermissions.1.ToPort=80&IpPermissions.1.Groups.1.GroupId={owners}"
        );
        let answer = ec2(&world, &world.stranger, &form).await;
        assert_eq!(answer.code(), "InvalidGroup.NotFound", "{}", answer.body);
    }
    assert!(world.rows() == rows, "the store changed");
}

/// The metadata service and everybody's images apart, a filter finds nothing of another's either.
#[tokio::test]
async fn filters_find_only_what_is_ones_own() {
    let world = World::new().await;
    let things = world.furnish().await;
    for (action, name, value) in [
        ("DescribeInstances", "instance-id", &things.instance),
        ("DescribeInstances", "subnet-id", &things.subnet),
        ("DescribeVpcs", "vpc-id", &things.vpc),
        ("DescribeSubnets", "vpc-id", &things.vpc),
        ("DescribeSecurityGroups", "group-id", &things.group),
        ("DescribeTags", "resource-id", &things.instance),
    ] {
        let form = format!("Action={action}&Filter.1.Name={name}&Filter.1.Value.1={value}");
        let answer = ec2(&world, &world.stranger, &form).await;
        assert_eq!(answer.status, 200, "{action}: {}", answer.body);
        assert!(!answer.body.contains(value.as_str()), "{action}: {}", answer.body);
    }
}
