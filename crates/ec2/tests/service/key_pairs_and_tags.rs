//! Key pairs, and tags on them.

use crate::common::{World, code, filter, owner, stranger, user, world};
use api::ec2::{
    CreateKeyPairRequest, CreateTagsRequest, DeleteKeyPairRequest, DeleteTagsRequest, DescribeKeyPairsRequest,
    DescribeTagsRequest, Ec2Api, ImportKeyPairRequest, KeyPairInfo, Tag, TagSpecification,
};

const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEJ8GgslUqzrLUG0DXo/mnfnnCTgm/6wqcxnfGyycb/0 me@home";

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: Some(key.to_owned()), value: Some(value.to_owned()) }
}

fn named(name: &str) -> CreateKeyPairRequest {
    CreateKeyPairRequest { key_name: name.to_owned(), ..CreateKeyPairRequest::default() }
}

async fn pairs(world: &World, input: DescribeKeyPairsRequest) -> Vec<KeyPairInfo> {
    world.ec2.describe_key_pairs(owner(), input).await.unwrap().key_pairs.unwrap()
}

#[tokio::test]
async fn the_life_of_a_key_pair() {
    let world = world().await;
    let specification =
        TagSpecification { resource_type: Some("key-pair".to_owned()), tags: Some(vec![tag("team", "blue")]) };
    let input = CreateKeyPairRequest { tag_specifications: Some(vec![specification]), ..named("mine") };
    let created = world.ec2.create_key_pair(owner(), input).await.unwrap();
    assert_eq!(created.key_material.as_deref(), Some("private Rsa"));
    assert_eq!(created.key_fingerprint.as_deref(), Some("fingerprint Rsa"));
    assert_eq!(created.tags, Some(vec![tag("team", "blue")]));
    assert_eq!(code(world.ec2.create_key_pair(owner(), named("mine")).await), "InvalidKeyPair.Duplicate");
    world.ec2.create_key_pair(stranger(), named("mine")).await.unwrap();

    let shown = pairs(&world, DescribeKeyPairsRequest::default()).await;
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].key_type.as_deref(), Some("rsa"));
    assert_eq!(shown[0].public_key, None);
    assert_eq!(shown[0].tags, Some(vec![tag("team", "blue")]));
    let input = DescribeKeyPairsRequest { include_public_key: Some(true), ..DescribeKeyPairsRequest::default() };
    assert_eq!(pairs(&world, input).await[0].public_key.as_deref(), Some("public Rsa mine"));
    let input = DescribeKeyPairsRequest { filters: filter("tag:team", "red"), ..DescribeKeyPairsRequest::default() };
    assert_eq!(pairs(&world, input).await, []);

    let id = created.key_pair_id.unwrap();
    let by_id = DeleteKeyPairRequest { key_pair_id: Some(id.clone()), ..DeleteKeyPairRequest::default() };
    let nothing = world.ec2.delete_key_pair(stranger(), by_id.clone()).await.unwrap();
    assert_eq!((nothing.r#return, nothing.key_pair_id), (Some(true), None));
    assert_eq!(code(world.ec2.delete_key_pair(user(), by_id.clone()).await), "UnauthorizedOperation");
    assert_eq!(pairs(&world, DescribeKeyPairsRequest::default()).await.len(), 1);
    let deleted = world.ec2.delete_key_pair(owner(), by_id.clone()).await.unwrap();
    assert_eq!(deleted.key_pair_id, Some(id));
    let again = world.ec2.delete_key_pair(owner(), by_id).await.unwrap();
    assert_eq!((again.r#return, again.key_pair_id), (Some(true), None));
    assert_eq!(pairs(&world, DescribeKeyPairsRequest::default()).await, []);
    let tags = world.ec2.describe_tags(owner(), DescribeTagsRequest::default()).await.unwrap();
    assert_eq!(tags.tags, Some(Vec::new()));
}

#[tokio::test]
async fn refused_key_pairs() {
    let world = world().await;
    for (input, expected) in [
        (named(""), "InvalidParameterValue"),
        (named(" x"), "InvalidParameterValue"),
        (named("schlüssel"), "InvalidParameterValue"),
        (named(&"x".repeat(256)), "InvalidParameterValue"),
        (CreateKeyPairRequest { key_type: Some("dsa".into()), ..named("x") }, "InvalidParameterValue"),
        (CreateKeyPairRequest { key_format: Some("ppk".into()), ..named("x") }, "UnsupportedOperation"),
        (CreateKeyPairRequest { key_format: Some("jks".into()), ..named("x") }, "InvalidParameterValue"),
    ] {
        assert_eq!(code(world.ec2.create_key_pair(owner(), input.clone()).await), expected, "{input:?}");
    }
    assert_eq!(code(world.ec2.create_key_pair(user(), named("x")).await), "UnauthorizedOperation");
    let input = DescribeKeyPairsRequest { key_names: Some(vec!["x".into()]), ..DescribeKeyPairsRequest::default() };
    assert_eq!(code(world.ec2.describe_key_pairs(owner(), input).await), "InvalidKeyPair.NotFound");
    let refused = world.ec2.describe_key_pairs(user(), DescribeKeyPairsRequest::default()).await;
    assert_eq!(code(refused), "UnauthorizedOperation");
    let neither = world.ec2.delete_key_pair(owner(), DeleteKeyPairRequest::default()).await;
    assert_eq!(code(neither), "MissingParameter");
}

#[tokio::test]
async fn imported_keys_keep_their_fingerprint() {
    let world = world().await;
    let input = |name: &str, material: &'static str| ImportKeyPairRequest {
        key_name: name.to_owned(),
        public_key_material: material.as_bytes().into(),
        ..ImportKeyPairRequest::default()
    };
    let imported = world.ec2.import_key_pair(owner(), input("mine", ED25519)).await.unwrap();
    assert_eq!(imported.key_fingerprint.as_deref(), Some("O9ajQiiq2N9nlf9B/so8Y+EHtxlSQbEa0tR2ERpUgTA="));
    let ask = DescribeKeyPairsRequest { include_public_key: Some(true), ..DescribeKeyPairsRequest::default() };
    assert_eq!(pairs(&world, ask).await[0].public_key, Some(ED25519.replace("me@home", "mine")));
    assert_eq!(code(world.ec2.import_key_pair(owner(), input("mine", ED25519)).await), "InvalidKeyPair.Duplicate");
    assert_eq!(code(world.ec2.import_key_pair(owner(), input("x", "nonsense")).await), "InvalidKey.Format");
    assert_eq!(code(world.ec2.import_key_pair(user(), input("x", ED25519)).await), "UnauthorizedOperation");
}

#[tokio::test]
async fn tags_come_and_go() {
    let world = world().await;
    let vpc = world.network.vpc.to_string();
    let resources = vec![vpc.clone(), world.network.group.to_string()];
    let create = |tags: Vec<Tag>| CreateTagsRequest { resources: resources.clone(), tags, dry_run: None };
    let delete = |tags: Option<Vec<Tag>>| DeleteTagsRequest { resources: resources.clone(), tags, dry_run: None };
    let of_vpc = async || {
        let filters = filter("resource-id", &vpc);
        let input = DescribeTagsRequest { filters, ..DescribeTagsRequest::default() };
        let tags = world.ec2.describe_tags(owner(), input).await.unwrap().tags.unwrap();
        let pair = |tag: api::ec2::TagDescription| format!("{}={}", tag.key.unwrap(), tag.value.unwrap());
        tags.into_iter().map(pair).collect::<Vec<_>>().join(" ")
    };
    world.ec2.create_tags(owner(), create(vec![tag("a", "1"), tag("b", "2"), tag("c", "")])).await.unwrap();
    world.ec2.create_tags(owner(), create(vec![tag("a", "3")])).await.unwrap();
    assert_eq!(of_vpc().await, "a=3 b=2 c=");

    for input in [create(vec![tag("d", "")]), create(vec![tag("a", "")])] {
        assert_eq!(code(world.ec2.create_tags(stranger(), input.clone()).await), "InvalidVpcID.NotFound");
        assert_eq!(code(world.ec2.create_tags(user(), input).await), "UnauthorizedOperation");
    }
    assert_eq!(code(world.ec2.delete_tags(stranger(), delete(None)).await), "InvalidVpcID.NotFound");
    assert_eq!(code(world.ec2.delete_tags(user(), delete(None)).await), "UnauthorizedOperation");
    let refused = world.ec2.describe_tags(user(), DescribeTagsRequest::default()).await;
    assert_eq!(code(refused), "UnauthorizedOperation");
    let foreign = world.ec2.describe_tags(stranger(), DescribeTagsRequest::default()).await.unwrap();
    assert_eq!(foreign.tags, Some(Vec::new()));
    assert_eq!(of_vpc().await, "a=3 b=2 c=");

    let only_key = Tag { key: Some("a".to_owned()), value: None };
    world.ec2.delete_tags(owner(), delete(Some(vec![only_key, tag("b", "other")]))).await.unwrap();
    assert_eq!(of_vpc().await, "b=2 c=");
    world.ec2.delete_tags(owner(), delete(Some(vec![tag("b", ""), tag("c", "")]))).await.unwrap();
    assert_eq!(of_vpc().await, "b=2");
    world.ec2.delete_tags(owner(), delete(None)).await.unwrap();
    assert_eq!(of_vpc().await, "");

    let many: Vec<Tag> = (0..50).map(|number| tag(&number.to_string(), "")).collect();
    world.ec2.create_tags(owner(), create(many)).await.unwrap();
    assert_eq!(code(world.ec2.create_tags(owner(), create(vec![tag("x", "")])).await), "TagLimitExceeded");
    world.ec2.create_tags(owner(), create(vec![tag("7", "again")])).await.unwrap();
    let input = CreateTagsRequest { resources: vec!["thing-1".into()], tags: vec![tag("x", "")], dry_run: None };
    assert_eq!(code(world.ec2.create_tags(owner(), input).await), "InvalidID");
}
